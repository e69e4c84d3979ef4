package dev.halftone.text;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * How byte-level BPE cuts a text into words before merging: what {@code tokenizer.ggml.pre} names.
 *
 * <p>The steps are those of the model's own tokenizer.json where that is known (Qwen2, SmolLM, Falcon, DeepSeek, ...), else
 * the regular expressions of llama.cpp's table: each step cuts the pieces of the step before it, and what lies between two
 * matches is a piece too.
 *
 * @param steps in order; the mapping of bytes to characters is added where no step does it
 * @param nfc true if the model's tokenizer composes characters first
 * @param ignoreMerges true if a word that is a token stays whole, even where the merges do not build it
 * @param addsBos what holds if the file does not say it
 */
record PreTokenizer(List<Step> steps, boolean nfc, boolean ignoreMerges, boolean addsBos) {

    /** One stage of tokenizer.json's pre_tokenizer. */
    sealed interface Step {}

    /** Cut at the matches of a regular expression. */
    record Split(String regex) implements Step {}

    /** Cut digits from other characters, and from one another if {@code individual}. */
    record Digits(boolean individual) implements Step {}

    /** Runs of punctuation on their own. */
    record Punctuation() implements Step {}

    /** GPT-2's expression, then bytes become characters. */
    record Gpt2() implements Step {}

    private static final Step GPT2 = new Gpt2();
    private static final Step DIGITS = new Digits(true);
    private static final String GPT2_REGEX =
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    private static final String TAIL = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String ENGLISH = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private static final String WORD = "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+";
    private static final String LLAMA3 = ENGLISH + "|" + WORD + "|\\p{N}{1,3}" + TAIL;
    private static final String QWEN2 = ENGLISH + "|" + WORD + "|\\p{N}" + TAIL;
    private static final String QWEN35 = ENGLISH + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
            + "| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String TAIL_SLASH = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String TEKKEN = cased("") + "|\\p{N}" + TAIL_SLASH;
    private static final String GPT4O = cased(ENGLISH + "?") + "|\\p{N}{1,3}" + TAIL_SLASH;
    private static final String CJK = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";
    private static final String CHINESE_JAPANESE = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
    private static final String DEEPSEEK3 =
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
                    + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String BLOOM = " ?[^(\\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+";
    /** Letters of the scripts with case, as DeepSeek's first tokenizer lists them. */
    private static final String CASED_LETTERS =
            "A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373"
                    + "\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481"
                    + "\u048A-\u052F\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF"
                    + "\u1D00-\u1D2B\u1D6B-\u1D77\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D"
                    + "\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4"
                    + "\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4\u1FF6-\u1FFC\u2102\u2107"
                    + "\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139\u213C-\u213F"
                    + "\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D"
                    + "\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17"
                    + "\uFF21-\uFF3A\uFF41-\uFF5A\uD801\uDC00-\uD801\uDC4F\uD801\uDCB0-\uD801\uDCD3"
                    + "\uD801\uDCD8-\uD801\uDCFB\uD803\uDC80-\uD803\uDCB2\uD803\uDCC0-\uD803\uDCF2"
                    + "\uD806\uDCA0-\uD806\uDCDF\uD83A\uDD00-\uD83A\uDD43";

    private static final Map<String, PreTokenizer> TABLE = table();

    /** Optional capitals then small letters, or capitals then optional small letters. */
    private static String cased(String suffix) {
        String before = "[^\\r\\n\\p{L}\\p{N}]?";
        return before + UPPER + "*" + LOWER + "+" + suffix + "|" + before + UPPER + "+" + LOWER + "*" + suffix;
    }

    private static PreTokenizer of(Step... steps) {
        return new PreTokenizer(List.of(steps), false, false, false);
    }

    private static PreTokenizer of(String regex) {
        return of(new Split(regex));
    }

    private PreTokenizer withNfc() {
        return new PreTokenizer(steps, true, ignoreMerges, addsBos);
    }

    private PreTokenizer ignoringMerges() {
        return new PreTokenizer(steps, nfc, true, addsBos);
    }

    private PreTokenizer addingBos() {
        return new PreTokenizer(steps, nfc, ignoreMerges, true);
    }

