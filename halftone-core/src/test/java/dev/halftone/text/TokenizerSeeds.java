package dev.halftone.text;

import java.util.List;

/** Small whole tokenizer.json files, one for each kind of model and with most kinds of parts, to be damaged. */
final class TokenizerSeeds {
    private static final String ADDED = """
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": [{"id": 0, "content": "?", "single_word": false, "lstrip": false, "rstrip": false,
                              "normalized": false, "special": true},
                             {"id": %d, "content": "<s>", "single_word": false, "lstrip": true, "rstrip": false,
                              "normalized": false, "special": true}],
            "post_processor": {"type": "TemplateProcessing",
                 "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                 "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                 "special_tokens": {"<s>": {"id": "<s>", "ids": [%d], "tokens": ["<s>"]}}},
            """;

    private TokenizerSeeds() {}

    static List<String> documents() {
        return List.of(
                "{" + ADDED.formatted(4, 4) + """
                "normalizer": {"type": "NFC"}, "decoder": null, "pre_tokenizer": {"type": "WhitespaceSplit"},
                "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3}}}
                """,
                "{" + ADDED.formatted(6, 6) + """
                "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                               "strip_accents": true, "lowercase": true},
                "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
                "pre_tokenizer": {"type": "BertPreTokenizer"},
                "model": {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##",
                          "max_input_chars_per_word": 100,
                          "vocab": {"?": 0, "a": 1, "b": 2, "##b": 3, "##a": 4, "ab": 5}}}
                """,
                "{" + ADDED.formatted(5, 5) + """
                "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                               {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
                "decoder": {"type": "Sequence", "decoders": [
                    {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
                    {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
                "pre_tokenizer": null,
                "model": {"type": "Unigram", "unk_id": 0, "byte_fallback": false,
                          "vocab": [["?", 0.0], ["a", -1.0], ["b", -1.5], ["\u2581", -2.0], ["ab", -0.5]]}}
                """,
                "{" + ADDED.formatted(7, 7) + """
                "normalizer": null,
                "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
                "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                    {"type": "Split", "pattern": {"Regex": "\\\\p{N}{1,3}| ?\\\\p{L}+|\\\\s+(?!\\\\S)"},
                     "behavior": "Isolated", "invert": false},
                    {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
                "model": {"type": "BPE", "dropout": null, "unk_token": "?", "continuing_subword_prefix": null,
                          "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                          "vocab": {"?": 0, "a": 1, "b": 2, "\u0120": 3, "ab": 4, "\u0120a": 5, "\u0120ab": 6},
                          "merges": [["a", "b"], ["\u0120", "a"], ["\u0120", "ab"]]}}
                """);
    }
}
