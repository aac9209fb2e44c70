#!/usr/bin/env python3
"""A picture of the Mandelbrot set, computed in tiles on the nodes, as a PNG.

    bramble local --agents 4 -- ./mandelbrot.py mandelbrot.png [WIDTH HEIGHT]

Tiles come as they are done (`ordered=False`), and each says where it belongs.
"""

import struct
import sys
import zlib
from dataclasses import dataclass

from bramble import Cluster

TILE = 64
MAX_STEPS = 200
LEFT, RIGHT, MIDDLE = -2.2, 0.8, 0.0  # of the plane; its height follows from the picture's


@dataclass(frozen=True)
class View:
    width: int
    height: int

    def point(self, x, y):
        step = (RIGHT - LEFT) / self.width
        return complex(LEFT + (x + 0.5) * step, MIDDLE + (self.height / 2 - y - 0.5) * step)


def steps_to_leave(point):
    """MAX_STEPS: it stays."""
    z = 0j
    for step in range(MAX_STEPS):
        z = z * z + point
        if z.real * z.real + z.imag * z.imag > 4:
            return step
    return MAX_STEPS


def colour(steps):
    if steps == MAX_STEPS:
        return b"\0\0\0"
    share = steps / MAX_STEPS
    return bytes(int(255 * min(1, part)) for part in (share**0.35, share**0.6, 0.25 + 0.75 * share**0.25))


def tile(view, left, top):
    """Where it is, and its rows of pixels."""
    rows = [
        b"".join(colour(steps_to_leave(view.point(x, y))) for x in range(left, min(left + TILE, view.width)))
        for y in range(top, min(top + TILE, view.height))
    ]
    return left, top, rows


def draw(view, tiles):
    picture = [bytearray(3 * view.width) for _ in range(view.height)]
    for left, top, rows in tiles:
        for y, row in enumerate(rows, top):
            picture[y][3 * left : 3 * left + len(row)] = row
    return picture


def png(view, picture):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", view.width, view.height, 8, 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(row) for row in picture)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def places(view):
    return [(view, left, top) for top in range(0, view.height, TILE) for left in range(0, view.width, TILE)]


def main():
    if len(sys.argv) not in (2, 4):
        sys.exit("usage: mandelbrot.py FILE.png [WIDTH HEIGHT]")
    view = View(*map(int, sys.argv[2:])) if len(sys.argv) == 4 else View(768, 512)
    tiles = Cluster().starmap(tile, places(view), ordered=False)
    with open(sys.argv[1], "wb") as file:
        file.write(png(view, draw(view, tiles)))
    print(f"{sys.argv[1]}: {view.width} x {view.height}, {len(places(view))} tiles")


if __name__ == "__main__":
    main()
