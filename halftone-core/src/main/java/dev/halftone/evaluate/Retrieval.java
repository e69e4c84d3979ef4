package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Long contexts with something to be found in them, made from a seed: LongEval's lines and RULER's needles, and lines as multiple
 * choice for models that follow no instructions. Equal arguments give equal items.
 *
 * <p>Source: the line and the question of LongEval (arXiv:2402.18158 measures caches with it) and the needle of RULER
 * (arXiv:2404.06654); what stands around them is our own.
 */
final class Retrieval {
    private static final int LARGEST_NUMBER = 50000;
    private static final int CHOICES = 10;
    private static final int SMALLEST_VALUE = 1_000_000;
    private static final int LARGEST_VALUE = 9_999_999;

    /** Largest that makes sense of any of the keys. */
    private static final int MOST = 100_000;

    private static final Pattern LINE = Pattern.compile("line (\\S+): REGISTER_CONTENT is <(\\d+)>");
    private static final Pattern QUESTION = Pattern.compile("<REGISTER_CONTENT> in line ([^\\s?]+)\\?");

    private static final String[] ADJECTIVES = {
        "amber", "ancient", "bitter", "blue", "brave", "bright", "broad", "calm", "clever", "cold", "common", "curious",
        "dark", "deep", "distant", "dry", "early", "eager", "empty", "even", "fair", "famous", "fast", "fine", "flat",
        "free", "fresh", "gentle", "golden", "grand", "green", "happy", "heavy", "hidden", "hollow", "honest", "humble",
        "late", "light", "little", "lonely", "long", "loud", "lucky", "mild", "modest", "narrow", "new", "noble", "odd",
        "old", "open", "pale", "patient", "plain", "polite", "proud", "quick", "quiet", "rare", "red", "rich", "round",
        "royal", "rough", "sad", "salty", "sharp", "short", "silent", "simple", "slow", "small", "smooth", "soft",
        "solid", "steady", "steep", "still", "strong", "sudden", "sweet", "swift", "tall", "tame", "thick", "thin",
        "tidy", "tiny", "true", "vast", "warm", "weak", "wet", "white", "wide", "wild", "wise", "wooden", "young"
    };

    private static final String[] NOUNS = {
        "anchor",
        "apple",
        "arrow",
        "barn",
        "basket",
        "beach",
        "bell",
        "bird",
        "boat",
        "book",
        "bottle",
        "bridge",
        "brook",
        "bucket",
        "button",
        "cabin",
        "candle",
        "castle",
        "chair",
        "cherry",
        "circle",
        "cliff",
        "clock",
        "cloud",
        "coat",
        "corner",
        "cradle",
        "desert",
        "door",
        "eagle",
        "engine",
        "feather",
        "fence",
        "field",
        "finger",
        "flag",
        "forest",
        "fountain",
        "garden",
        "gate",
        "glove",
        "grove",
        "hammer",
        "harbor",
        "hill",
        "horse",
        "island",
        "jacket",
        "kettle",
        "key",
        "ladder",
        "lake",
        "lamp",
        "lantern",
        "leaf",
        "letter",
        "lion",
        "map",
        "meadow",
        "mill",
        "mirror",
        "mountain",
        "needle",
        "nest",
        "ocean",
        "orchard",
        "paper",
        "pebble",
        "pencil",
        "pillow",
        "planet",
        "pocket",
        "pond",
        "prairie",
        "rabbit",
        "river",
        "road",
        "roof",
        "rope",
        "sail",
        "shadow",
        "shell",
        "ship",
        "shoe",
        "spoon",
        "star",
        "stone",
        "stream",
        "table",
        "tent",
        "ticket",
        "tower",
        "trail",
        "tree",
        "valley",
        "village",
        "wagon",
        "wall",
        "window",
        "winter"
    };

    /** What a needle lies in. */
    private static final String[] FILLER = {
        "The rain came down on the roof.",
        "A boat went slowly along the shore.",
        "Nobody was in the garden.",
        "The lamp was lit before supper.",
        "They walked home by the old road."
    };

    private Retrieval() {}

    /**
     * Makes a task.
     *
     * @param options "key=number" with commas between
     * @throws InputException HT-313
     */
    static EvaluationTask parse(String kind, String options) {
        String place = kind + "(" + options + ")";
        return switch (kind) {
            case "lines" -> {
                Map<String, Integer> of = options(place, options, Map.of("lines", 20, "items", 50, "seed", 1));
                yield new GenerationTasks.Task(
                        place,
                        kind,
                        List.of(),
                        records(of, place).stream()
                                .map(record -> GenerationTasks.lines(place, record.prompt(), record.number()))
                                .toList());
            }
            case "lines_choice" -> {
                Map<String, Integer> of = options(place, options, Map.of("lines", 20, "items", 50, "seed", 1));
                yield new ChoiceTasks.Task(
                        place,
                        kind,
                        List.of(),
                        records(of, place).stream()
                                .map(record -> choice(place, record.text(), record.name()))
                                .toList());
            }
            case "needle" -> {
                Map<String, Integer> of =
                        options(place, options, Map.of("sentences", 50, "needles", 1, "items", 50, "seed", 1));
                yield new GenerationTasks.Task(place, kind, List.of(), needles(of, place));
            }
            default ->
                throw new InputException(
                        "HT-313",
                        place,
                        "cannot be made; known are lines, lines_choice, needle",
                        "name a file: KIND:FILE");
        };
    }

