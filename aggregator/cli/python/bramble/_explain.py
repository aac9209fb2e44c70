"""Why something cannot be pickled: finds the part, and says what to do about it."""

from __future__ import annotations

import types
from typing import Any, Iterator, Tuple

from . import _transfer

MAX_DEPTH = 6
MAX_PARTS = 1000  # that are looked at
ADVICE = {
    "lock": "make it inside of the function",
    "RLock": "make it inside of the function",
    "socket": "open it inside of the function",
    "generator": "make a list of it, or make it inside of the function",
    "Thread": "start it inside of the function",
    "module": "import it inside of the function",
    "Cluster": "only the program that has the cluster may use it: return what is to be done, and do it here",
    "Executor": "only the program that has the cluster may use it: return what is to be done, and do it here",
    "Pool": "only the program that has the cluster may use it: return what is to be done, and do it here",
    "Connection": "open it inside of the function",
}
FILES = ("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO")


def explain(obj: Any, what: str, error: BaseException) -> str:
    """One sentence. `what` names the whole."""
    path, culprit = _find(obj, what, 0, [MAX_PARTS])
    kind = type(culprit)
    advice = ADVICE.get(kind.__name__, "leave it out, or make it inside of the function")
    if kind.__name__ in FILES:
        advice = "hand over its name or its contents, and open it inside of the function"
    reason = str(error).strip() or type(error).__name__
    if isinstance(error, RecursionError):
        reason = "it is nested too deeply"
    return f"cannot send {path} to a node: {_named(culprit)} cannot be pickled ({reason}): {advice}"


def _named(thing: Any) -> str:
    kind = type(thing)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return f"a {name}"


def _find(obj: Any, path: str, depth: int, left: Any) -> Tuple[str, Any]:
    """The innermost part that fails by itself."""
    if depth < MAX_DEPTH and not _refuses(obj):
        for part, name in _parts(obj):
            left[0] -= 1
            if left[0] < 0:
                break
            if not _can_go(part):
                joined = f"{name} of {path}" if name else path
                return _find(part, joined, depth + 1, left)
    return path, obj


def _refuses(obj: Any) -> bool:
    """Says by itself that it cannot be pickled: its parts are not the reason."""
    kind = type(obj)
    return kind.__module__.startswith(__package__ + ".") and kind.__name__ in ("Cluster", "Executor", "Pool")


def _can_go(obj: Any) -> bool:
    try:
        _transfer.pack(obj, "none")
        return True
    except Exception:
        return False


def _parts(obj: Any) -> Iterator[Tuple[Any, str]]:
    if type(obj).__module__ == __package__ + "._sending":
        for part in obj.__reduce__()[1]:
            yield part, ""
        if hasattr(obj, "call"):
            yield obj.call[0], ""
    elif isinstance(obj, types.FunctionType):
        yield from ((value, f"the global '{name}'") for name, value in _transfer.globals_of(obj).items())
        for name, cell in zip(obj.__code__.co_freevars, obj.__closure__ or ()):
            if _transfer.is_full(cell):
                yield cell.cell_contents, f"the variable '{name}'"
        yield from ((value, "a default") for value in obj.__defaults__ or ())
        yield from ((value, f"the default of '{name}'") for name, value in (obj.__kwdefaults__ or {}).items())
    elif isinstance(obj, types.MethodType):
        yield obj.__self__, "the object"
    elif isinstance(obj, type):
        yield from ((value, f"'{name}'") for name, value in vars(obj).items() if not name.startswith("__"))
    elif isinstance(obj, dict):
        yield from ((value, f"[{key!r:.40}]") for key, value in obj.items())
    elif isinstance(obj, (list, tuple, set, frozenset)):
        yield from ((value, "") for value in obj)
    elif hasattr(obj, "__dict__") and not isinstance(obj, types.ModuleType):
        yield from ((value, f"the attribute '{name}'") for name, value in vars(obj).items())
