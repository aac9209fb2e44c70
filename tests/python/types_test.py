#!/usr/bin/env python3
"""The package is typed, and whatever the tests here have is run by ctest."""

import ast
import importlib
import inspect
import pkgutil
import re
import shutil
import subprocess
import tempfile
import typing
import unittest
from pathlib import Path

import bramble

HERE = Path(__file__).parent


class Types(unittest.TestCase):
    def test_mypy_finds_nothing_in_its_strict_mode(self):
        mypy = shutil.which("mypy")
        if mypy is None:
            self.skipTest("mypy is not installed (./bootstrap test)")
        with tempfile.TemporaryDirectory() as cache:
            ended = subprocess.run(
                [mypy, "--strict", "--no-warn-unused-ignores", "--cache-dir", cache, str(Path(bramble.__file__).parent)],
                capture_output=True,
                text=True,
            )
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_whatever_people_use_says_what_it_is(self):
        for name in bramble.__all__:
            thing = getattr(bramble, name)
            self.assertTrue(thing.__doc__, name)
            for key, member in inspect.getmembers(thing, inspect.isfunction):
                if key.startswith("_") or not member.__module__.startswith("bramble"):
                    continue
                self.assertTrue(member.__doc__, f"{name}.{key} has no docstring")
                self.assertIn("return", member.__annotations__, f"{name}.{key}")

    def test_every_module_can_be_imported_by_python_3_9(self):
        for module in pkgutil.iter_modules(bramble.__path__):
            imported = importlib.import_module("bramble." + module.name)
            ast.parse(inspect.getsource(imported), feature_version=(3, 9))
            self.assertIn("from __future__ import annotations", inspect.getsource(imported))
        self.assertIs(typing.get_type_hints(bramble.Cluster.slots)["return"], int)


class Covered(unittest.TestCase):
    def test_ctest_runs_every_class_of_every_test(self):
        said = (HERE / "CMakeLists.txt").read_text()
        for path in sorted(HERE.glob("*_test.py")):
            tree = ast.parse(path.read_text())
            classes = {
                node.name
                for node in tree.body
                if isinstance(node, ast.ClassDef)
                and any(isinstance(each, ast.FunctionDef) and each.name.startswith("test_") for each in node.body)
            }
            line = re.search(rf"^python_test\({path.name[:-8]} LABEL \w+ TIMEOUT \d+ ([\w ]+)\)$", said, re.MULTILINE)
            self.assertIsNotNone(line, f"{path.name} is not in CMakeLists.txt")
            self.assertEqual(classes, set(line[1].split()), path.name)


if __name__ == "__main__":
    unittest.main()
