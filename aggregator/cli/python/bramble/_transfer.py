"""Python objects as bytes, also functions and classes that the other side does not have. Used on both sides.

The standard pickle names functions and classes by module; a node does not have the script that runs here. So a pickler
of our own decides by the module of a function or class how it goes (`_modules.py`):

    by reference   modules of the standard library and installed packages: the node has them, or says what is missing
    by source      modules next to the script: their text goes along, and the node imports that
    by value       __main__, notebooks: code, the globals it uses, closure, defaults

The last takes the code objects of one minor version of Python: `Packed.has_code` says that it does.
"""

from __future__ import annotations

import abc
import builtins
import dataclasses
import dis
import enum
import functools
import importlib
import io
import marshal
import os
import pickle
import sys
import types
import uuid
import weakref
from collections import OrderedDict
from typing import Any, Callable, Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Set, Tuple, TypeVar

from bramble._modules import SOURCE, VALUE, place_of

PROTOCOL = 5  # of Python 3.8


class Packed(NamedTuple):
    """An object as bytes, and what must be on the other side before they are read."""

    data: bytes
    modules: FrozenSet[str]  # by source
    classes: FrozenSet[type]  # by value, named here by their token only
    handles: "FrozenSet[Handle]"
    has_code: bool


class Handle:
    """Data that many calls use, made by Cluster.put(): in their arguments, and in what functions use, it stands for the
    data itself. It goes to a node once, as a file beside the kernel."""

    def __init__(self, name: str, packed: Packed, blob: Any):
        self._name = name
        self._packed = packed
        self._blob = blob

    def __repr__(self) -> str:
        return f"<Handle of {len(self._packed.data)} bytes>"


# ---------------------------------------------------------------------------------------------------------------------
# What the bytes call when they are read


def make_namespace(name: str) -> Dict[str, Any]:
    """The globals of functions of one module: those that came together share them."""
    return {"__name__": name, "__builtins__": builtins}


def make_cell() -> types.CellType:
    return types.CellType()


def make_function(code: bytes, namespace: Dict[str, Any], name: str, cells: Tuple[Any, ...]) -> types.FunctionType:
    """Empty at first, so that it may be met again in its own globals."""
    return types.FunctionType(marshal.loads(code), namespace, name, None, cells or None)


def fill_function(function: types.FunctionType, state: Dict[str, Any]) -> None:
    function.__globals__.update(state["globals"])
    for cell, value in state["cells"]:
        cell.cell_contents = value
    for name, value in state["attributes"].items():
        setattr(function, name, value)


def make_cached(maxsize: Optional[int], typed: bool) -> Any:
    """What functools.lru_cache makes, before it has its function."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return cached.__wrapped__(*args, **kwargs)

    cached: Any = functools.lru_cache(maxsize, typed)(call)
    return cached


def fill_cached(cached: Any, function: Callable[..., Any]) -> None:
    functools.update_wrapper(cached, function)


MAX_HELD_BYTES = 512 << 20  # of what handles stand for, as it was sent
_home = os.getcwd()  # of the kernel: what is called may go elsewhere
_held: "OrderedDict[str, Tuple[Any, int]]" = OrderedDict()


def load_data(name: str) -> Any:
    """What a handle stands for, read once in a process."""
    if name not in _held:
        with open(os.path.join(_home, name), "rb") as file:
            data = file.read()
        _held[name] = (unpack(data), len(data))
        while sum(size for _, size in _held.values()) > MAX_HELD_BYTES and len(_held) > 1:
            _held.popitem(last=False)
    _held.move_to_end(name)
    return _held[name][0]


# Classes that went by value, under names that hold across pickles and machines: an instance that comes later, or back,
# is one of the same class.
_classes: "weakref.WeakValueDictionary[str, type]" = weakref.WeakValueDictionary()
_tokens: "weakref.WeakKeyDictionary[type, str]" = weakref.WeakKeyDictionary()
_received: List[type] = []  # held, since an instance may come later


def token_of(cls: type) -> str:
    token = _tokens.get(cls)
    if token is None:
        token = uuid.uuid4().hex
        _remember(token, cls)
    return token


def _remember(token: str, cls: type) -> None:
    _tokens[cls] = token
    _classes[token] = cls


def class_by_token(token: str) -> type:
    cls = _classes.get(token)
    if cls is None:
        raise pickle.UnpicklingError("a class that went with it is not here any more")
    return cls


def make_class(token: str, metaclass: Any, name: str, bases: Tuple[Any, ...], namespace: Dict[str, Any]) -> type:
    known = _classes.get(token)
    if known is not None:
        return known
    made = types.new_class(name, bases, {"metaclass": metaclass}, lambda body: body.update(namespace))
    _received.append(made)
    _remember(token, made)
    return made


def make_enum(token: str, metaclass: Any, name: str, bases: Tuple[Any, ...], namespace: Dict[str, Any]) -> type:
    known = _classes.get(token)
    if known is not None:
        return known
    body = metaclass.__prepare__(name, bases)
    for key, value in namespace.items():
        body[key] = value
    made: type = metaclass(name, bases, body)
    _received.append(made)
    _remember(token, made)
    return made


def fill_class(cls: type, state: Dict[str, Any]) -> None:
    for name, value in state.items():
        type.__setattr__(cls, name, value)


# ---------------------------------------------------------------------------------------------------------------------
# The way out

_NOT_SENT = {"__dict__", "__weakref__", "__module__", "__qualname__", "_abc_impl", "__abstractmethods__", "__slots__"}
_ENUM_OWN = {
    "_generate_next_value_", "_member_names_", "_member_map_", "_member_type_", "_value2member_map_", "_new_member_",
    "_use_args_", "_unhashable_values_", "_hashable_values_", "_value_repr_", "_singles_mask_", "_flag_mask_",
    "_all_bits_", "_boundary_", "_inverted_", "__new__", "__new_member__", "__set_name__",
}  # fmt: skip
# Objects of the standard library that are told apart by identity.
_SENTINELS = {
    id(getattr(dataclasses, name)): name
    for name in ("MISSING", "KW_ONLY", "_FIELD", "_FIELD_CLASSVAR", "_FIELD_INITVAR", "_HAS_DEFAULT_FACTORY")
    if hasattr(dataclasses, name)
}
# Types of the language that no module has under their own name.
_HIDDEN_TYPES = {
    kind: name
    for name, kind in vars(types).items()
    if isinstance(kind, type) and kind.__module__ == "builtins" and not hasattr(builtins, kind.__name__)
}


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """It and the code of all that is defined inside."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


