package dev.halftone.app;

import dev.halftone.format.ModelFile;
import dev.halftone.runtime.generate.TextModel;
import dev.halftone.server.HalftoneServer;
import dev.halftone.server.ServerOptions;
import dev.halftone.tensor.Torch;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.ZoneId;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone serve MODEL}. */
@Command(
        name = "serve",
        description =
                "Serves a model with OpenAI's interface, and a page to chat with it; ends with Ctrl-C or SIGTERM.",
        mixinStandardHelpOptions = true)
final class ServeCommand implements Callable<Integer> {
    private static final String KEY = "HALFTONE_API_KEY";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Mixin
    private EngineOptions engine = new EngineOptions();

    @Parameters(paramLabel = "MODEL", description = "a directory that quantize wrote, " + ModelFile.NAMES)
    private String model = "";

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            description = "interface to listen at (default: ${DEFAULT-VALUE}, this machine alone; 0.0.0.0 for all)")
    private String host = "127.0.0.1";

    @Option(names = "--port", paramLabel = "N", description = "default: ${DEFAULT-VALUE}; 0 for any that is free")
    private int port = 8080;

    @Option(names = "--name", paramLabel = "NAME", description = "what clients call the model (default: from MODEL)")
    private @Nullable String name;

    @Option(
            names = "--api-key",
            paramLabel = "KEY",
            description = "clients must send it as a bearer token (default: the environment's " + KEY
                    + ", which no list of processes shows, or none)")
    private @Nullable String apiKey;

    @Option(
            names = "--parallel",
            paramLabel = "N",
            description = "sequences computed at once (default: ${DEFAULT-VALUE})")
    private int parallel = 16;

    @Option(
            names = "--queue",
            paramLabel = "N",
            description = "sequences that wait; more are refused with 429 (default: ${DEFAULT-VALUE})")
    private int queue = 64;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            description = "most tokens of one answer (default: what the context holds)")
    private int mostTokens;

    @Option(names = "--max-bytes", paramLabel = "N", description = "of a request (default: ${DEFAULT-VALUE})")
    private int mostBytes = 8 << 20;

    @Option(
            names = "--chunk",
            paramLabel = "N",
            description = "tokens of a prompt that are read in one step, between the tokens of the others (default:"
                    + " ${DEFAULT-VALUE})")
    private int chunk = 128;

    @Option(names = "--request-timeout", paramLabel = "S", description = "seconds (default: ${DEFAULT-VALUE})")
    private int requestSeconds = 600;

    @Option(
            names = "--drain-timeout",
            paramLabel = "S",
            description = "seconds that running requests have at the end (default: ${DEFAULT-VALUE})")
    private int drainSeconds = 30;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "makes the answers to requests without a seed repeatable, if they come in the same order")
    private @Nullable Long seed;

    /** What is printed as JSON once the server answers. */
    record Started(int schema, String address, String model, String engine, int contextLength, boolean chat) {}

    @Override
    public Integer call() throws InterruptedException {
        int threads = common.checkedThreads();
        ServerOptions options = options();
        Torch.loadAhead();
        CountDownLatch ended = new CountDownLatch(1);
        try (ModelFile file = ModelFile.open(model);
                TextModel text = engine.open(file, threads);
                HalftoneServer server = new HalftoneServer(text, options, Clock.system(ZoneId.systemDefault()))) {
            // A signal begins the end; the process waits for this thread, which ends it when what ran was answered.
            Thread serving = Thread.currentThread();
            Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> {
                ended.countDown();
                await(serving);
            }));
            print(server, text, options);
            ended.await();
            server.drain();
        }
        return 0;
    }

    private static void await(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private ServerOptions options() {
        String key = apiKey == null ? System.getenv(KEY) : apiKey;
        Path last = Path.of(model.replaceFirst("^zoo:", "")).getFileName();
        String called = name == null ? String.valueOf(last).replaceFirst("\\.gguf$", "") : name;
        return new ServerOptions(
                host,
                port,
                called,
                key,
                parallel,
                queue,
                mostTokens,
                mostBytes,
                chunk,
                requestSeconds,
                drainSeconds,
                seed == null ? new SecureRandom().nextLong() : seed);
    }

    private void print(HalftoneServer server, TextModel text, ServerOptions options) {
        PrintWriter out = spec.commandLine().getOut();
        String address = server.address().toString();
        if (common.json) {
            out.println(CommonOptions.line(new Started(
                    1,
                    address,
                    options.name(),
                    text.engine().description(),
                    text.contextLength(),
                    text.template().present())));
        } else {
            out.println("serving " + options.name() + " at " + address + " ("
                    + text.engine().description() + ")");
        }
        out.flush();
        if (options.apiKey() == null && !options.loopback()) {
            spec.commandLine()
                    .getErr()
                    .println("halftone: anybody who reaches this port can use the model; set --api-key");
        }
    }
}