    private static Map<String, PreTokenizer> table() {
        Map<String, PreTokenizer> table = new TreeMap<>();
        put(table, of(GPT2), "gpt-2", "phi-2", "roberta-bpe", "jina-v1-en", "jina-v2-code", "jina-v2-de", "jina-v2-es");
        put(table, of(GPT2), "jina-de", "jina-es", "gigachat", "a.x-4.0", "mellum", "modern-bert", "exaone4");
        put(table, of(GPT2), "jais", "trillion", "granite-docling");
        put(table, of(GPT2).withNfc(), "mpt", "olmo");
        put(table, of(DIGITS, GPT2), "smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2");
        put(table, of(DIGITS, GPT2).withNfc(), "command-r");
        put(table, of(new Punctuation(), GPT2, new Digits(false), new Split("[0-9][0-9][0-9]")), "falcon");
        put(table, unnamed(), "default");
        put(table, of(LLAMA3).ignoringMerges().addingBos(), "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1");
        put(table, of(LLAMA3).ignoringMerges().addingBos(), "pixtral", "midm-2.0", "lfm2", "jina-v5-nano");
        put(table, of(LLAMA3), "dbrx", "smaug-bpe", "chatglm-bpe", "glm4");
        put(table, of(QWEN2).withNfc(), "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez");
        put(table, of(QWEN2), "stablelm2", "hunyuan", "solar-open", "grok-2");
        put(table, of(QWEN35).withNfc(), "qwen35");
        put(table, of(WORD + "|\\p{N}" + TAIL), "ufakzeka");
        put(table, of(TEKKEN).ignoringMerges().addingBos(), "tekken");
        put(table, of(GPT4O), "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2");
        put(table, of(new Split("\\d{1,3}(?=(?:\\d{3})*\\b)"), new Split(GPT4O)), "tiny_aya", "cohere2moe");
        put(table, of(BLOOM), "bloom", "poro-chat", "gpt3-finnish");
        put(table, of(new Split(BLOOM), DIGITS), "viking");
        put(table, deepseekLlm(), "deepseek-llm");
        put(table, deepseekCoder(), "deepseek-coder");
        put(table, deepseek3(), "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4");
        put(table, of(new Split("\\p{N}{1,3}"), new Split(minicpm())).ignoringMerges(), "minicpm5");
        put(table, of(new Split("[^\\n]+|[\\n]+"), new Split(QWEN2)), "laguna");
        put(table, of(bailing()), "bailingmoe", "bailingmoe2", "llada-moe");
        put(table, of(seedCoder()), "seed-coder");
        put(table, of(GPT4O).ignoringMerges(), "granite-embed-multi-97m");
        put(table, chameleon().addingBos(), "chameleon");
        put(table, of(exaoneMoe()), "exaone-moe");
        put(table, of(jais2()), "jais-2");
        return Map.copyOf(table);
    }

    private static void put(Map<String, PreTokenizer> table, PreTokenizer pre, String... names) {
        for (String name : names) {
            table.put(name, pre);
        }
    }

    /** What llama.cpp does for a file that names no pre-tokenizer. */
    private static PreTokenizer unnamed() {
        return of(
                new Split("[\\p{P}\\$\\+<=>\\^~\\|]+"),
                new Split(GPT2_REGEX),
                new Split("\\p{N}+"),
                new Split("[0-9][0-9][0-9]"));
    }

    private static PreTokenizer deepseekLlm() {
        return of(
                new Split("[\\r\\n]"),
                new Split("\\s?[" + CASED_LETTERS + "]+"),
                new Split("\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+"),
                new Split("\\s+$"),
                new Split(CJK),
                DIGITS);
    }

    private static PreTokenizer deepseekCoder() {
        return of(new Split("[\\r\\n]"), new Split("\\s?\\p{L}+"), new Split("\\s?\\p{P}+"), new Split(CJK), DIGITS);
    }

    private static PreTokenizer deepseek3() {
        return of(new Split("\\p{N}{1,3}"), new Split(CHINESE_JAPANESE), new Split(DEEPSEEK3));
    }

    private static String minicpm() {
        return ENGLISH + "|" + WORD + "|\\p{N}+" + TAIL;
    }

    private static String bailing() {
        return "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*"
                + "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
    }

