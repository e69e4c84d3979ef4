package dev.halftone.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.HalftoneException;
import dev.halftone.hub.PulledModel.PulledFile;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HubDownloadTest {
    private static final String WEIGHTS = "model.safetensors";
    private static final Patience SHORT = new Patience(3, Duration.ofMillis(5), Duration.ofMillis(500));

    @TempDir
    private Path directory = Path.of("");

    private final HubId id = HubId.parse("acme/tiny");
    private final byte[] weights = bytes(3_000_000, 1);
    private final byte[] config = "{\"model_type\": \"llama\"}".getBytes(StandardCharsets.UTF_8);

    private HubServer server = open();
    private HubCache cache = new HubCache(Path.of(""));

    private static HubServer open() {
        try {
            return new HubServer("acme/tiny");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeEach
    void fill() {
        cache = new HubCache(directory.resolve("hub"));
        server.add(WEIGHTS, weights)
                .add("config.json", config)
                .add("tokenizer.json", bytes(2000, 2))
                .add("README.md", bytes(10, 3))
                .add("pytorch_model.bin", bytes(5000, 4))
                .add("onnx/model.onnx", bytes(100, 5))
                .add("tiny.Q4_0.gguf", bytes(1500, 6));
    }

    @AfterEach
    void stop() {
        server.close();
    }

    @Test
    void aPullBringsWhatHalftoneReadsInTheLayoutOfTheHubsOwnCache() throws Exception {
        PulledModel pulled = pull(id);
        assertThat(names(pulled)).containsExactly("config.json", WEIGHTS, "tokenizer.json");
        assertThat(pulled.commit()).isEqualTo(HubServer.COMMIT);
        Path model = directory.resolve("hub/models--acme--tiny");
        assertThat(pulled.directory()).isEqualTo(model.resolve("snapshots").resolve(HubServer.COMMIT));
        assertThat(model.resolve("refs/main")).hasContent(HubServer.COMMIT);
        assertThat(pulled.directory().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(Files.readSymbolicLink(pulled.directory().resolve(WEIGHTS)))
                .isEqualTo(Path.of("../../blobs/" + HubServer.hash(weights)));
        assertThat(model.resolve("blobs").resolve(HubServer.hash(config))).hasBinaryContent(config);
        assertThat(leftOver()).isEmpty();
        PulledFile small = pulled.files().getFirst();
        assertThat(small.gitSha1()).isEqualTo(HubServer.hash(config)).hasSize(40);
        assertThat(small.sha256()).isNull();
        assertThat(pulled.files().get(1).sha256()).isEqualTo(HubServer.hash(weights));
        assertThat(pulled.downloadedBytes()).isEqualTo(pulled.bytes()).isEqualTo(weights.length + config.length + 2000);
        assertThat(cache.snapshot(id)).isEqualTo(pulled.directory());
    }

    @Test
    void aSecondPullFetchesNothing() throws Exception {
        pull(id);
        int before = server.downloads().size();
        PulledModel again = pull(id);
        assertThat(again.downloadedBytes()).isZero();
        assertThat(server.downloads()).hasSize(before);
    }

    @Test
    void aCutConnectionIsResumedByRangeAndNothingIsFetchedTwice() throws Exception {
        server.cuts.put(WEIGHTS, HubServer.plan(1_000_000, 700_001));
        PulledModel pulled = pull(id);
        assertThat(pulled.directory().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.sent(WEIGHTS)).isEqualTo(weights.length);
        assertThat(server.downloads().stream()
                        .filter(r -> r.path().endsWith(WEIGHTS))
                        .map(HubServer.Request::range))
                .containsExactly("", "bytes=1000000-", "bytes=1700001-");
    }

    @Test
    void aPullThatWasStoppedGoesOnInTheNextRun() throws Exception {
        pull(HubId.parse("acme/tiny@refs/pr/1"), new FileChoice(false, List.of("*.json")));
        server.cuts.put(WEIGHTS, HubServer.plan(1_000_000, 0, 0, 0));
        refused("HT-277", "model.safetensors: ", () -> pull(id));
        assertThat(leftOver()).hasSize(1);
        refused("HT-272", "run: halftone pull acme/tiny", () -> cache.snapshot(id));
        server.cuts.clear();
        List<Long> seen = Collections.synchronizedList(new ArrayList<>());
        PulledModel pulled = download(null).pull(id, FileChoice.USUAL, 4, (_, _, found) -> seen.add(found));
        assertThat(seen).isNotEmpty().allMatch(found -> found >= 1_000_000);
        assertThat(pulled.files().get(1).downloadedBytes()).isEqualTo(weights.length - 1_000_000);
        assertThat(pulled.files().getFirst().downloadedBytes()).isZero();
        assertThat(server.sent(WEIGHTS)).isEqualTo(weights.length);
        assertThat(pulled.directory().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(leftOver()).isEmpty();
    }

    @Test
    void aServerThatKnowsNoRangesSendsTheFileAgain() throws Exception {
        server.ranges = false;
        server.cuts.put(WEIGHTS, HubServer.plan(1_000_000));
        PulledModel pulled = pull(id);
        assertThat(pulled.directory().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(server.sent(WEIGHTS)).isEqualTo(weights.length + 1_000_000);
    }

    @Test
    void aCutThatComesAgainAndAgainEndsThePull() {
        server.cuts.put(WEIGHTS, HubServer.plan(10, 10, 10, 10));
        refused("HT-277", "3 attempts", () -> pull(id));
        assertThat(server.sent(WEIGHTS)).isEqualTo(30);
    }

    @Test
    void manyCutsWithProgressBetweenThemDoNotEndThePull() throws Exception {
        byte[] large = bytes(8 << 20, 9);
        server.add(WEIGHTS, large);
        server.cuts.put(WEIGHTS, HubServer.plan(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20));
        assertThat(pull(id).directory().resolve(WEIGHTS)).hasBinaryContent(large);
        assertThat(server.sent(WEIGHTS)).isEqualTo(large.length);
    }

    @Test
    void aDamagedFileIsDeletedAndSaidSo() throws Exception {
        server.corrupt.add("config.json");
        refused("HT-279", "git hash", () -> pull(id, new FileChoice(false, List.of("config.json"))));
        server.corrupt.clear();
        server.corrupt.add(WEIGHTS);
        refused("HT-279", "acme/tiny/model.safetensors: what arrived has not the SHA-256", () -> pull(id));
        assertThat(leftOver()).noneMatch(path -> path.toString().contains(HubServer.hash(weights)));
        assertThat(directory.resolve("hub/models--acme--tiny/refs")).doesNotExist();
        server.corrupt.clear();
        assertThat(pull(id).directory().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void aLeftOverOfAnotherFileIsNotTrusted() throws Exception {
        Path blobs = Files.createDirectories(directory.resolve("hub/models--acme--tiny/blobs"));
        Path partial = blobs.resolve(HubServer.hash(weights) + ".incomplete");
        Files.write(partial, bytes(500, 77));
        refused("HT-279", "deleted", () -> pull(id));
        assertThat(partial).doesNotExist();
        Files.write(partial, bytes(weights.length + 1, 77));
        assertThat(pull(id).directory().resolve(WEIGHTS)).hasBinaryContent(weights);
    }

    @Test
    void busyServersAreAskedAgain() throws Exception {
        server.failures.put("api", HubServer.plan(503, 500));
        server.failures.put(WEIGHTS, HubServer.plan(502, 429));
        assertThat(pull(id).directory().resolve(WEIGHTS)).hasBinaryContent(weights);
        server.failures.put("api", HubServer.plan(503, 503, 503));
        refused("HT-277", "3 attempts: HTTP 503", () -> pull(id));
    }

    @Test
    void gatedAndPrivateAndMissingModelsAreToldApart() {
        server.gatedStatus = 401;
        refused("HT-275", "no token is set; accept its terms at " + server.endpoint() + "/acme/tiny", () -> pull(id));
        server.gatedStatus = 403;
        refused(
                "HT-275",
                "the owner of this token may not read it",
                () -> download("hf_secret").pull(id, FileChoice.USUAL, 4, (_, _, _) -> {}));
        refused("HT-273", "or it is private; check the name, or set HF_TOKEN", () -> pull(HubId.parse("acme/none")));
        refused(
                "HT-273",
                "or it is private; check the name",
                () -> download("hf_secret").pull(HubId.parse("acme/none"), FileChoice.USUAL, 4, (_, _, _) -> {}));
        refused("HT-274", "no branch, tag or commit \"v9\"", () -> pull(HubId.parse("acme/tiny@v9")));
        server.failures.put("api", HubServer.plan(401));
        refused(
                "HT-276",
                "the token was not accepted",
                () -> download("hf_secret").pull(id, FileChoice.USUAL, 4, (_, _, _) -> {}));
    }

    @Test
    void theTokenGoesToTheHubAndNotToTheHostsThatItNames() throws Exception {
        try (HubServer storage = new HubServer("acme/tiny")) {
            storage.add(WEIGHTS, weights).add("tokenizer.json", bytes(2000, 2));
            server.storage = storage;
            storage.cuts.put(WEIGHTS, HubServer.plan(1_000_000));
            PulledModel pulled = download("hf_secret").pull(id, FileChoice.USUAL, 4, (_, _, _) -> {});
            assertThat(pulled.directory().resolve(WEIGHTS)).hasBinaryContent(weights);
            assertThat(storage.requests()).hasSize(3).allMatch(r -> r.token().isEmpty());
            assertThat(storage.sent(WEIGHTS)).isEqualTo(weights.length);
            assertThat(server.requests()).isNotEmpty().allMatch(r -> r.token().equals("Bearer hf_secret"));
        }
    }

    @Test
    void anotherHashInTheRedirectIsFoundBeforeTheBytes() throws Exception {
        try (HubServer storage = new HubServer("acme/tiny")) {
            storage.add(WEIGHTS, weights).add("tokenizer.json", bytes(2000, 2));
            server.storage = storage;
            server.linkedHash = "e".repeat(64);
            refused("HT-278", "serves a file with hash eeee", () -> pull(id));
            assertThat(storage.requests()).isEmpty();
        }
    }

    @Test
    void aRenamedModelIsFoundUnderItsOldName() throws Exception {
        try (HubClient client = new HubClient(server.endpoint(), null, SHORT)) {
            assertThat(HubListing.of(client, HubId.parse("old/name")).commit()).isEqualTo(HubServer.COMMIT);
        }
        PulledModel pulled = pull(HubId.parse("acme/tiny@refs/pr/1"));
        assertThat(directory.resolve("hub/models--acme--tiny/refs/refs/pr/1")).hasContent(HubServer.COMMIT);
        assertThat(cache.snapshot(HubId.parse("acme/tiny@refs/pr/1"))).isEqualTo(pulled.directory());
        assertThat(cache.snapshot(HubId.parse("acme/tiny@" + HubServer.COMMIT))).isEqualTo(pulled.directory());
        assertThat(cache.snapshot(HubId.parse("acme/tiny@0123456"))).isEqualTo(pulled.directory());
        refused("HT-272", "(there: " + HubServer.COMMIT + ", refs/pr/1)", () -> cache.snapshot(id));
    }

    @Test
    void aListOfSeveralPagesIsReadToItsEnd() throws Exception {
        server.pageSize = 2;
        assertThat(names(pull(id))).containsExactly("config.json", WEIGHTS, "tokenizer.json");
    }

    @Test
    void aNextPageThatIsNoAddressIsRefusedAndPagesEnd() {
        for (String page : List.of("ftp://127.0.0.1/list", "mailto:me", "http://[", "file:///etc/hosts")) {
            server.nextPage = page;
            refused("HT-278", "a next page at \"" + page, () -> pull(id));
        }
        server.nextPage =
                server.endpoint() + "/api/models/acme/tiny/tree/" + HubServer.COMMIT + "?recursive=true&expand=false";
        refused("HT-278", "do not end", () -> pull(id));
    }

    @Test
    void aBlobThatAnotherPullFinishedMeanwhileIsNotFetchedAgain() throws Exception {
        Path blobs = Files.createDirectories(directory.resolve("blobs"));
        HubFile file = new HubFile(WEIGHTS, weights.length, null, HubServer.hash(weights));
        Files.write(blobs.resolve(file.hash()), weights);
        LongAdder grown = new LongAdder();
        try (HubClient client = new HubClient(server.endpoint(), null, SHORT)) {
            server.close(); // nothing can be asked
            assertThat(new BlobDownload(client, id, HubServer.COMMIT, blobs, grown::add).fetch(file))
                    .isZero();
        }
        assertThat(grown.sum()).isEqualTo(weights.length);
        assertThat(leftOver()).isEmpty();
        assertThat(blobs.resolve(file.hash())).hasBinaryContent(weights);
    }

    @Test
    void patternsReplaceTheUsualChoice() throws Exception {
        assertThat(names(pull(id, new FileChoice(false, List.of("*.gguf", "onnx/*")))))
                .containsExactly("onnx/model.onnx", "tiny.Q4_0.gguf");
        assertThat(cache.model(id)).hasFileName("tiny.Q4_0.gguf");
        assertThat(cache.snapshot(id).resolve("onnx/model.onnx")).hasBinaryContent(bytes(100, 5));
        assertThat(names(pull(id, new FileChoice(true, List.of())))).hasSize(7);
        refused("HT-281", "no file matches --include *.zip", () -> pull(id, new FileChoice(false, List.of("*.zip"))));
    }

    @Test
    void modelsWithoutSafetensorsAreRefusedWithWhatTheyHold() throws Exception {
        try (HubServer other = new HubServer("acme/old")) {
            HubDownload download = new HubDownload(cache, other.endpoint(), null, SHORT);
            HubId old = HubId.parse("acme/old");
            ThrowingCallable pull = () -> download.pull(old, FileChoice.USUAL, 4, (_, _, _) -> {});
            refused("HT-281", "holds no weights: no file", pull);
            other.add("config.json", config).add("pytorch_model.bin", bytes(50, 1));
            refused("HT-281", "only as PyTorch files (.bin)", pull);
            other.add("old.Q4_0.gguf", bytes(50, 1));
            refused("HT-281", "GGUF files: old.Q4_0.gguf; name one with --include", pull);
            other.add("consolidated.safetensors", bytes(60, 1));
            assertThat(names(download.pull(old, FileChoice.USUAL, 4, (_, _, _) -> {})))
                    .contains("consolidated.safetensors");
            other.add("model-00001-of-00001.safetensors", bytes(70, 1));
            assertThat(names(download.pull(old, FileChoice.USUAL, 4, (_, _, _) -> {})))
                    .containsExactly("config.json", "model-00001-of-00001.safetensors");
        }
    }

    @Test
    void hostileFileNamesAreRefusedBeforeAnythingIsWritten() {
        for (String name : List.of("../x", "a/../../x", "/etc/x", "", "a//b", ".", "a/.", "..")) {
            server.extraNames.clear();
            server.extraNames.add(name);
            refused("HT-280", "outside the model's directory", () -> pull(id));
        }
        for (String name : List.of("..\\x", "C:x", "a\nb")) {
            server.extraNames.clear();
            server.extraNames.add(name);
            refused("HT-280", "backslash", () -> pull(id, new FileChoice(true, List.of())));
        }
        assertThat(directory.resolve("hub")).doesNotExist();
    }

    @Test
    void whereThereAreNoLinksTheSnapshotHoldsCopies() throws Exception {
        cache = new HubCache(directory.resolve("hub"), false);
        PulledModel pulled = pull(id);
        assertThat(pulled.directory().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(Files.isSymbolicLink(pulled.directory().resolve(WEIGHTS))).isFalse();
        assertThat(pull(id).downloadedBytes()).isZero();
        // As the Python library leaves it: the content in the snapshot only.
        Files.delete(directory.resolve("hub/models--acme--tiny/blobs").resolve(HubServer.hash(weights)));
        assertThat(pull(id).downloadedBytes()).isZero();
    }

    @Test
    void twoFilesOfOneContentAreFetchedOnce() throws Exception {
        server.add("tokenizer_config.json", config);
        PulledModel pulled = pull(id);
        assertThat(names(pulled)).contains("config.json", "tokenizer_config.json");
        assertThat(server.sent("config.json") + server.sent("tokenizer_config.json"))
                .isEqualTo(config.length);
        assertThat(pulled.directory().resolve("tokenizer_config.json")).hasBinaryContent(config);
    }

    @Test
    void anEmptyFileIsAFileToo() throws Exception {
        server.add("vocab.txt", new byte[0]);
        assertThat(pull(id).directory().resolve("vocab.txt")).isEmptyFile();
    }

    @Test
    void twoPullsOfOneFileDoNotMixTheirBytes() throws Exception {
        Path blobs = Files.createDirectories(directory.resolve("hub/models--acme--tiny/blobs"));
        Path partial = blobs.resolve(HubServer.hash(weights) + ".incomplete");
        try (FileChannel other = FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            assertThat(other.tryLock()).isNotNull();
            refused("HT-282", "another pull", () -> pull(id));
        }
    }

    @Test
    void aSilentOrAbsentServerIsGivenUp() throws Exception {
        server.silent = true;
        refused("HT-277", "nothing came for 0.5 seconds", () -> pull(id));
        int port;
        try (ServerSocket socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        HubDownload nobody = new HubDownload(cache, URI.create("http://127.0.0.1:" + port), null, SHORT);
        refused("HT-277", "3 attempts: ", () -> nobody.pull(id, FileChoice.USUAL, 4, (_, _, _) -> {}));
    }

    @Test
    void theNumberOfConnectionsHasBounds() {
        for (int parallel : List.of(0, -1, 65)) {
            refused("HT-286", "--parallel", () -> download(null).pull(id, FileChoice.USUAL, parallel, (_, _, _) -> {}));
        }
    }

    private PulledModel pull(HubId model) throws InterruptedException {
        return pull(model, FileChoice.USUAL);
    }

    private PulledModel pull(HubId model, FileChoice choice) throws InterruptedException {
        return download(null).pull(model, choice, 4, (_, _, _) -> {});
    }

    private HubDownload download(@Nullable String token) {
        return new HubDownload(cache, server.endpoint(), token, SHORT);
    }

    private List<Path> leftOver() throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(path -> path.toString().matches(".*\\.(incomplete|new)"))
                    .toList();
        }
    }

    private static List<String> names(PulledModel pulled) {
        return pulled.files().stream().map(PulledFile::name).toList();
    }

    private static void refused(String code, String words, ThrowingCallable action) {
        assertThatThrownBy(action)
                .isInstanceOf(HalftoneException.class)
                .hasMessageStartingWith(code + " ")
                .hasMessageContaining(words)
                .message()
                .hasLineCount(1)
                .doesNotContain("hf_secret");
    }

    private static byte[] bytes(int count, long seed) {
        byte[] bytes = new byte[count];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }
}
