#!/usr/bin/env python3
"""Checks the tree against the rules of the house (README.md in this folder). Exit status 0: nothing found; 1: findings."""

import argparse
import sys

import rules


def findings(options):
    tree = rules.Tree(options.root)
    yield from rules.top_folder(tree)
    yield from rules.include_parent(tree)
    yield from rules.include_layer(tree)
    yield from rules.include_cycle(tree)
    yield from rules.library_home(tree)
    yield from rules.pure(tree)
    yield from rules.long_file(tree, options.max_file_lines)
    yield from rules.long_function(tree, options.max_function_lines)
    if options.compile_commands:
        yield from rules.unbuilt_source(tree, options.compile_commands)


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", help="the tree to check")
    parser.add_argument("--compile-commands", metavar="FILE", help="of a configured build: find sources nobody builds")
    parser.add_argument("--max-file-lines", type=int, default=rules.MAX_FILE_LINES)
    parser.add_argument("--max-function-lines", type=int, default=rules.MAX_FUNCTION_LINES)
    return parser.parse_args(arguments)


def main(arguments):
    found = sorted(set(findings(parse(arguments))))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
