#!/usr/bin/env python3
"""Each example as people run it, on a local cluster, with what it must print or write."""

import collections
import importlib
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

from bramble import Cluster

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
state = {}


def setUpModule():
    state["cluster"] = Cluster.local(agents=2, slots=1)


def tearDownModule():
    state["cluster"].close()


class Example(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_example(self, name, *words, text=""):
        env = {**os.environ, "BRAMBLE_URL": state["cluster"].url}
        self.ended = subprocess.run(
            [HERE / name, *words], input=text, env=env, cwd=self.folder, capture_output=True, text=True, timeout=240
        )
        self.assertEqual(self.ended.returncode, 0, self.ended.stderr)
        return self.ended.stdout


class Examples(Example):
    def test_squares(self):
        self.assertEqual(self.run_example("squares.py"), "328350\n")

    def test_pi(self):
        pi = importlib.import_module("pi")
        inside = pi.count_inside(0, 20_000) + pi.count_inside(1, 5_000)
        self.assertIn(f"{inside} of 25000 inside: pi is about 3.1", self.run_example("pi.py", "25000"))

    def test_mandelbrot(self):
        mandelbrot = importlib.import_module("mandelbrot")
        view = mandelbrot.View(150, 100)
        self.run_example("mandelbrot.py", "made.png", "150", "100")
        data = (self.folder / "made.png").read_bytes()
        self.assertEqual(data, mandelbrot.png(view, mandelbrot.draw(view, (mandelbrot.tile(*at) for at in mandelbrot.places(view)))))
        self.assertEqual(struct.unpack(">II", data[16:24]), (150, 100))
        pixels = zlib.decompress(data[data.index(b"IDAT") + 4 : -16])
        rows = [pixels[y * 451 + 1 : (y + 1) * 451] for y in range(100)]
        self.assertEqual(rows, rows[::-1])  # the set lies the same above and below
        self.assertEqual(rows[50][3 * 110 : 3 * 110 + 3], b"\0\0\0")  # 0 belongs to it
        self.assertNotEqual(rows[0][:3], b"\0\0\0")

    def test_sweep(self):
        table = self.run_example("sweep.py").splitlines()
        self.assertEqual(len(table), 1 + 44)
        self.assertEqual(table[0], "contacts,days_ill,peak,ever_ill")
        sweep = importlib.import_module("sweep")
        self.assertIn("0.30,6," + "{0.peak},{0.ever_ill}".format(sweep.run(0.05 * 6, 6)), table)
        self.assertIn("ill for 10 days: at most 0.15 contacts a day", self.ended.stderr)

    def test_kmers(self):
        numbers = random.Random(5)
        records = ["".join(numbers.choice("ACGTACGTacgtN") for _ in range(size)) for size in (450_000, 3, 120_000)]
        lines = []
        for at, record in enumerate(records):
            lines += [f">record {at}"] + [record[begin : begin + 70] for begin in range(0, len(record), 70)]
        (self.folder / "made.fasta").write_text("\n".join(lines) + "\n")
        counts = collections.Counter()
        for record in map(str.upper, records):
            counts.update(word for word in (record[at : at + 5] for at in range(len(record) - 4)) if "N" not in word)
        wanted = "".join(f"{word} {n}\n" for word, n in sorted(counts.items(), key=lambda each: (-each[1], each[0])))
        self.assertEqual(self.run_example("kmers.py", "made.fasta", "5", "9999"), wanted)

    def test_wordcount(self):
        text = "the quick\tbrown fox\n\njumps over the  lazy dog\n" * 500 + "end without newline"
        counts = collections.Counter(text.split())
        wanted = "".join(f"{n}\t{word}\n" for word, n in sorted(counts.items(), key=lambda each: (-each[1], each[0])))
        self.assertEqual(self.run_example("wordcount.sh", text=text), wanted)

    def test_matmul(self):
        self.assertEqual(self.run_example("matmul.sh", "61", "3"), "61 x 61: all rows are as they must be\n")



class Learning(Example):
    def learned(self, spec):
        """The accuracy on what was held out, after the last epoch, and on all rows."""
        summary = self.run_example("learn.sh", *spec)
        last = re.findall(r"held out [\d.]+ ([\d.]+)%", self.ended.stderr)[-1]
        return float(last), float(re.match(r"([\d.]+) % right", summary).group(1))

    def test_iris(self):
        held_out, whole = self.learned([])
        self.assertGreaterEqual(held_out, 96)
        self.assertGreaterEqual(whole, 96)

    def test_digits(self):
        held_out, whole = self.learned(["digits.toml"])
        self.assertGreaterEqual(held_out, 97)
        self.assertGreaterEqual(whole, 97)


class Told(unittest.TestCase):
    def test_the_readme_names_every_example(self):
        named = set(re.findall(r"^\| \[([\w.]+)\]", (HERE / "README.md").read_text(), re.MULTILINE))
        files = {path.name for path in HERE.iterdir() if path.suffix in (".py", ".sh") and os.access(path, os.X_OK)}
        self.assertEqual(named, files - {"examples_test.py"})


if __name__ == "__main__":
    unittest.main()