    private static String seedCoder() {
        return ENGLISH + "|" + WORD + "|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    }

    private static PreTokenizer chameleon() {
        return of(
                new Split("<sentinel:[0-9]+>"),
                new Split("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"),
                new Split("([\\t\\n]|    |  )"),
                DIGITS,
                new Split("[\\p{P}!-/:-@\\[-`{-~]"),
                GPT2);
    }

    private static String exaoneMoe() {
        return ENGLISH + "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+";
    }

    /** White space in powers of two. */
    private static String jais2() {
        return LLAMA3.replace(
                "\\s+(?!\\S)|\\s+",
                "\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)"
                        + "|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s{1}");
    }

    /** The names of the table, in alphabetical order. */
    static List<String> names() {
        return TABLE.keySet().stream().sorted().toList();
    }

    /** Names that stand for the same steps as others; the first of each line is the one that llama.cpp's converter writes. */
    private static final List<String> PREFERRED =
            List.of("gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "falcon", "gpt-4o", "deepseek-v3", "olmo");

    /**
     * The name of what a tokenizer.json's {@code pre_tokenizer} does.
     *
     * @param nfc true if characters are composed first
     * @param ignoreMerges true if a word that is a token stays whole
     */
    static Optional<String> nameOf(JsonNode json, boolean nfc, boolean ignoreMerges) {
        List<String> steps = stages(json);
        Predicate<String> same = name -> {
            PreTokenizer pre = TABLE.get(name);
            return pre != null
                    && pre.nfc() == nfc
                    && pre.ignoreMerges() == ignoreMerges
                    && stages(pre.toJson()).equals(steps);
        };
        return Stream.concat(PREFERRED.stream(), names().stream().filter(name -> !name.equals("default")))
                .filter(same)
                .findFirst();
    }

    /** The steps of a pre-tokenizer without what changes nothing but offsets; mapping bytes to characters is a step of all. */
    private static List<String> stages(JsonNode json) {
        List<JsonNode> nodes = new ArrayList<>();
        if (json.path("type").asString("").equals("Sequence")) {
            json.path("pretokenizers").forEach(nodes::add);
        } else {
            nodes.add(json);
        }
        List<String> stages = new ArrayList<>();
        for (JsonNode node : nodes) {
            String type = node.path("type").asString("");
            if (!type.equals("ByteLevel")) {
                stages.add(node.toString());
            } else if (node.path("add_prefix_space").asBoolean(true)) {
                stages.add("prefix space");
            } else if (node.path("use_regex").asBoolean(true)) {
                stages.add(type);
            }
        }
        return stages;
    }

    /** @throws InputException HT-254 for a name that is not in the table */
    static PreTokenizer named(String name, String place) {
        PreTokenizer pre = TABLE.get(name);
        if (pre == null) {
            throw new InputException(
                    "HT-254",
                    place,
                    "tokenizer.ggml.pre is \"%s\"; known: %s".formatted(name, String.join(", ", names())),
                    "use the model's Hugging Face directory, whose tokenizer.json says how its text is cut");
        }
        return pre;
    }

    /** As tokenizer.json's "pre_tokenizer". */
    ObjectNode toJson() {
        JsonNodeFactory json = JsonNodeFactory.instance;
        List<ObjectNode> stages = new ArrayList<>();
        for (Step step : steps) {
            stages.add(
                    switch (step) {
                        case Split(String regex) -> split(regex);
                        case Digits(boolean individual) ->
                            json.objectNode().put("type", "Digits").put("individual_digits", individual);
                        case Punctuation() ->
                            json.objectNode().put("type", "Punctuation").put("behavior", "Contiguous");
                        case Gpt2() -> byteLevel(true);
                    });
        }
        if (!steps.contains(GPT2)) {
            stages.add(byteLevel(false));
        }
        if (stages.size() == 1) {
            return stages.getFirst();
        }
        ArrayNode sequence = json.arrayNode().addAll(stages);
        return json.objectNode().put("type", "Sequence").set("pretokenizers", sequence);
    }

    static ObjectNode split(String regex) {
        JsonNodeFactory json = JsonNodeFactory.instance;
        ObjectNode split = json.objectNode().put("type", "Split");
        split.set("pattern", json.objectNode().put("Regex", regex));
        return split.put("behavior", "Isolated").put("invert", false);
    }

    static ObjectNode byteLevel(boolean useRegex) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", useRegex);
    }
}