    private static Map<String, Integer> options(String place, String text, Map<String, Integer> absent) {
        Map<String, Integer> options = new LinkedHashMap<>(absent);
        for (String option : text.isBlank() ? new String[0] : text.split(",", -1)) {
            Matcher matcher = Pattern.compile("\\s*([a-z]+)=([0-9]{1,6})\\s*").matcher(option);
            if (!matcher.matches() || !absent.containsKey(matcher.group(1))) {
                throw new InputException(
                        "HT-313",
                        place,
                        "\"" + option + "\"; known are "
                                + String.join(
                                        ", ", absent.keySet().stream().sorted().toList()),
                        "write key=number");
            }
            options.put(matcher.group(1), Integer.parseInt(matcher.group(2)));
        }
        options.forEach((key, value) -> {
            if (value < (key.equals("seed") ? 0 : 1) || value > MOST) {
                throw new InputException(
                        "HT-313", place, "%s is %d; expected at most %d".formatted(key, value, MOST), "");
            }
        });
        return options;
    }

    private static int get(Map<String, Integer> options, String key) {
        return options.getOrDefault(key, 0);
    }

    private static RandomGenerator random(Map<String, Integer> options) {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(get(options, "seed"));
    }

    /** Lines, and which of them is asked for. */
    private record Lines(String text, String name, int number) {
        String prompt() {
            return "Keep the following record in mind. Each line has a name and a number in REGISTER_CONTENT.\n\n"
                    + text
                    + "\nNow the record is over. Tell me what is the <REGISTER_CONTENT> in line " + name
                    + "? I need the number.";
        }
    }

    private static List<Lines> records(Map<String, Integer> options, String place) {
        int count = get(options, "lines");
        int names = ADJECTIVES.length * NOUNS.length;
        if (count > names) {
            throw new InputException(
                    "HT-313", place, "lines is %d; there are %d names".formatted(count, names), "use fewer lines");
        }
        RandomGenerator random = random(options);
        List<Lines> records = new ArrayList<>();
        for (int i = 0; i < get(options, "items"); i++) {
            Set<String> distinct = new LinkedHashSet<>();
            while (distinct.size() < count) {
                distinct.add(pick(ADJECTIVES, random) + "-" + pick(NOUNS, random));
            }
            List<String> all = List.copyOf(distinct);
            int[] numbers = random.ints(count, 1, LARGEST_NUMBER + 1).toArray();
            StringBuilder text = new StringBuilder();
            for (int k = 0; k < count; k++) {
                text.append(line(all.get(k), numbers[k])).append('\n');
            }
            int asked = random.nextInt(count);
            records.add(new Lines(text.toString(), all.get(asked), numbers[asked]));
        }
        return records;
    }

    private static String line(String name, int number) {
        return "line " + name + ": REGISTER_CONTENT is <" + number + ">";
    }

    private static String pick(String[] words, RandomGenerator random) {
        return words[random.nextInt(words.length)];
    }

    /** A record of LongEval. */
    static ChoiceItem choice(TaskEntry e) {
        String prompt = e.text("prompt");
        Matcher question = QUESTION.matcher(prompt);
        if (!question.find()) {
            throw new InputException(
                    "HT-612", e.place(), "\"prompt\" asks for no <REGISTER_CONTENT> in line NAME?", "correct the line");
        }
        return choice(e.place(), prompt.substring(0, question.start()), question.group(1));
    }

    /** The record and the beginning of one of its lines once more; the number of that line against those of the lines around it. */
    private static ChoiceItem choice(String place, String record, String name) {
        Map<String, Integer> numbers = new LinkedHashMap<>();
        int end = 0;
        Matcher line = LINE.matcher(record);
        while (line.find()) {
            numbers.putIfAbsent(line.group(1), Integer.parseInt(line.group(2)));
            end = line.end();
        }
        Integer right = numbers.get(name);
        if (right == null || numbers.size() < 2) {
            throw new InputException(
                    "HT-612", place, "the record has no line " + name + " among at least two", "correct the line");
        }
        List<String> names = List.copyOf(numbers.keySet());
        int at = names.indexOf(name);
        int count = Math.min(CHOICES, names.size());
        int first = Math.clamp(at - count / 2, 0, names.size() - count);
        List<String> choices = names.subList(first, first + count).stream()
                .map(other -> "<" + numbers.get(other) + ">")
                .toList();
        String context = record.substring(0, end) + "\nline " + name + ": REGISTER_CONTENT is";
        return ChoiceItem.ofChoices(place, context, choices, at - first);
    }

    /** Needles at depths that go through the whole text from one item to the next. */
    private static List<GenerationItem> needles(Map<String, Integer> options, String place) {
        RandomGenerator random = random(options);
        int sentences = get(options, "sentences");
        int items = get(options, "items");
        List<GenerationItem> all = new ArrayList<>();
        for (int i = 0; i < items; i++) {
            String key = pick(ADJECTIVES, random) + "-" + pick(NOUNS, random);
            List<String> values = random.ints(get(options, "needles"), SMALLEST_VALUE, LARGEST_VALUE + 1)
                    .mapToObj(String::valueOf)
                    .toList();
            List<String> text = new ArrayList<>(IntStream.range(0, sentences)
                    .mapToObj(k -> FILLER[k % FILLER.length])
                    .toList());
            double share = (double) i / Math.max(1, items - 1);
            int[] depths = new int[values.size()];
            Arrays.setAll(
                    depths,
                    k -> k == 0 ? Math.toIntExact(Math.round(sentences * share)) : random.nextInt(sentences + 1));
            for (int k = 0; k < depths.length; k++) {
                text.add(depths[k], "One of the special magic numbers for " + key + " is: " + values.get(k) + ".");
            }
            String prompt = "Magic numbers are hidden in the following text. Keep them in mind.\n\n"
                    + String.join(" ", text) + "\n\nQuestion: What are all the special magic numbers for " + key
                    + "?\nAnswer: The special magic numbers for " + key + " are";
            all.add(GenerationTasks.needle(place, prompt, values));
        }
        return all;
    }
}
