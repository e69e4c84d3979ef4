package dev.halftone.checkpoint;

import dev.halftone.error.InputException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;

/**
 * The JSON header of a safetensors file: {@code "name": {"dtype", "shape", "data_offsets"}} and {@code "__metadata__"} with
 * string values. Parsed as a stream, stricter than the reference library: names must not repeat. Source:
 * huggingface/safetensors, README.md and tensor.rs.
 */
final class SafetensorsHeader {
    static final String METADATA = "__metadata__";
    static final int MOST_TENSORS = 1_000_000;

    /** Three levels are the format's own; unknown members of an entry, which are skipped, may nest a little. */
    private static final int DEEPEST = 8;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .disable(TokenStreamFactory.Feature.INTERN_PROPERTY_NAMES)
            .build();

    private final String file;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private boolean metadataSeen;

    private SafetensorsHeader(String file) {
        this.file = file;
    }

    /** One tensor as declared; offsets are relative to the end of the header and not yet compared with the others. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Entry(String name, SafetensorsDtype dtype, long[] shape, long begin, long end) {}

    /** @throws InputException HT-203 to HT-211 */
    static SafetensorsHeader parse(String file, byte[] header) {
        if (header.length == 0 || header[0] != '{') {
            throw Findings.error("HT-203", file, "the header does not start with '{'", "this is no safetensors file");
        }
        CharBuffer text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(header));
        } catch (CharacterCodingException e) {
            throw Findings.error("HT-204", file, "the header is not UTF-8", "download the file again");
        }
        SafetensorsHeader parsed = new SafetensorsHeader(file);
        try (JsonParser p =
                JSON.createParser(ObjectReadContext.empty(), text.array(), text.arrayOffset(), text.length())) {
            parsed.readRoot(p);
        } catch (JacksonException e) {
            throw Findings.error(
                    "HT-205", file, "the header is not JSON: " + e.getOriginalMessage(), "download the file again");
        }
        return parsed;
    }

    Map<String, Entry> entries() {
        return entries;
    }

    Map<String, String> metadata() {
        return metadata;
    }

    private void readRoot(JsonParser p) {
        p.nextToken();
        while (p.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = p.currentName();
            p.nextToken();
            if (name.equals(METADATA)) {
                readMetadata(p);
                continue;
            }
            if (entries.size() == MOST_TENSORS) {
                throw Findings.error("HT-211", file, "more than %d tensors".formatted(MOST_TENSORS), "split the file");
            }
            if (entries.put(name, readEntry(p, name)) != null) {
                throw duplicate(name);
            }
        }
        if (p.nextToken() != null) {
            throw Findings.error(
                    "HT-205", file, "there is more text after the header's JSON object", "download the file again");
        }
    }

    private void readMetadata(JsonParser p) {
        if (metadataSeen) {
            throw duplicate(METADATA);
        }
        metadataSeen = true;
        if (p.currentToken() != JsonToken.START_OBJECT) {
            throw metadataError("is not an object");
        }
        while (p.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = p.currentName();
            if (p.nextToken() != JsonToken.VALUE_STRING) {
                throw metadataError("has a value that is no string under '" + key + "'");
            }
            if (metadata.put(key, wellFormed(p.getString())) != null) {
                throw duplicate(METADATA + " " + key);
            }
        }
    }

    private InputException metadataError(String finding) {
        return Findings.error(
                "HT-210", file, "__metadata__ " + finding + "; expected a map of strings", "write the file again");
    }

    private Entry readEntry(JsonParser p, String name) {
        if (p.currentToken() != JsonToken.START_OBJECT) {
            throw malformed(name, "its entry is not an object");
        }
        @Nullable SafetensorsDtype dtype = null;
        long @Nullable [] shape = null;
        long @Nullable [] offsets = null;
        Set<String> seen = new HashSet<>();
        while (p.nextToken() == JsonToken.PROPERTY_NAME) {
            String member = p.currentName();
            if (!seen.add(member)) {
                throw duplicate(name + " " + member);
            }
            p.nextToken();
            switch (member) {
                case "dtype" -> dtype = readDtype(p, name);
                case "shape" -> shape = readNumbers(p, name, "shape", "HT-209");
                case "data_offsets" -> offsets = readNumbers(p, name, "data_offsets", "HT-207");
                default -> p.skipChildren();
            }
        }
        if (dtype == null || shape == null || offsets == null) {
            String missing = dtype == null ? "dtype" : shape == null ? "shape" : "data_offsets";
            throw malformed(name, "its entry has no " + missing);
        }
        if (offsets.length != 2) {
            throw malformed(name, "data_offsets holds %d numbers, expected 2".formatted(offsets.length));
        }
        return new Entry(name, dtype, shape, offsets[0], offsets[1]);
    }

    private SafetensorsDtype readDtype(JsonParser p, String name) {
        if (p.currentToken() != JsonToken.VALUE_STRING) {
            throw malformed(name, "its dtype is not a string");
        }
        SafetensorsDtype dtype = SafetensorsDtype.of(p.getString());
        if (dtype == null) {
            throw Findings.error(
                    "HT-208",
                    place(name),
                    "unknown dtype '%s'; known: %s"
                            .formatted(
                                    p.getString(),
                                    List.of(SafetensorsDtype.values()).toString()),
                    "");
        }
        return dtype;
    }

    private long[] readNumbers(JsonParser p, String name, String member, String code) {
        if (p.currentToken() != JsonToken.START_ARRAY) {
            throw malformed(name, "its " + member + " is not an array");
        }
        List<Long> numbers = new ArrayList<>();
        while (p.nextToken() != JsonToken.END_ARRAY) {
            if (p.currentToken() != JsonToken.VALUE_NUMBER_INT || p.getString().startsWith("-")) {
                throw Findings.error(
                        code,
                        place(name),
                        "%s holds %s, expected integers of 0 or more".formatted(member, p.getString()),
                        "write the file again");
            }
            if (p.getNumberType() == JsonParser.NumberType.BIG_INTEGER) {
                throw Findings.error(
                        "HT-214",
                        place(name),
                        "%s holds %s, beyond 2^63 - 1".formatted(member, p.getString()),
                        "write the file again");
            }
            numbers.add(p.getLongValue());
        }
        return numbers.stream().mapToLong(Long::longValue).toArray();
    }

    /** JSON escapes can spell half a surrogate pair, which is no text; the parser refuses it in names, not in values. */
    private String wellFormed(String text) {
        if (!Tensors.isText(text)) {
            throw Findings.error("HT-204", file, "a string in the header is not Unicode text", "write the file again");
        }
        return text;
    }

    private InputException malformed(String name, String finding) {
        return Findings.error("HT-207", place(name), finding, "write the file again");
    }

    private InputException duplicate(String name) {
        return Findings.error("HT-206", place(name), "the name occurs twice in the header", "write the file again");
    }

    private String place(String name) {
        return file + ": " + name;
    }
}