@functools.lru_cache(maxsize=1024)
def _names_in(code: types.CodeType) -> Tuple[FrozenSet[str], FrozenSet[str], FrozenSet[str]]:
    """Of code with all that is defined inside: the globals it asks for, all its names, the modules it imports."""
    asked: Set[str] = set()
    names: Set[str] = set()
    imports: Set[str] = set()
    for part in codes_in(code):
        names.update(part.co_names)
        for instruction in dis.get_instructions(part):
            if instruction.opname == "IMPORT_NAME":
                imports.add(instruction.argval)
            elif "GLOBAL" in instruction.opname or instruction.opname == "LOAD_NAME":
                asked.add(instruction.argval)
    return frozenset(asked), frozenset(names), frozenset(imports)


def globals_of(function: types.FunctionType) -> Dict[str, Any]:
    """Those that the function uses and that are there."""
    asked, _, _ = _names_in(function.__code__)
    return {name: function.__globals__[name] for name in sorted(asked) if name in function.__globals__}


def _submodules_used(value: Any, function: types.FunctionType) -> Iterator[str]:
    """Of a package among the globals: what was imported of it by `import package.module`."""
    if not (isinstance(value, types.ModuleType) and hasattr(value, "__path__")):
        return
    prefix = value.__name__ + "."
    _, names, _ = _names_in(function.__code__)
    for name in list(sys.modules):
        if name.startswith(prefix) and set(name[len(prefix) :].split(".")) <= names:
            yield name


class _Namespace:
    """Stands for the globals of a module in one pickle."""

    def __init__(self, name: str):
        self.name = name


