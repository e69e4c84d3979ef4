package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.runtime.generate.Batch;
import dev.halftone.runtime.generate.Generation;
import dev.halftone.runtime.generate.GenerationRequest;
import dev.halftone.runtime.generate.Sampling;
import dev.halftone.runtime.generate.ScoredToken;
import dev.halftone.runtime.generate.TextModel;
import dev.halftone.tensor.Torch;
import dev.halftone.text.TextFiles;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone generate MODEL --prompt TEXT}. */
@Command(name = "generate", description = "Lets a model continue a text.", mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;
    private static final int CHUNK = 128;
    private static final int MOST_ALTERNATIVES = 100;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Mixin
    private EngineOptions engine = new EngineOptions();

    @Mixin
    private SamplingOptions sampling = new SamplingOptions();

    @Parameters(paramLabel = "MODEL", description = "a directory that quantize wrote, " + ModelFile.NAMES)
    private String model = "";

    @Option(names = "--prompt", paramLabel = "TEXT", description = "text to continue")
    private @Nullable String prompt;

    @Option(names = "--prompt-file", paramLabel = "FILE", description = "the same from a file")
    private @Nullable Path promptFile;

    @Option(
            names = "--chat",
            paramLabel = "TEXT",
            description =
                    "a message, written as the model's chat template wants it; repeated: the turns of user and assistant")
    private List<String> chat = new ArrayList<>();

    @Option(names = "--system", paramLabel = "TEXT", description = "what the chat is to be like")
    private @Nullable String system;

    @Option(
            names = {"-n", "--max-tokens"},
            paramLabel = "N",
            description = "tokens of the answer, at most (default: ${DEFAULT-VALUE}, or what the context leaves)")
    private int mostTokens = 128;

    @Option(names = "--stop", paramLabel = "TEXT", description = "ends the answer before this text; may be repeated")
    private List<String> stops = new ArrayList<>();

    @Option(names = "--echo", description = "print the prompt in front of the answer")
    private boolean echo;

    @Option(
            names = "--logprobs",
            paramLabel = "N",
            description = "with --json: each token's log-probability, and those of the N most probable ones")
    private int alternatives = -1;

    /** What is printed as JSON. */
    record Document(
            int schema,
            String model,
            String engine,
            String text,
            String finishReason,
            int promptTokens,
            int tokens,
            double firstTokenSeconds,
            @Nullable Double tokensPerSecond,
            @Nullable List<Scored> logprobs,
            Provenance provenance) {}

    /** A token of the answer. */
    record Scored(int id, String token, double logprob, List<Scored> top) {}

    @Override
    public Integer call() {
        int threads = common.checkedThreads();
        Sampling chosen = sampling.chosen();
        checkOptions();
        Torch.loadAhead();
        try (ModelFile file = ModelFile.open(model);
                TextModel text = engine.open(file, threads)) {
            String written = written(text);
            int[] ids = chat.isEmpty() ? text.encode(written) : text.tokenizer().encode(written);
            int most = Math.clamp(text.contextLength() + 1L - ids.length, 1, mostTokens);
            GenerationRequest request =
                    new GenerationRequest(ids, most, chosen, 0, stops, false, alternatives).checked(text);
            Answer answer = new Answer(common.json ? null : spec.commandLine().getOut());
            if (echo) {
                answer.show(written);
            }
            run(text, request, answer);
            print(text, file, request, answer);
        }
        return 0;
    }

    private void checkOptions() {
        int given = (prompt == null ? 0 : 1) + (promptFile == null ? 0 : 1) + (chat.isEmpty() ? 0 : 1);
        if (given != 1) {
            throw new ParameterException(
                    spec.commandLine(), "one of --prompt, --prompt-file and --chat is wanted, not " + given);
        }
        if (system != null && chat.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--system needs --chat");
        }
        if (mostTokens < 1 || alternatives < -1 || alternatives > MOST_ALTERNATIVES) {
            boolean tokens = mostTokens < 1;
            throw new InputException(
                    "HT-942",
                    tokens ? "--max-tokens" : "--logprobs",
                    "is %d; expected %s"
                            .formatted(tokens ? mostTokens : alternatives, tokens ? "1 or more" : "0 to 100"),
                    "");
        }
        if (stops.contains("")) {
            throw new InputException("HT-942", "--stop", "is empty", "");
        }
        if (!chat.isEmpty() && chat.size() % 2 == 0) {
            throw new InputException(
                    "HT-942",
                    "--chat",
                    "%d turns, so that the last one is the assistant's".formatted(chat.size()),
                    "add one");
        }
    }

    private String written(TextModel text) {
        if (prompt != null) {
            return prompt;
        }
        if (promptFile != null) {
            return TextFiles.read(promptFile);
        }
        List<Map<String, Object>> messages = new ArrayList<>();
        if (system != null) {
            messages.add(Map.of("role", "system", "content", system));
        }
        for (int i = 0; i < chat.size(); i++) {
            messages.add(Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", chat.get(i)));
        }
        return text.template().render(messages, null, true, Map.of(), LocalDateTime.now(ZoneId.systemDefault()));
    }

    private static void run(TextModel text, GenerationRequest request, Answer answer) {
        try (Batch batch = new Batch(text, CHUNK)) {
            batch.add(new Generation(text, request, CHUNK, answer));
            while (batch.size() > 0) {
                batch.step();
            }
        }
        if (answer.failure != null) {
            throw answer.failure;
        }
    }

    private void print(TextModel text, ModelFile file, GenerationRequest request, Answer answer) {
        if (common.json) {
            Map<String, String> settings =
                    new TreeMap<>(Map.of("sampling", request.sampling().toString()));
            CommonOptions.print(
                    spec.commandLine().getOut(),
                    new Document(
                            SCHEMA,
                            model,
                            text.engine().description(),
                            answer.text.toString(),
                            answer.finish == Generation.Finish.STOP ? "stop" : "length",
                            request.prompt().length,
                            answer.tokens.size(),
                            answer.firstSeconds(),
                            answer.tokens.size() < 2 ? null : answer.tokensPerSecond(),
                            alternatives < 0 ? null : scored(text, answer.tokens),
                            Provenance.of(file.checkpoint().files(), settings)));
            return;
        }
        spec.commandLine().getOut().println();
        spec.commandLine()
                .getErr()
                .printf(
                        "%d tokens read, the first written after %.2f s; %d tokens%s; %s%n",
                        request.prompt().length,
                        answer.firstSeconds(),
                        answer.tokens.size(),
                        answer.tokens.size() < 2 ? "" : ", %.1f tokens/s".formatted(answer.tokensPerSecond()),
                        text.engine().description());
    }

    private static List<Scored> scored(TextModel text, List<ScoredToken> tokens) {
        return tokens.stream()
                .map(token -> new Scored(
                        token.id(),
                        text.name(token.id()),
                        token.logprob(),
                        token.top().stream()
                                .map(other -> new Scored(other.id(), text.name(other.id()), other.logprob(), List.of()))
                                .toList()))
                .toList();
    }

    /** The answer as it grows, on the terminal and for the document. */
    private static final class Answer implements Generation.Listener {
        private final @Nullable PrintWriter out;
        private final StringBuilder text = new StringBuilder();
        private final List<ScoredToken> tokens = new ArrayList<>();
        private final long start = System.nanoTime();
        private long first;
        private long latest;
        private Generation.Finish finish = Generation.Finish.LENGTH;
        private @Nullable RuntimeException failure;

        Answer(@Nullable PrintWriter out) {
            this.out = out;
        }

        void show(String piece) {
            text.append(piece);
            if (out != null && !piece.isEmpty()) {
                out.print(piece);
                out.flush();
            }
        }

        double firstSeconds() {
            return (first - start) / 1e9;
        }

        /** Of the tokens behind the first, which waits for the prompt. */
        double tokensPerSecond() {
            return (tokens.size() - 1) / ((latest - first) / 1e9);
        }

        @Override
        public void token(ScoredToken token, String piece) {
            latest = System.nanoTime();
            first = tokens.isEmpty() ? latest : first;
            tokens.add(token);
            show(piece);
        }

        @Override
        public void finished(String piece, Generation.Finish how) {
            show(piece);
            finish = how;
        }

        @Override
        public void failed(RuntimeException e) {
            failure = e;
        }
    }
}
