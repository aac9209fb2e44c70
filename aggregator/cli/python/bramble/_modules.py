"""Where modules are: which ones a node has, and the text of those that it does not. Used on both sides."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import os
import site
import sys
import sysconfig
import types
from typing import Any, Dict, Optional, Tuple

REFERENCE, SOURCE, VALUE = "reference", "source", "value"  # how what is in a module goes to a node

@functools.lru_cache(maxsize=None)
def _installed_folders() -> Tuple[str, ...]:
    folders = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    if hasattr(site, "getsitepackages"):
        folders += site.getsitepackages()
        folders.append(site.getusersitepackages())
    return tuple(os.path.realpath(folder) + os.sep for folder in folders if folder)


def _is_installed(path: str) -> bool:
    real = os.path.realpath(path)
    return real.startswith(_installed_folders()) or f"{os.sep}dist-packages{os.sep}" in real


def is_local(path: str) -> bool:
    """A file of Python text that nodes will not have."""
    return path.endswith(".py") and not _is_installed(path)


_places: Dict[str, Tuple[Any, str]] = {}


def place_of(name: str) -> str:
    """How what is in the module `name` goes to a node."""
    module = sys.modules.get(name)
    known = _places.get(name)
    if known is None or known[0] is not module:
        known = _places[name] = (module, _look_up_place(name, module))
    return known[1]


def _look_up_place(name: str, module: Any) -> str:
    if name in ("__main__", "__mp_main__") or module is None:  # None: made by exec(), or gone
        return VALUE
    if name.partition(".")[0] == __name__.partition(".")[0] or name in sys.builtin_module_names:
        return REFERENCE
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return VALUE
    if spec.origin in ("built-in", "frozen"):
        return REFERENCE
    if isinstance(spec.loader, SourceFinder):
        return SOURCE
    if spec.origin is None:  # a package without __init__.py
        return REFERENCE if all(_is_installed(path) for path in module.__path__) else SOURCE
    return REFERENCE if _is_installed(spec.origin) or source_of(name) is None else SOURCE


def source_of(name: str) -> Optional[Tuple[str, str, bool]]:
    """(text, file name, is it a package) of an imported module."""
    module = sys.modules[name]
    spec = module.__spec__
    if spec is None:
        return None
    if spec.origin is None:
        return "", "", True
    read = getattr(spec.loader, "get_source", None)
    try:
        text = read(name) if read is not None else None
    except (ImportError, OSError):
        return None
    return None if text is None else (text, spec.origin, spec.submodule_search_locations is not None)


class SourceFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports modules whose text was sent."""

    def __init__(self) -> None:
        self.sources: Dict[str, Tuple[str, str, bool]] = {}

    def add(self, sources: Dict[str, Tuple[str, str, bool]]) -> None:
        """A module that is known with another text is imported anew when it is next asked for."""
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)
        for name, source in sources.items():
            if self.sources.get(name, source) != source:
                sys.modules.pop(name, None)
            self.sources[name] = source

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname not in self.sources:
            return None
        _, origin, is_package = self.sources[fullname]
        return importlib.machinery.ModuleSpec(fullname, self, origin=origin or None, is_package=is_package)

    def is_package(self, fullname: str) -> bool:
        return self.sources[fullname][2]

    def get_source(self, fullname: str) -> str:
        return self.sources[fullname][0]

    def exec_module(self, module: types.ModuleType) -> None:
        text, origin, _ = self.sources[module.__name__]
        if origin:
            module.__file__ = origin
        exec(compile(text, origin or module.__name__, "exec", dont_inherit=True), module.__dict__)


_finder = SourceFinder()


def add_sources_here(sources: Dict[str, Tuple[str, str, bool]]) -> None:
    _finder.add(sources)