class Pickler(pickle.Pickler):
    """`named`: which of the classes that go by value are in the bytes by their token only: none, all (they are told in
    `classes`), or those that the other side has sent (received)."""

    def __init__(self, file: Any, named: str):
        super().__init__(file, PROTOCOL)
        self.named = named
        self.modules: Set[str] = set()
        self.classes: Set[type] = set()
        self.handles: Set[Handle] = set()
        self.has_code = False
        self._namespaces: Dict[int, _Namespace] = {}

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is types.FunctionType:
            return self._reduce_function(obj) if self._goes_by_value(obj) else NotImplemented
        if isinstance(obj, type):
            if obj in _HIDDEN_TYPES:
                return getattr, (types, _HIDDEN_TYPES[obj])
            return self._reduce_class(obj) if self._goes_by_value(obj) else NotImplemented
        if kind is types.ModuleType:
            return self._reduce_module(obj)
        if kind is types.CellType:
            return make_cell, ()  # its function fills it
        if kind is _Namespace:
            return make_namespace, (obj.name,)
        if kind is functools._lru_cache_wrapper and self._goes_by_value(obj):
            parameters = obj.cache_parameters()
            made = (parameters["maxsize"], parameters["typed"])
            return make_cached, made, obj.__wrapped__, None, None, fill_cached
        return self._reduce_other(obj, kind)

    def _reduce_handle(self, handle: Handle) -> Any:
        packed = handle._packed
        self.handles.add(handle)
        self.modules.update(packed.modules)
        self.has_code = self.has_code or packed.has_code
        return load_data, (handle._name,)

    def _reduce_other(self, obj: Any, kind: type) -> Any:
        if kind is Handle:
            return self._reduce_handle(obj)
        if id(obj) in _SENTINELS:
            return getattr, (dataclasses, _SENTINELS[id(obj)])
        if kind is property:
            return property, (obj.fget, obj.fset, obj.fdel, obj.__doc__)
        if kind in (staticmethod, classmethod):
            return kind, (obj.__func__,)
        if kind is types.MappingProxyType:
            return types.MappingProxyType, (dict(obj),)
        if kind is TypeVar and place_of(obj.__module__) == VALUE:
            return TypeVar, (obj.__name__,)
        return NotImplemented

    def _goes_by_value(self, obj: Any) -> bool:
        name = getattr(obj, "__module__", None)
        if name is None:
            name = "__main__" if type(obj) is types.FunctionType else "builtins"
        place = place_of(name)
        if place == VALUE:
            return True
        # What was made inside of a function, or by another one, cannot be found by its name there, either.
        if not _is_found(obj, name):
            return type(obj) is types.FunctionType or place == SOURCE
        if place == SOURCE:
            self.modules.add(name)
        return False

    def _reduce_module(self, module: types.ModuleType) -> Any:
        name = module.__name__
        place = place_of(name)
        if place == VALUE:
            raise pickle.PicklingError(f"the module {name} is in no file that could be sent")
        if place == SOURCE:
            self.modules.add(name)
        return importlib.import_module, (name,)

    def _reduce_function(self, function: types.FunctionType) -> Any:
        self.has_code = True
        used = globals_of(function)
        _, _, imports = _names_in(function.__code__)
        self.modules.update(name for name in imports if name not in sys.modules or place_of(name) == SOURCE)
        submodules = [sys.modules[name] for value in used.values() for name in _submodules_used(value, function)]
        module = function.__module__ or "__main__"
        namespace = self._namespaces.setdefault(id(function.__globals__), _Namespace(module))
        cells = function.__closure__ or ()
        kept = ("__qualname__", "__doc__", "__defaults__", "__kwdefaults__")
        attributes = {"__module__": module, **{name: getattr(function, name) for name in kept}, **function.__dict__}
        state = {
            "globals": used,
            "cells": [(cell, cell.cell_contents) for cell in cells if is_full(cell)],
            "attributes": attributes,
            "submodules": submodules,
        }
        made = (marshal.dumps(function.__code__), namespace, function.__name__, cells)
        return make_function, made, state, None, None, fill_function

    def _reduce_class(self, cls: type) -> Any:
        if self.named == "all":
            self.classes.add(cls)
        if self.named == "all" or (self.named == "received" and cls in _received):
            return class_by_token, (token_of(cls),)
        is_enum = isinstance(cls, enum.EnumMeta)
        namespace: Dict[str, Any] = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        slots = cls.__dict__.get("__slots__")
        if slots is not None:
            namespace["__slots__"] = slots
        left_out = set(_NOT_SENT) | set([slots] if isinstance(slots, str) else slots or ())
        if is_enum:
            members = cls.__members__  # type: ignore[attr-defined]
            namespace.update((name, member._value_) for name, member in members.items())
            left_out |= _ENUM_OWN | set(members)
        state = {name: value for name, value in cls.__dict__.items() if name not in left_out}
        if isinstance(cls, abc.ABCMeta):
            state["__abstractmethods__"] = getattr(cls, "__abstractmethods__", frozenset())
        made = (token_of(cls), type(cls), cls.__name__, cls.__bases__, namespace)
        return make_enum if is_enum else make_class, made, state, None, None, fill_class


def is_full(cell: Any) -> bool:
    try:
        cell.cell_contents
    except ValueError:
        return False
    return True


def _is_found(obj: Any, name: str) -> bool:
    found: Any = sys.modules.get(name)
    for part in getattr(obj, "__qualname__", "").split("."):
        found = getattr(found, part, None)
    return found is obj


def pack(obj: Any, named: str) -> Packed:
    """`obj` as bytes. Raises what pickle raises: TypeError, PicklingError, AttributeError, RecursionError..."""
    file = io.BytesIO()
    pickler = Pickler(file, named)
    pickler.dump(obj)
    met = (frozenset(pickler.modules), frozenset(pickler.classes), frozenset(pickler.handles))
    return Packed(file.getvalue(), *met, pickler.has_code)


unpack = pickle.loads
