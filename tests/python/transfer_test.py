#!/usr/bin/env python3
"""What goes to a node and back: functions, classes and modules that the node does not have."""

import abc
import collections
import concurrent.futures
import dataclasses
import enum
import functools
import importlib
import math
import sys
import tempfile
import threading
import typing
import unittest
from pathlib import Path

from one_kernel import OneKernel

FACTOR = 3
LOCK = threading.Lock()


def times_factor(x):
    return x * FACTOR


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def factorial(n):
    return 1 if n < 2 else n * factorial(n - 1)


@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def with_defaults(a, b=FACTOR, *, c=times_factor(2)):
    return a + b + c


def counted():
    global calls
    calls = globals().get("calls", 0) + 1
    return calls


@dataclasses.dataclass
class Point:
    x: int
    y: int = 2
    more: list = dataclasses.field(default_factory=list)

    def moved(self, by):
        return Point(self.x + by, self.y)


@dataclasses.dataclass(frozen=True, order=True)
class Frozen:
    name: str


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"

    @property
    def shout(self):
        return self.name + "!"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 5


class Pair(typing.NamedTuple):
    left: int
    right: int = 0

    def total(self):
        return self.left + self.right


Old = collections.namedtuple("Old", "a b")


class Shape(abc.ABC):
    kind = "shape"

    @abc.abstractmethod
    def area(self):
        ...


class Square(Shape):
    __slots__ = ("side",)

    def __init__(self, side):
        super().__init__()
        self.side = side

    def area(self):
        return self.side**2

    @staticmethod
    def unit():
        return Square(1)

    @classmethod
    def of(cls, side):
        return cls(side)

    @property
    def name(self):
        return f"{self.kind} of {self.side}"


class Callable:
    def __init__(self, n):
        self.n = n

    def __call__(self, x):
        return x + self.n

    def method(self, x):
        return x * self.n


class Transfer(unittest.TestCase):
    """Each test calls in a kernel of its own."""

    def setUp(self):
        self.kernel = OneKernel()
        self.addCleanup(self.kernel.__exit__)
        self.call = self.kernel.call

    def make_module(self, name, text):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sys.path.insert(0, folder.name)
        self.addCleanup(sys.path.remove, folder.name)
        importlib.invalidate_caches()
        return Path(folder.name)


class Functions(Transfer):
    def test_of_the_standard_library_go_by_name(self):
        self.assertEqual(self.call(math.factorial, 5), 120)
        self.assertEqual(self.call(str.upper, "a"), "A")

    def test_lambdas_go_with_their_closures(self):
        n = 5
        self.assertEqual(self.call(lambda x: x + n, 1), 6)

    def test_closures_that_share_a_variable_share_it_there(self):
        def pair():
            total = 0

            def add(n):
                nonlocal total
                total += n

            return add, lambda: total

        add, read = pair()

        def use(n):
            add(n)
            return read()

        self.assertEqual(self.call(use, 4), 4)

    def test_globals_that_are_used_go_along_and_others_do_not(self):
        self.assertEqual(self.call(times_factor, 4), 12)  # LOCK, which cannot go, is a global of the same module

    def test_that_call_each_other_or_themselves(self):
        self.assertTrue(self.call(even, 10))
        self.assertEqual(self.call(factorial, 10), 3628800)

    def test_nested_ones_that_call_themselves(self):
        def down(n):
            return n if n == 0 else down(n - 1)

        self.assertEqual(self.call(down, 5), 0)

    def test_defaults_and_keyword_defaults(self):
        self.assertEqual(self.call(with_defaults, 1), 10)

    def test_imports_inside_and_submodules_of_imported_packages(self):
        def inside(text):
            import json

            return json.loads(text)

        def below():
            return concurrent.futures.Future.__name__

        self.assertEqual(self.call(inside, "[1]"), [1])
        self.assertEqual(self.call(below), "Future")

    def test_with_a_cache_that_call_themselves_through_it(self):
        self.assertEqual(self.call(fib, 80), 23416728348467685)

    def test_partial_and_bound_methods_and_callable_objects(self):
        self.assertEqual(self.call(functools.partial(with_defaults, 1, c=0)), 4)
        self.assertEqual(self.call(Callable(3).method, 4), 12)
        self.assertEqual(self.call(Callable(3), 4), 7)
        self.assertEqual(self.call("a-b".split, "-"), ["a", "b"])

    def test_as_arguments_and_as_results(self):
        self.assertEqual(self.call(lambda f, x: f(x), times_factor, 2), 6)
        self.assertEqual(self.call(lambda n: (lambda x: x + n), 2)(40), 42)

    def test_keep_what_they_count_from_call_to_call(self):
        self.assertEqual([self.call(counted), self.call(counted)], [1, 2])

    def test_that_are_generators_are_called_as_a_list(self):
        def squares(n):
            yield from (i * i for i in range(n))

        self.assertEqual(self.call(lambda n: list(squares(n)), 4), [0, 1, 4, 9])


