#!/usr/bin/env python3
"""Makes the tasks of the bundled studies from the corpus of the repository.

    make_tasks.py CORPUS OUT     OUT/next-sentence.jsonl, OUT/cloze.jsonl: "custom" tasks of halftone eval
                                 OUT/word-order.jsonl: "minimal_pairs"
                                 OUT/dialogue.jsonl: "dialogue"

Next sentence. Context: three sentences that follow one another in a test document. Choices: the sentence that follows them, and three
sentences of the same file at least 20 sentences away and of 0.6 to 1.6 times its length, in an order drawn with the seed.
Cloze. Context: sentences of together at least 50 words but for the last word, which has at least 4 letters, occurs in a sentence before
the last, and not in the last.
Word order. A sentence of 6 to 25 words, and the same with two neighbouring words changed over; neither of them is the first or the last.
Dialogue. First turn: two sentences that follow one another, to be continued; second turn: the wish to know what came of it.
Standard library only; the same corpus gives the same bytes.
"""
import json
import pathlib
import random
import re
import sys

FILES = ["sotu.test.txt", "moby-dick.test.txt"]
ITEMS = 100  # of each file
FAR = 20
SHORTEST, LONGEST = 40, 220
CONTEXT, LONGEST_PASSAGE = 50, 1200
CLOZES = 75
DIALOGUES = 6
ANSWER = 48  # tokens


def sentences(text):
    flat = re.sub(r"\s+", " ", text)
    return [s.strip() for s in re.split(r"(?<=[.!?])\s+(?=[A-Z\"'])", flat) if s.strip()]


def items(name, text, rng):
    all_sentences = sentences(text)
    places = [i for i in range(3, len(all_sentences)) if SHORTEST <= len(all_sentences[i]) <= LONGEST
              and all(SHORTEST <= len(s) <= LONGEST for s in all_sentences[i - 3:i])]
    rng.shuffle(places)
    for at in sorted(places[:ITEMS]):
        truth = all_sentences[at]
        others = [s for i, s in enumerate(all_sentences)
                  if abs(i - at) >= FAR and 0.6 * len(truth) <= len(s) <= 1.6 * len(truth) and s != truth]
        choices = rng.sample(others, 3) + [truth]
        rng.shuffle(choices)
        yield {"context": " ".join(all_sentences[at - 3:at]), "choices": choices, "gold": choices.index(truth), "source": name}


def clozes(name, text, rng):
    all_sentences = sentences(text)
    found = []
    for end in range(3, len(all_sentences)):
        match = re.fullmatch(r"(.*\s)([A-Za-z]{4,})[.!?]", all_sentences[end])
        start = end
        while start > 0 and len(" ".join(all_sentences[start:end + 1]).split()) < CONTEXT:
            start -= 1
        passage = " ".join(all_sentences[start:end + 1])
        if not match or len(passage) > LONGEST_PASSAGE or len(passage.split()) < CONTEXT:
            continue
        word = match.group(2)
        seen = re.compile(rf"\b{word}\b", re.I)
        if seen.search(" ".join(all_sentences[start:end])) and not seen.search(match.group(1)):
            found.append({"context": passage[:-len(word) - 1].rstrip(), "target": word, "source": name})
    return rng.sample(found, min(CLOZES, len(found)))


def word_orders(name, text, rng):
    chosen = [s for s in sentences(text) if 6 <= len(s.split()) <= 25 and re.fullmatch(r"[A-Z][A-Za-z' ,;]+\.", s)]
    for good in rng.sample(chosen, min(ITEMS, len(chosen))):
        words = good.split()
        places = [i for i in range(1, len(words) - 2) if words[i].isalpha() and words[i + 1].isalpha()
                  and words[i].lower() != words[i + 1].lower()]
        if places:
            at = rng.choice(places)
            words[at], words[at + 1] = words[at + 1], words[at]
            yield {"sentence_good": good, "sentence_bad": " ".join(words), "source": name}


def dialogues(name, text, rng):
    all_sentences = sentences(text)
    places = [i for i in range(len(all_sentences) - 1) if all(60 <= len(s) <= 200 for s in all_sentences[i:i + 2])]
    for at in sorted(rng.sample(places, DIALOGUES)):
        first = "Please continue. " + " ".join(all_sentences[at:at + 2])
        yield {"turns": [first, "And what came of it?"], "max_tokens": ANSWER, "source": name}


def write(path, corpus, make):
    rng = random.Random(1)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for name in FILES:
            for item in make(name, (corpus / name).read_text(encoding="utf-8"), rng):
                file.write(json.dumps(item, ensure_ascii=False) + "\n")


def main():
    corpus, out = map(pathlib.Path, sys.argv[1:3])
    write(out / "next-sentence.jsonl", corpus, items)
    write(out / "cloze.jsonl", corpus, clozes)
    write(out / "word-order.jsonl", corpus, word_orders)
    write(out / "dialogue.jsonl", corpus, dialogues)


if __name__ == "__main__":
    main()
