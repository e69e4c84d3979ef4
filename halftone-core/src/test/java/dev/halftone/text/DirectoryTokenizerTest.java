package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryTokenizerTest {
    private static final String TOKENIZER = """
            {"version": "1.0", "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
             "padding": null, "normalizer": null, "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": null,
             "added_tokens": [{"id": 3, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                               "normalized": false, "special": true}],
             "post_processor": {"type": "TemplateProcessing",
                 "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                 "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
                 "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}},
             "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2}}}
            """;

    @TempDir
    Path directory = Path.of("");

    private void write(String name, String text) throws IOException {
        Files.writeString(directory.resolve(name), text);
    }

    @Test
    void aTruncationInTheFileIsSwitchedOff() throws IOException {
        write("tokenizer.json", TOKENIZER);
        try (TextTokenizer tokenizer = TextTokenizer.fromDirectory(directory)) {
            assertThat(tokenizer.encode("a b c b a")).containsExactly(1, 2, 0, 2, 1);
            assertThat(tokenizer.vocabularySize()).isEqualTo(4);
            assertThat(tokenizer.bosId()).isEqualTo(-1);
            assertThat(tokenizer.addsBos()).isFalse();
            assertThat(tokenizer.toJson()).isEqualTo(TOKENIZER);
        }
    }

    @Test
    void thePostProcessorSaysThatBosIsAddedUnlessTheConfigDoes() throws IOException {
        write("tokenizer.json", TOKENIZER);
        write("tokenizer_config.json", "{\"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"b\"}");
        try (TextTokenizer tokenizer = TextTokenizer.fromDirectory(directory)) {
            assertThat(tokenizer.bosId()).isEqualTo(3);
            assertThat(tokenizer.eosId()).isEqualTo(2);
            assertThat(tokenizer.addsBos()).isTrue();
        }
        write("tokenizer_config.json", "{\"bos_token\": \"<s>\", \"add_bos_token\": false}");
        try (TextTokenizer tokenizer = TextTokenizer.fromDirectory(directory)) {
            assertThat(tokenizer.addsBos()).isFalse();
        }
    }

    @Test
    void tokensAndChatTemplateAreFoundInTheFilesBesideTheConfig() throws IOException {
        write("tokenizer.json", TOKENIZER);
        write("special_tokens_map.json", "{\"bos_token\": \"<s>\"}");
        write("chat_template.jinja", "{{ messages }}");
        try (TextTokenizer tokenizer = TextTokenizer.fromDirectory(directory)) {
            assertThat(tokenizer.bosId()).isEqualTo(3);
            assertThat(tokenizer.configJson()).contains("{{ messages }}");
        }
    }

    @Test
    void missingAndBrokenFilesAreRefused() throws IOException {
        write("tokenizer.model", "");
        assertThatThrownBy(() -> TextTokenizer.fromDirectory(directory))
                .hasMessageContainingAll("HT-250", "no tokenizer.json, only tokenizer.model", "save_pretrained");
        write("tokenizer.json", "{\"version\": ");
        assertThatThrownBy(() -> TextTokenizer.fromDirectory(directory)).hasMessageContainingAll("HT-251", "not JSON");
        write("tokenizer.json", "{\"version\": \"1.0\"}");
        assertThatThrownBy(() -> TextTokenizer.fromDirectory(directory)).hasMessageContaining("HT-252");
    }

    @Test
    void whatTheEngineWouldNotSurviveIsRefused() throws IOException {
        write("tokenizer.json", TOKENIZER.replace("\"decoder\": null", """
                "decoder": {"type": "Sequence", "decoders": [
                    {"type": "Strip", "content": " ", "start": 0, "stop": 1}]}"""));
        assertThatThrownBy(() -> TextTokenizer.fromDirectory(directory))
                .hasMessageContainingAll("HT-252", "Strip", "stop 1");
        write("tokenizer.json", """
                {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "continuing_subword_prefix": "##",
                 "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}}""");
        assertThatThrownBy(() -> TextTokenizer.fromDirectory(directory))
                .hasMessageContainingAll("HT-252", "continuing_subword_prefix");
        String processor = TOKENIZER.substring(TOKENIZER.indexOf("{\"type\": \"TemplateProcessing\""));
        processor = processor.substring(0, processor.indexOf("\"model\"")).strip();
        String template = processor.substring(0, processor.length() - 1);
        String damaged = template.replaceFirst("\"Sequence\": \\{\"id\": \"A\"", "\"Sequence\": {\"id\": \"B\"");
        for (String wrapped : List.of(damaged, "{\"type\": \"Sequence\", \"processors\": [" + damaged + "]}")) {
            write("tokenizer.json", TOKENIZER.replace(template, wrapped));
            assertThatThrownBy(() -> TextTokenizer.fromDirectory(directory))
                    .hasMessageContainingAll("HT-252", "template of a single text", "$B");
        }
    }
}