class Classes(Transfer):
    def test_dataclasses_come_back_as_the_same_class(self):
        moved = self.call(Point.moved, Point(1), 2)
        self.assertIs(type(moved), Point)
        self.assertEqual(moved, Point(3))
        self.assertEqual(self.call(lambda: Point(5)), Point(5, 2, []))

    def test_arguments_are_instances_of_what_the_function_knows(self):
        self.assertTrue(self.call(lambda point: isinstance(point, Point) and type(point.moved(1)) is Point, Point(1)))

    def test_frozen_ones_hash_and_compare(self):
        names = {Frozen("b"), Frozen("a")}
        self.assertEqual(self.call(sorted, names), [Frozen("a"), Frozen("b")])

    def test_enumerations_keep_their_members(self):
        self.assertEqual(self.call(lambda colour: (colour is Colour.RED, colour.shout), Colour.RED), (True, "RED!"))
        self.assertIs(self.call(lambda: Colour("b")), Colour.BLUE)
        self.assertIs(self.call(lambda: Level.HIGH), Level.HIGH)

    def test_named_tuples(self):
        self.assertEqual(self.call(Pair.total, Pair(1, 2)), 3)
        self.assertEqual(self.call(lambda old: old._replace(a=5), Old(1, 2)), Old(5, 2))

    def test_slots_properties_static_and_class_methods_and_super(self):
        self.assertEqual(self.call(lambda s: (s.area(), s.name, s.unit().side), Square(3)), (9, "shape of 3", 1))
        self.assertIs(type(self.call(Square.of, 2)), Square)

    def test_abstract_ones_stay_abstract(self):
        with self.assertRaisesRegex(TypeError, "abstract"):
            self.call(Shape)

    def test_made_inside_of_a_function(self):
        class Local:
            def __init__(self, n):
                self.n = n

            def again(self):
                return Local(self.n + 1)

        self.assertEqual(self.call(lambda: Local(1).again()).n, 2)

    def test_made_on_the_node_come_back(self):
        def make():
            class There:
                answer = 42

            return There()

        self.assertEqual(self.call(make).answer, 42)


class Modules(Transfer):
    def test_next_to_the_script_go_by_their_text_with_those_that_they_import(self):
        folder = self.make_module("near_one.py", "import near_two\ndef f(x): return near_two.g(x) + 1\nclass C: pass\n")
        Path(folder, "near_two.py").write_text("def g(x): return x * 10\n")
        import near_one

        self.assertEqual(self.call(near_one.f, 2), 21)
        self.assertIs(type(self.call(lambda: near_one.C())), near_one.C)
        self.assertIs(type(self.call(lambda c: c, near_one.C())), near_one.C)

    def test_packages_go_with_relative_imports(self):
        folder = self.make_module("near_package/__init__.py", "")
        Path(folder, "near_package/one.py").write_text("from .two import g\ndef f(x): return g(x)\n")
        Path(folder, "near_package/two.py").write_text("def g(x): return x + 100\n")
        import near_package.one

        self.assertEqual(self.call(near_package.one.f, 1), 101)

    def test_imported_inside_of_a_function_go_too(self):
        self.make_module("near_late.py", "VALUE = 7\n")

        def late():
            import near_late

            return near_late.VALUE

        self.assertEqual(self.call(late), 7)

    def test_that_are_missing_on_the_node_are_named(self):
        def needs_it():
            import no_such_module_here

            return no_such_module_here

        with self.assertRaisesRegex(ModuleNotFoundError, "no_such_module_here"):
            self.call(needs_it)


if __name__ == "__main__":
    unittest.main()
