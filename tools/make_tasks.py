#!/usr/bin/env python3
"""Makes the multiple-choice task of the bundled studies from the corpus of the repository.

    make_tasks.py CORPUS OUT     OUT/next-sentence.jsonl, a "custom" task of halftone eval

Context: three sentences that follow one another in a test document. Choices: the sentence that follows them, and three sentences of
the same file at least 20 sentences away and of 0.6 to 1.6 times its length, in an order drawn with the seed. Standard library only;
the same corpus gives the same bytes.
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


def main():
    corpus, out = map(pathlib.Path, sys.argv[1:3])
    rng = random.Random(1)
    with open(out / "next-sentence.jsonl", "w", encoding="utf-8", newline="\n") as file:
        for name in FILES:
            for item in items(name, (corpus / name).read_text(encoding="utf-8"), rng):
                file.write(json.dumps(item, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
