#!/usr/bin/env python3
"""Shows that each rule finds what it is there to find, and that functions are measured right."""

import contextlib
import inspect
import io
import unittest
from pathlib import Path

import cpp_text
import rules
import tidy

FIXTURES = Path(__file__).resolve().parent / "fixtures"


def run_tidy(arguments):
    """Runs the check as its command does. Returns its exit status and what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = tidy.main(arguments)
    return status, printed.getvalue()


class Fixtures(unittest.TestCase):
    """One test for each fixture: a tree that breaks one rule, with exactly what the check must say of it."""

    maxDiff = None

    def check(self, root):
        extra = root / "arguments"
        arguments = extra.read_text().replace("{root}", str(root)).split() if extra.exists() else []
        status, printed = run_tidy([str(root), *arguments])
        self.assertEqual(printed, (root / "expected").read_text())
        self.assertEqual(status, 1)


for fixture in sorted(path for path in FIXTURES.iterdir() if path.is_dir()):
    setattr(Fixtures, "test_" + fixture.name.replace("-", "_"), lambda self, root=fixture: self.check(root))


def measured(text):
    return [(function.name, function.first_line, function.last_line) for function in cpp_text.functions(text)]


class Functions(unittest.TestCase):
    def check(self, text, *expected):
        self.assertEqual(measured(inspect.cleandoc(text)), list(expected))

    def test_finds_functions_in_namespaces_and_classes(self):
        self.check(
            """
            namespace a::b {
            class Queue final : public Base<int> {
             public:
              Queue() = default;
              bool pop() const noexcept override {
                return true;
              }
             private:
              int size_{0};
            };
            }  // namespace a::b
            """,
            ("pop", 5, 7),
        )

    def test_counts_a_lambda_to_its_function(self):
        self.check("void f() {\n  g([] {\n    h();\n  });\n}", ("f", 1, 5))

    def test_takes_no_member_initialiser_for_the_body(self):
        self.check("Queue::Queue(int n) : size_{n}, name_(\"q\"), list_{{1, 2}} {\n  start();\n}", ("Queue::Queue", 1, 3))

    def test_ignores_braces_in_strings_characters_and_comments(self):
        self.check("int f() {  // {\n  g(\"{\", '{', R\"x({{)x\", 1'000'000);\n  /* { */\n}\nint g() { return 1; }",
                   ("f", 1, 4), ("g", 5, 5))

    def test_follows_one_branch_of_a_conditional(self):
        self.check("#if A\nint f(int a) {\n#else\nint f() {\n#endif\n  return 1;\n}\nint g() { return 2; }",
                   ("f", 2, 7), ("g", 8, 8))

    def test_finds_tests_operators_templates_and_trailing_returns(self):
        self.check("TEST(Node, Beats) {\n}", ("TEST(Node, Beats)", 1, 2))
        self.check("bool operator==(const A& a, const A& b) {\n  return true;\n}", ("operator==", 1, 3))
        self.check("template <typename T = std::array<int, 2>>\nauto f(T t = {}) -> Result<T> {\n  return t;\n}",
                   ("f", 1, 4))

    def test_takes_no_table_and_no_enum_for_a_function(self):
        self.check("constexpr Row rows[] = {\n  {1, f(2)},\n};\nenum class E : int { a, b };\nconst Limits limits{3};")


class Limits(unittest.TestCase):
    def test_sixty_lines_are_a_function_and_sixty_one_too_many(self):
        body = "int f() {\n" + "  g();\n" * 58 + "}\n"
        self.assertEqual(measured(body)[0][2], rules.MAX_FUNCTION_LINES)
        self.assertFalse(self.found(rules.long_function, body))
        self.assertTrue(self.found(rules.long_function, body.replace("}", "  g();\n}")))

    def test_four_hundred_lines_are_a_file_and_one_more_is_too_many(self):
        self.assertFalse(self.found(rules.long_file, "int a;\n" * rules.MAX_FILE_LINES))
        self.assertTrue(self.found(rules.long_file, "int a;\n" * (rules.MAX_FILE_LINES + 1)))

    def found(self, rule, text):
        tree = type("OneFile", (), {"texts": {"a.cpp": text}, "cpp": {"a.cpp": text}})
        return list(rule(tree))


class Coverage(unittest.TestCase):
    def test_every_rule_has_a_fixture(self):
        names = {name.replace("_", "-") for name, _ in inspect.getmembers(rules, inspect.isgeneratorfunction)}
        self.assertEqual(names, {path.name for path in FIXTURES.iterdir()})


if __name__ == "__main__":
    unittest.main()
