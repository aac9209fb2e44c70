#!/usr/bin/env python3
"""Checks that clang-format would change nothing. Skips (exit status 77) without the release that .clang-format is for."""

import re
import shutil
import subprocess
import sys

import rules

RELEASE = 14  # other releases break lines differently
SKIPPED = 77


def formatter():
    for name in (f"clang-format-{RELEASE}", "clang-format"):
        path = shutil.which(name)
        if path:
            version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            if re.search(rf"version {RELEASE}\.", version):
                return path
    return None


def main(root):
    program = formatter()
    if not program:
        print(f"skipped: clang-format {RELEASE} is not installed")
        return SKIPPED
    files = list(rules.Tree(root).cpp)
    return subprocess.run([program, "--dry-run", "-Werror", *files], cwd=root).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
