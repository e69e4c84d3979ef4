package dev.halftone.hub;

import dev.halftone.error.InputException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the hub holds of a model at one commit.
 *
 * <p>{@code GET /api/models/ID/revision/REV} answers {@code {"sha": COMMIT, ...}}; {@code GET /api/models/ID/tree/COMMIT?recursive=true}
 * answers {@code [{"type": "file", "path", "size", "oid": GIT_SHA1, "lfs": {"oid": SHA256, "size"}}, ...]}, 1000 entries at a time, with
 * the next page in the Link header. A file in large-file storage has {@code lfs}; its outer oid is the pointer's.
 */
record HubListing(String commit, List<HubFile> files) {
    private static final int MOST_FILES = 100_000;
    private static final int MOST_PAGES = 10_000;
    private static final long LARGEST_FILE = 1L << 46;
    private static final Pattern NEXT = Pattern.compile("<([^>]*)>\\s*;[^,]*rel=\"?next\"?");
    private static final JsonMapper JSON = new JsonMapper();

    /**
     * Asks the hub.
     *
     * @throws InputException HT-273 to HT-278, HT-280
     */
    static HubListing of(HubClient client, HubId id) throws InterruptedException {
        String model = "/api/models/" + id.repository();
        JsonNode info =
                json(client.get(client.at(model + "/revision/" + HubClient.encode(id.revision(), true)), id), id);
        String commit = info.path("sha").asString("");
        if (!HubId.isCommit(commit)) {
            throw HubErrors.answer(id.toString(), "the hub names no commit");
        }
        List<HubFile> files = new ArrayList<>();
        Set<String> names = new HashSet<>();
        Set<URI> pages = new HashSet<>();
        URI page = client.at(model + "/tree/" + commit + "?recursive=true&expand=false");
        while (page != null) {
            if (!pages.add(page) || pages.size() > MOST_PAGES) {
                throw HubErrors.answer(id.toString(), "the pages of its list of files do not end");
            }
            HttpResponse<byte[]> response = client.get(page, id);
            JsonNode entries = json(response, id);
            if (!entries.isArray()) {
                throw HubErrors.answer(id.toString(), "its list of files is no list");
            }
            for (JsonNode entry : entries) {
                if (entry.path("type").asString("").equals("file")) {
                    HubFile file = file(entry, id);
                    if (!names.add(file.name()) || names.size() > MOST_FILES) {
                        throw HubErrors.answer(
                                id.toString(),
                                "its list of files names \"" + HubErrors.printable(file.name())
                                        + "\" twice, or more than " + MOST_FILES + " files");
                    }
                    files.add(file);
                }
            }
            page = next(response, page, id);
        }
        return new HubListing(commit, List.copyOf(files));
    }

    private static HubFile file(JsonNode entry, HubId id) {
        String name = entry.path("path").asString("");
        HubFile.checkName(name, id.repository());
        JsonNode lfs = entry.path("lfs");
        boolean large = lfs.isObject();
        String hash = (large ? lfs : entry).path("oid").asString("");
        long bytes = (large && lfs.has("size") ? lfs : entry).path("size").asLong(-1);
        if (!hash.matches(large ? "[0-9a-f]{64}" : "[0-9a-f]{40}") || bytes < 0 || bytes > LARGEST_FILE) {
            throw HubErrors.answer(id.toString(), "no size or hash for the file \"" + HubErrors.printable(name) + "\"");
        }
        return new HubFile(name, bytes, large ? null : hash, large ? hash : null);
    }

    private static @Nullable URI next(HttpResponse<?> response, URI page, HubId id) {
        Matcher link = NEXT.matcher(String.join(", ", response.headers().allValues("Link")));
        if (!link.find()) {
            return null;
        }
        return HubClient.target(page, link.group(1), "a next page at", id);
    }

    private static JsonNode json(HttpResponse<byte[]> response, HubId id) {
        try {
            return JSON.readTree(response.body());
        } catch (JacksonException _) {
            throw HubErrors.answer(id.toString(), "the answer is not JSON");
        }
    }
}
