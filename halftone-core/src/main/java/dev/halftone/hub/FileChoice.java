package dev.halftone.hub;

import dev.halftone.error.InputException;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which files of a model are pulled. Without patterns: what Halftone reads. That is config, tokenizer, and the safetensors of the
 * model itself; models often hold the same weights in three or four formats, each as large as the first.
 *
 * @param all every file
 * @param include patterns over the path in the repository; {@code *} any text, {@code ?} one letter. They replace the usual choice
 */
public record FileChoice(boolean all, List<String> include) {
    /** What a model directory needs. */
    public static final FileChoice USUAL = new FileChoice(false, List.of());

    private static final Set<String> COMPANIONS = Set.of(
            "config.json",
            "generation_config.json",
            "model.safetensors.index.json",
            "tokenizer.json",
            "tokenizer_config.json",
            "tokenizer.model",
            "spiece.model",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "vocab.txt",
            "merges.txt",
            "chat_template.jinja",
            "chat_template.json",
            "halftone.json");

    private static final Pattern MODEL_WEIGHTS = Pattern.compile("model(-\\d+-of-\\d+)?\\.safetensors");
    private static final Pattern PYTORCH = Pattern.compile(".*\\.(bin|pth|pt)");

    public FileChoice {
        include = List.copyOf(include);
    }

    /**
     * The files to pull.
     *
     * @throws InputException HT-280 for a name that is not safe here, HT-281 if nothing is left that can be used
     */
    List<HubFile> of(List<HubFile> files, HubId id) {
        List<HubFile> chosen = all ? files : include.isEmpty() ? usual(files, id) : matching(files, id);
        if (chosen.isEmpty()) {
            throw new InputException("HT-281", id.toString(), "holds no file", "check the name");
        }
        chosen.forEach(file -> file.checkPortable(id.repository()));
        return chosen;
    }

    private List<HubFile> matching(List<HubFile> files, HubId id) {
        List<Pattern> patterns = include.stream().map(FileChoice::pattern).toList();
        List<HubFile> chosen = keep(
                files, name -> patterns.stream().anyMatch(p -> p.matcher(name).matches()));
        if (chosen.isEmpty()) {
            throw new InputException(
                    "HT-281",
                    id.toString(),
                    "no file matches --include " + HubErrors.printable(String.join(" ", include)),
                    "it holds " + some(files));
        }
        return chosen;
    }

    private static List<HubFile> usual(List<HubFile> files, HubId id) {
        Predicate<String> safetensors = name -> name.endsWith(".safetensors") && name.indexOf('/') < 0;
        // The same weights again under other names (consolidated, fp16) are left out where the usual names are there.
        Predicate<String> named = name -> MODEL_WEIGHTS.matcher(name).matches();
        Predicate<String> weights = files.stream().anyMatch(file -> named.test(file.name())) ? named : safetensors;
        if (files.stream().noneMatch(file -> weights.test(file.name()))) {
            throw withoutSafetensors(files, id);
        }
        return keep(files, name -> COMPANIONS.contains(name) || weights.test(name));
    }

    private static InputException withoutSafetensors(List<HubFile> files, HubId id) {
        List<HubFile> gguf = keep(files, name -> name.endsWith(".gguf"));
        if (!gguf.isEmpty()) {
            return new InputException(
                    "HT-281",
                    id.toString(),
                    "holds no safetensors, but GGUF files: " + some(gguf),
                    "name one with --include");
        }
        if (files.stream().anyMatch(file -> PYTORCH.matcher(file.name()).matches())) {
            return new InputException(
                    "HT-281",
                    id.toString(),
                    "holds its weights only as PyTorch files (.bin), which run code when they are read",
                    "convert it to safetensors first, or look for a copy that has them");
        }
        return new InputException(
                "HT-281", id.toString(), "holds no weights: " + some(files), "name files with --include, or use --all");
    }

    private static List<HubFile> keep(List<HubFile> files, Predicate<String> wanted) {
        return files.stream().filter(file -> wanted.test(file.name())).toList();
    }

    private static String some(List<HubFile> files) {
        String names = files.stream()
                .limit(6)
                .map(file -> HubErrors.printable(file.name()))
                .collect(Collectors.joining(", "));
        return files.isEmpty() ? "no file" : names + (files.size() > 6 ? " and " + (files.size() - 6) + " more" : "");
    }

    private static Pattern pattern(String glob) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < glob.length(); i++) {
            char c = glob.charAt(i);
            regex.append(
                    switch (c) {
                        case '*' -> ".*";
                        case '?' -> ".";
                        default -> Pattern.quote(String.valueOf(c));
                    });
        }
        return Pattern.compile(regex.toString(), Pattern.DOTALL);
    }
}
