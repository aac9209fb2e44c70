"""What calls are made of on their way out: definitions and calls as inputs of the kernel (_kernel.py has the layout)."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import reprlib
import sys
import threading
from typing import Any, Callable, Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple

from . import _kernel, _modules, _transfer
from ._explain import explain
from .errors import CannotSend

MAX_INPUT_BYTES = _kernel.MAX_BYTES - 4
MAX_HANDLES = 64  # files of a task
PLAIN_TYPES = frozenset([bool, int, float, complex, str, bytes, type(None)])
MAX_PLAIN_BYTES = 1000  # of a whole input


class Definition:
    """Something that calls refer to by its key, and what must be known before it."""

    def __init__(
        self,
        data: bytes,
        has_code: bool,
        needs: Iterable["Definition"] = (),
        handles: FrozenSet[_transfer.Handle] = frozenset(),
    ):
        self.needs = tuple(needs)
        self.handles: FrozenSet[_transfer.Handle] = handles.union(*(need.handles for need in self.needs))
        keys = b"".join(need.key for need in self.needs)
        flags = _kernel.HAS_CODE if has_code else 0
        self.key: bytes = hashlib.blake2b(keys + bytes([flags]) + data, digest_size=_kernel.KEY_BYTES).digest()
        self.input = _kernel.HEAD.pack(_kernel.DEFINITION, flags, self.key, len(self.needs)) + keys + data

    def with_needs(self) -> Iterator["Definition"]:
        """Those that it needs, and it."""
        for need in self.needs:
            yield from need.with_needs()
        yield self


class Function(NamedTuple):
    """A function that was made ready to be called."""

    definition: Definition
    name: str


class Input(NamedTuple):
    """A call as the kernel reads it, and what must be known before it."""

    data: bytes
    needs: Tuple[Definition, ...]
    handles: FrozenSet[_transfer.Handle]  # of itself, its function and all that they need
    plain: Optional[Tuple[Any, ...]]  # its arguments, where they can be told without running code of theirs


def call_text(function: Function, input: Input) -> str:
    """As one would write the call."""
    args = "..." if input.plain is None else ", ".join(map(reprlib.repr, input.plain))
    return f"{function.name}({args})"


class Sender:
    """Makes definitions and inputs. What goes by name is made ready once. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._classes: Dict[type, Definition] = {}
        self._modules: Dict[str, Definition] = {}

    def function(self, function: Callable[..., Any], always: Tuple[Definition, ...] = ()) -> Function:
        """`always`: what must be known before it besides what it itself needs."""
        if not callable(function):
            raise TypeError(f"{function!r} is not a function that could be called on a node")
        name = getattr(function, "__qualname__", type(function).__qualname__)
        return Function(self._define(function, f"the function {name}", always), name)

    def initializer(self, function: Callable[..., Any], args: Tuple[Any, ...]) -> Definition:
        """Reading it calls the function: once in each process on a node."""
        return self._define(_Called(function, args), "the initializer", ())

    def input(self, function: Function, args: Tuple[Any, ...], kwargs: Dict[str, Any]) -> Input:
        packed = _pack((args, kwargs), f"an argument of {function.name}", "all")
        needs = self._needs(packed) if packed.modules or packed.classes else ()
        keys = b"".join(need.key for need in needs)
        flags = _kernel.HAS_CODE if packed.has_code else 0
        data = _kernel.HEAD.pack(_kernel.CALL, flags, function.definition.key, len(needs)) + keys + packed.data
        if len(data) > MAX_INPUT_BYTES:
            raise CannotSend(
                f"the arguments of a call of {function.name} have {len(data)} bytes; at most {MAX_INPUT_BYTES} fit in "
                f"a call: hand over less, or the data in parts"
            )
        handles = packed.handles.union(function.definition.handles, *(need.handles for need in needs))
        if len(handles) > MAX_HANDLES:
            raise CannotSend(
                f"a call of {function.name} uses {len(handles)} handles; at most {MAX_HANDLES} go along with a call: "
                f"put several things together as a list"
            )
        is_plain = len(data) <= MAX_PLAIN_BYTES and not kwargs and all(type(arg) in PLAIN_TYPES for arg in args)
        return Input(data, needs, handles, args if is_plain else None)

    def handle(self, data: Any, upload: Callable[[bytes], Any]) -> _transfer.Handle:
        """Of data that many calls use."""
        packed = _pack(data, "the data", "none")
        if packed.handles:
            raise CannotSend("data that is put has a handle of other data in it: give both to the function")
        name = "data-" + hashlib.blake2b(packed.data, digest_size=_kernel.KEY_BYTES).hexdigest()
        return _transfer.Handle(name, packed, upload(packed.data))

    def _define(self, thing: Any, what: str, always: Tuple[Definition, ...]) -> Definition:
        packed = _pack(thing, what, "none")
        definition = Definition(packed.data, packed.has_code, always + self._needs(packed), packed.handles)
        if len(definition.input) > MAX_INPUT_BYTES:
            raise CannotSend(
                f"{what} has {len(definition.input)} bytes with all that it uses; at most {MAX_INPUT_BYTES} fit: give "
                f"it large data as an argument"
            )
        return definition

    def _needs(self, packed: _transfer.Packed) -> Tuple[Definition, ...]:
        with self._lock:
            modules = [made for made in map(self._module, sorted(packed.modules)) if made is not None]
            classes = [self._class(cls) for cls in sorted(packed.classes, key=_transfer.token_of)]
        return tuple(modules + classes)

    def _class(self, cls: type) -> Definition:
        known = self._classes.get(cls)
        if known is None:
            known = self._classes[cls] = self._define(_Whole(cls), f"the class {cls.__qualname__}", ())
        return known

    def _module(self, name: str) -> Optional[Definition]:
        known = self._modules.get(name)
        if known is None:
            sources = {each: _modules.source_of(each) for each in modules_with(name)}
            if not sources:
                return None
            packed = _pack(_Sources(sources), f"the module {name}", "none")
            known = self._modules[name] = Definition(packed.data, packed.has_code)
        return known


