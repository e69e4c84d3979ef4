package dev.halftone.app;

import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelHealth;
import dev.halftone.format.ModelHealth.Finding;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.LinearSite;
import dev.halftone.provenance.Provenance;
import dev.halftone.text.TextTokenizer;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone inspect MODEL}. */
@Command(name = "inspect", description = "Shows a model, and checks every tensor.", mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Parameters(paramLabel = "MODEL", description = "a directory that quantize wrote, " + ModelFile.NAMES)
    private String model = "";

    /** Tensors of one kind: a part of the model, or a stored type. */
    record Share(String name, int tensors, long parameters, long bytes) {
        Share add(long moreParameters, long moreBytes) {
            return new Share(name, tensors + 1, parameters + moreParameters, bytes + moreBytes);
        }
    }

    /** What {@code --json} prints. */
    record Document(
            int schema,
            String model,
            String format,
            String quantization,
            String architecture,
            long parameters,
            int layers,
            int hiddenSize,
            int intermediateSize,
            int heads,
            int kvHeads,
            int headDim,
            int experts,
            int expertsPerToken,
            int vocabulary,
            boolean tiedEmbeddings,
            int contextLength,
            String tokenizer,
            double bitsPerWeight,
            double bitsPerParameter,
            List<Share> parts,
            List<Share> types,
            List<LinearSite> sites,
            List<Finding> findings,
            Map<String, String> provenance) {}

    @Override
    public Integer call() {
        Document document;
        try (ModelFile file = ModelFile.open(model)) {
            document = document(file);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (common.json) {
            CommonOptions.print(out, document);
        } else {
            print(out, document);
        }
        for (Finding finding : document.findings()) {
            if (finding.fatal()) {
                throw ModelHealth.error(finding);
            }
        }
        return 0;
    }

    private Document document(ModelFile file) {
        DecoderSpec s = file.spec();
        Map<String, Share> parts = new LinkedHashMap<>();
        Map<String, Share> types = new LinkedHashMap<>();
        Map<String, String> linears = parts(s);
        for (Decoder.Expected tensor : Decoder.tensors(s)) {
            long elements = 1;
            for (long dimension : tensor.shape()) {
                elements *= dimension;
            }
            long bytes = file.weights().storedBytes(tensor.name());
            count(parts, part(tensor.name(), linears, s), elements, bytes);
            count(types, file.weights().storedType(tensor.name()), elements, bytes);
        }
        DecoderSpec.Experts experts = s.mlp().experts();
        String tokenizer;
        try (TextTokenizer opened = file.tokenizer()) {
            tokenizer =
                    opened.description() + (opened.addsBos() ? ", BOS " + opened.bosId() + " in front" : ", no BOS");
        }
        return new Document(
                SCHEMA,
                model.toString(),
                file.packed() ? "halftone" : file.checkpoint().format(),
                file.quantization(),
                s.family(),
                file.parameters(),
                s.layers(),
                s.hidden(),
                s.intermediate(),
                s.attention().heads(),
                s.attention().kvHeads(),
                s.attention().headDim(),
                experts == null ? 0 : experts.count(),
                experts == null ? 0 : experts.perToken(),
                s.embedding().vocabulary(),
                s.embedding().tied(),
                s.contextLength(),
                tokenizer,
                file.bitsPerLinearWeight(),
                file.bitsPerParameter(),
                List.copyOf(parts.values()),
                List.copyOf(types.values()),
                Decoder.linears(s),
                ModelHealth.scan(file.checkpoint()),
                Map.of("version", Provenance.halftoneVersion()));
    }

    private static void count(Map<String, Share> shares, String name, long parameters, long bytes) {
        shares.put(name, shares.getOrDefault(name, new Share(name, 0, 0, 0)).add(parameters, bytes));
    }

    /** Which part of the model each tensor of a linear belongs to. */
    private static Map<String, String> parts(DecoderSpec spec) {
        Map<String, String> parts = new HashMap<>();
        for (int i = 0; i < spec.layers(); i++) {
            List<List<LinearSite>> stages = spec.stages(i);
            for (int stage = 0; stage < stages.size(); stage++) {
                for (LinearSite site : stages.get(stage)) {
                    String part = stage < 2
                            ? "attention"
                            : switch (site.part()) {
                                case DENSE -> "mlp";
                                case ROUTER -> "routers";
                                case EXPERT -> "experts";
                                case SHARED -> "shared experts";
                            };
                    parts.put(site.weight(), part);
                    parts.put(site.biasName(), part);
                }
            }
        }
        return parts;
    }

    private static String part(String tensor, Map<String, String> linears, DecoderSpec spec) {
        String linear = linears.get(tensor);
        if (linear != null) {
            return linear;
        }
        DecoderSpec.Names names = spec.names();
        if (tensor.startsWith(names.head() + ".")) {
            return "head";
        }
        return Stream.of(names.embedding(), names.positions(), names.projectIn(), names.projectOut())
                        .anyMatch(name -> !name.isEmpty() && tensor.startsWith(name + "."))
                ? "embedding"
                : "norms";
    }

    private static void print(PrintWriter out, Document d) {
        out.printf("%s (%s)%n", d.model(), d.format());
        out.printf(
                "%s, %,d parameters, %d blocks, hidden %d, MLP %d, %d heads of %d (%d for keys and values), context %,d%n",
                d.architecture(),
                d.parameters(),
                d.layers(),
                d.hiddenSize(),
                d.intermediateSize(),
                d.heads(),
                d.headDim(),
                d.kvHeads(),
                d.contextLength());
        if (d.experts() > 0) {
            out.printf("%d experts, %d of them for each token%n", d.experts(), d.expertsPerToken());
        }
        out.printf("tokenizer: %s%s%n", d.tokenizer(), d.tiedEmbeddings() ? "; the head is the embedding" : "");
        out.printf("quantization: %s%n", d.quantization());
        out.printf("%.3f bits per linear weight, %.3f per parameter%n%n", d.bitsPerWeight(), d.bitsPerParameter());
        table(out, "part", d.parts());
        table(out, "stored as", d.types());
        Map<String, List<LinearSite>> shapes = new LinkedHashMap<>();
        for (LinearSite site : d.sites()) {
            String last = site.module().substring(site.module().lastIndexOf('.') + 1);
            shapes.computeIfAbsent(last + " (%d, %d)".formatted(site.out(), site.in()), _ -> new ArrayList<>())
                    .add(site);
        }
        out.printf(
                "%d linear weights that recipes can target, for example %s%n",
                d.sites().size(), d.sites().getFirst().weight());
        shapes.forEach((shape, sites) -> out.printf("  %3d x %s%n", sites.size(), shape));
        out.println();
        if (d.findings().isEmpty()) {
            out.println("all values are finite, no group of 32 is all zeros");
        }
        d.findings().forEach(f -> out.printf("%s %s: %s%n", f.fatal() ? "BROKEN" : "note  ", f.tensor(), f.message()));
        out.flush();
    }

    private static void table(PrintWriter out, String title, List<Share> shares) {
        out.printf("%-24s %8s %16s %16s%n", title, "tensors", "parameters", "bytes");
        for (Share share : shares) {
            out.printf("%-24s %8d %,16d %,16d%n", share.name(), share.tensors(), share.parameters(), share.bytes());
        }
        out.println();
    }
}
