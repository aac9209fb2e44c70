#!/usr/bin/env python3
"""The first example: a function called on the nodes for many inputs.

    bramble local --agents 4 -- ./squares.py
"""

from bramble import Cluster


def main():
    print(sum(Cluster().map(lambda x: x * x, range(1, 100))))


if __name__ == "__main__":
    main()
