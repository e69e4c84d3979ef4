package dev.halftone.training;

import dev.halftone.tensor.ComputeType;
import dev.halftone.yaml.YamlReader;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The keys of a training file. */
final class TrainingKeys {
    private TrainingKeys() {}

    static TrainingConfig read(YamlReader root, Path directory, String name, String text) {
        String init = root.string("init", "");
        YamlReader model = root.mapping("model");
        if (init.isEmpty() == (model == null)) {
            throw root.error("model", "expected either \"model\" or \"init\"");
        }
        YamlReader data = required(root, "data");
        YamlReader schedule = required(root, "schedule");
        YamlReader optimizer = required(root, "optimizer");
        YamlReader run = required(root, "run");
        TrainingConfig.Data texts = data(data, directory);
        TrainingConfig config = new TrainingConfig(
                model == null ? JsonMapper.shared().createObjectNode() : model(model, texts.sequence()),
                init(init, directory),
                texts,
                schedule(schedule),
                optimizer(optimizer),
                run(run),
                name,
                text);
        for (YamlReader part : List.of(data, schedule, optimizer, run)) {
            part.finish();
        }
        return config;
    }

    /** A path that starts from the directory, or a model's name; empty where there is none. */
    private static String init(String init, Path directory) {
        try {
            Path path = directory.resolve(init);
            return !init.isEmpty() && Files.exists(path) ? path.toString() : init;
        } catch (InvalidPathException _) {
            return init;
        }
    }

    private static YamlReader required(YamlReader root, String key) {
        @Nullable YamlReader part = root.mapping(key);
        if (part == null) {
            throw root.error(key, "\"" + key + "\" is missing");
        }
        return part;
    }

