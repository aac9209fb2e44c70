#!/usr/bin/env python3
"""Pi by throwing points at a square: how many lie in the quarter circle?

    bramble local --agents 4 -- ./pi.py [THROWS]

Each call throws its share with a seed of its own, so that the same number of throws always gives the same result.
"""

import random
import sys

from bramble import Cluster

SHARE = 20_000


def count_inside(seed, throws):
    numbers = random.Random(seed)
    return sum(numbers.random() ** 2 + numbers.random() ** 2 <= 1 for _ in range(throws))


def main():
    throws = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    shares = [min(SHARE, throws - at) for at in range(0, throws, SHARE)]
    inside = sum(Cluster().map(count_inside, range(len(shares)), shares))
    print(f"{inside} of {throws} inside: pi is about {4 * inside / throws:.5f}")


if __name__ == "__main__":
    main()