class _Called:
    """Pickles as the call of a function."""

    def __init__(self, function: Callable[..., Any], args: Tuple[Any, ...]):
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


class _Whole:
    """Pickles as a tuple of one class, so that the class itself is written whole."""

    def __init__(self, cls: type):
        self.cls = cls

    def __reduce__(self) -> Any:
        return tuple, ([self.cls],)


class _Sources:
    """Pickles as the addition of modules to those that can be imported."""

    def __init__(self, sources: Dict[str, Any]):
        self.sources = sources

    def __reduce__(self) -> Any:
        return _modules.add_sources_here, (self.sources,)


def _pack(obj: Any, what: str, named: str) -> _transfer.Packed:
    try:
        return _transfer.pack(obj, named)
    except Exception as error:
        raise CannotSend(explain(obj, what, error)) from error


def modules_with(name: str) -> List[str]:
    """A module that goes by its text, with those that it imports and that go so, too."""
    found: Set[str] = set()
    waiting = [name]
    while waiting:
        at = waiting.pop()
        if at in found or not _goes_by_source(at):
            continue
        found.add(at)
        package, _, _ = at.rpartition(".")
        if package:
            waiting.append(package)
        source = _modules.source_of(at)
        if source is not None:
            waiting.extend(_imported_by(source[0], at if source[2] else package))
    return sorted(found)


def _goes_by_source(name: str) -> bool:
    if name not in sys.modules:
        if not _can_be_found(name):
            return False
        try:
            importlib.import_module(name)  # an import inside of a function that was not called here yet
        except Exception:
            return False
    return _modules.place_of(name) == _modules.SOURCE


def _can_be_found(name: str) -> bool:
    top = name.partition(".")[0]
    if top in sys.modules and _modules.place_of(top) != _modules.SOURCE:
        return False
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return False
    return spec is not None and spec.origin is not None and _modules.is_local(spec.origin)


def _imported_by(text: str, package: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.module, node.level, package)
            if base is None:
                continue
            yield base
            for alias in node.names:
                yield f"{base}.{alias.name}"  # of a package it may be a module


def _absolute(module: Optional[str], level: int, package: str) -> Optional[str]:
    if level == 0:
        return module
    parts = package.split(".")
    if level > len(parts) or not package:
        return None
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{module}" if module else base