    /** Hugging Face's names for our keys. */
    private static ObjectNode model(YamlReader model, int sequence) {
        String family = model.string("family", "");
        int hidden = positive(model, "hidden", 0);
        int layers = positive(model, "layers", 0);
        int heads = positive(model, "heads", 0);
        int intermediate = positive(model, "intermediate", 4 * hidden);
        int context = positive(model, "context", sequence);
        if (hidden % heads != 0) {
            throw model.error("heads", "heads is " + heads + ", no divisor of hidden " + hidden);
        }
        ObjectNode config = JsonMapper.shared().createObjectNode();
        config.put("model_type", family);
        config.put("vocab_size", positive(model, "vocabulary", 0));
        config.put("tie_word_embeddings", model.flag("tied", true));
        switch (family) {
            case "llama", "mistral", "qwen2", "qwen3", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe", "deepseek" -> {
                config.put("hidden_size", hidden)
                        .put("num_hidden_layers", layers)
                        .put("num_attention_heads", heads)
                        .put("num_key_value_heads", positive(model, "kv_heads", heads))
                        .put("head_dim", hidden / heads)
                        .put("intermediate_size", intermediate)
                        .put("max_position_embeddings", context)
                        .put("rope_theta", above(model, "rope_theta", 10000))
                        .put("rms_norm_eps", above(model, "eps", 1e-5))
                        .put("hidden_act", "silu");
                ExpertKeys.read(model, family, config);
            }
            case "opt" ->
                config.put("hidden_size", hidden)
                        .put("word_embed_proj_dim", hidden)
                        .put("num_hidden_layers", layers)
                        .put("num_attention_heads", heads)
                        .put("ffn_dim", intermediate)
                        .put("max_position_embeddings", context)
                        .put("activation_function", "relu")
                        .put("do_layer_norm_before", true)
                        .put("dropout", 0.0);
            case "gpt2" ->
                config.put("n_embd", hidden)
                        .put("n_layer", layers)
                        .put("n_head", heads)
                        .put("n_inner", intermediate)
                        .put("n_positions", context)
                        .put("layer_norm_epsilon", above(model, "eps", 1e-5))
                        .put("activation_function", "gelu_new");
            default ->
                throw model.error(
                        "family",
                        "family is \"" + family + "\"; known are llama, mistral, qwen2, qwen3, opt, gpt2, "
                                + String.join(", ", ExpertKeys.FAMILIES));
        }
        model.finish();
        return config;
    }

    private static TrainingConfig.Data data(YamlReader data, Path directory) {
        return new TrainingConfig.Data(
                directory.resolve(data.string("tokenizer", "tokenizer")),
                sources(data, directory),
                positive(data, "sequence", 256),
                data.flag("bos", true));
    }

    private static List<TrainingConfig.Source> sources(YamlReader data, Path directory) {
        YamlReader named = required(data, "sources");
        List<TrainingConfig.Source> all = new ArrayList<>();
        for (String name : named.keys()) {
            YamlReader source = required(named, name);
            if (name.equals("all")) {
                throw named.error(name, "\"all\" means all sources together; choose another name");
            }
            all.add(new TrainingConfig.Source(
                    name,
                    TextGlobs.files(source, "train", directory),
                    TextGlobs.files(source, "validation", directory)));
            if (all.getLast().train().isEmpty() && all.getLast().validation().isEmpty()) {
                throw named.error(name, "source \"" + name + "\" has neither \"train\" nor \"validation\"");
            }
            source.finish();
        }
        for (boolean train : new boolean[] {true, false}) {
            if (all.stream().allMatch(source -> (train ? source.train() : source.validation()).isEmpty())) {
                throw data.error("sources", "no source has texts for " + (train ? "train" : "validation"));
            }
        }
        return all;
    }

    private static TrainingConfig.Schedule schedule(YamlReader schedule) {
        String kind = schedule.string("kind", "cosine");
        if (!List.of("cosine", "wsd").contains(kind)) {
            throw schedule.error("kind", "kind is \"" + kind + "\"; known are cosine, wsd");
        }
        return new TrainingConfig.Schedule(
                kind,
                above(schedule, "rate", 1e-3),
                share(schedule, "warmup", 0.05),
                share(schedule, "decay", 0.2),
                share(schedule, "final", 0),
                notNegative(schedule, "clip", 1));
    }

    private static OptimizerOptions optimizer(YamlReader optimizer) {
        String method = optimizer.string("method", "adamw");
        AdamW.Options elements = new AdamW.Options(
                share(optimizer, "beta1", 0.9),
                share(optimizer, "beta2", 0.95),
                above(optimizer, "eps", 1e-8),
                notNegative(optimizer, "weight_decay", 0.1));
        return switch (method) {
            case "adamw" -> elements;
            case "muon" -> new Muon.Options(share(optimizer, "momentum", 0.95), elements);
            default -> throw optimizer.error("method", "method is \"" + method + "\"; known are adamw, muon");
        };
    }

    private static TrainingConfig.Run run(YamlReader run) {
        int batch = positive(run, "batch", 32);
        int microBatch = positive(run, "micro_batch", 4);
        if (batch % microBatch != 0) {
            throw run.error("micro_batch", "micro_batch is " + microBatch + ", no divisor of batch " + batch);
        }
        int steps = positive(run, "steps", 0);
        return new TrainingConfig.Run(
                steps,
                batch,
                microBatch,
                positive(run, "validate_every", steps),
                positive(run, "save_every", steps),
                positive(run, "validation_windows", 64),
                run.wide("seed", 1),
                type(run, "dtype"),
                type(run, "stored"),
                notNegative(run, "balance", 0.01));
    }

    private static ComputeType type(YamlReader run, String key) {
        String name = run.string(key, "float32");
        for (ComputeType type : ComputeType.values()) {
            if (type.label().equals(name)) {
                return type;
            }
        }
        throw run.error(key, key + " is \"" + name + "\"; known are float32, bf16");
    }

    static int positive(YamlReader reader, String key, int absent) {
        int value = reader.integer(key, absent);
        if (value < 1) {
            throw reader.error(
                    key, reader.has(key) ? key + " is " + value + "; expected 1 or more" : key + " is missing");
        }
        return value;
    }

    private static double above(YamlReader reader, String key, double absent) {
        double value = reader.number(key, absent);
        if (!(value > 0) || Double.isInfinite(value)) {
            throw reader.error(key, key + " is " + value + "; expected a positive number");
        }
        return value;
    }

    private static double notNegative(YamlReader reader, String key, double absent) {
        double value = reader.number(key, absent);
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw reader.error(key, key + " is " + value + "; expected 0 or more");
        }
        return value;
    }

    private static double share(YamlReader reader, String key, double absent) {
        double value = reader.number(key, absent);
        if (!(value >= 0 && value < 1)) {
            throw reader.error(key, key + " is " + value + "; expected 0 or more, below 1");
        }
        return value;
    }
}
