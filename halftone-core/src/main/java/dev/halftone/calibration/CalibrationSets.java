package dev.halftone.calibration;

import dev.halftone.calibration.CalibrationSource.Ascii;
import dev.halftone.calibration.CalibrationSource.Language;
import dev.halftone.calibration.CalibrationSource.Mode;
import dev.halftone.calibration.CalibrationSource.Punctuation;
import dev.halftone.calibration.CalibrationSource.Repeat;
import dev.halftone.calibration.CalibrationSource.Self;
import dev.halftone.calibration.CalibrationSource.Shuffle;
import dev.halftone.calibration.CalibrationSource.Task;
import dev.halftone.calibration.CalibrationSource.Text;
import dev.halftone.calibration.CalibrationSource.Tokens;
import dev.halftone.calibration.CalibrationSource.Unigram;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Path;
import java.util.List;

/** Draws calibration sequences. */
public final class CalibrationSets {
    private CalibrationSets() {}

    /**
     * The sequences that the options ask for, each with BOS in front if the model's tokenizer puts it there: what the first token
     * is decides the activations of the first position. {@link Mode#FIRST} alone takes the text as it is.
     *
     * @param model tokenises, and speaks for {@link Self}
     * @throws InputException HT-411 and HT-441 to HT-449 where a source cannot give them
     */
    public static CalibrationSet draw(CalibrationOptions options, ModelFile model, Workers workers) {
        CalibrationSource source = options.source();
        if (source.readsFiles() && source.files().isEmpty()) {
            throw new InputException(
                    "HT-441", "calibration source " + source.name(), "no file is named", "add --calibration FILE");
        }
        try (TextTokenizer tokenizer = model.tokenizer()) {
            boolean bos =
                    tokenizer.addsBos() && !(source instanceof Text(Mode mode, List<Path> _) && mode == Mode.FIRST);
            Request request = new Request(
                    options.samples(),
                    options.length() - (bos ? 1 : 0),
                    options.seed(),
                    Math.min(
                            tokenizer.vocabularySize(), model.spec().embedding().vocabulary()),
                    tokenizer);
            List<int[]> sequences = switch (source) {
                case Text text -> TextSequences.draw(text, request);
                case Punctuation _ -> CharacterSequences.punctuation(request);
                case Ascii _ -> CharacterSequences.ascii(request);
                case Tokens _ -> TokenSequences.tokens(request);
                case Unigram(List<Path> files) -> TokenSequences.unigram(files, request);
                case Shuffle(List<Path> files) -> TokenSequences.shuffle(files, request);
                case Repeat repeat -> TokenSequences.repeat(repeat, request);
                case Task task -> PackedSequences.task(task, request);
                case Language language -> PackedSequences.language(language, request);
                case Self _ -> SelfSequences.draw(model, request, workers);
            };
            if (bos) {
                sequences = sequences.stream()
                        .map(sequence -> prepended(tokenizer.bosId(), sequence))
                        .toList();
            }
            return CalibrationSet.of(options, sequences, bos);
        }
    }

    private static int[] prepended(int bos, int[] sequence) {
        int[] result = new int[sequence.length + 1];
        result[0] = bos;
        System.arraycopy(sequence, 0, result, 1, sequence.length);
        return result;
    }
}
