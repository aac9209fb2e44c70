#!/usr/bin/env python3
"""How often each sequence of K letters occurs in a FASTA file.

    bramble local --agents 4 -- ./kmers.py FILE.fasta [K [SHOWN]]

The file is read piece by piece and never whole: pieces of one sequence overlap by K - 1 letters, so that none is missed
or counted twice. Sequences of letters other than A, C, G and T are left out.
"""

import sys
from collections import Counter

from bramble import Cluster

PIECE = 200_000


def sequences(lines):
    """The letters of each sequence, line by line; None between two of them."""
    for line in lines:
        yield None if line.startswith(">") else line.strip().upper()


def pieces(lines, k, size=PIECE):
    text = ""
    for letters in sequences(lines):
        if letters is None:
            if len(text) >= k:
                yield text
            text = ""
            continue
        text += letters
        while len(text) >= size + k:
            yield text[: size + k - 1]
            text = text[size:]
    if len(text) >= k:
        yield text


def count(piece, k):
    found = Counter(piece[at : at + k] for at in range(len(piece) - k + 1))
    return {word: times for word, times in found.items() if not word.strip("ACGT")}


def main():
    if len(sys.argv) not in (2, 3, 4):
        sys.exit("usage: kmers.py FILE.fasta [K [SHOWN]]")
    k = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    shown = int(sys.argv[3]) if len(sys.argv) > 3 else 10
    totals = Counter()
    with open(sys.argv[1], encoding="ascii") as file:
        for found in Cluster().map(lambda piece: count(piece, k), pieces(file, k), ordered=False):
            totals.update(found)
    for word, times in sorted(totals.items(), key=lambda each: (-each[1], each[0]))[:shown]:
        print(word, times)


if __name__ == "__main__":
    main()
