"""The resident process on a node that answers the calls of Python programs (agent/kernels/README.md has the frames).

It is carried by the job itself and needs nothing on the node but Python. An input is one of two:

    definition  what calls refer to: a function, a class, the text of modules. Kept under its key, read when first needed
    call        the key of its function, the keys of what must be read before its arguments, the arguments

Both begin with a byte of kind, a byte of flags, a key, and the number and keys of the definitions that are needed
before. Numbers have low bytes first. A result begins with a byte, too: R (4 bytes of microseconds that the call took, the
result), N (a definition is missing: this process is younger than the batch), or nothing follows it (a definition).
A call that fails is answered by a text for people, a zero byte, and the exception as a `Failure`.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import time
import traceback
from collections import OrderedDict
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from bramble import _modules, _transfer

DEFINITION, CALL = b"D"[0], b"C"[0]
RESULT, MISSING = b"R", b"N"
HAS_CODE = 1
KEY_BYTES = 16
HEAD = struct.Struct(f"<BB{KEY_BYTES}sH")
FRAME = struct.Struct("<II")  # length of what follows, number
REPLY = struct.Struct("<IIB")
MICROSECONDS = struct.Struct("<I")
MAX_BYTES = 16 << 20
MAX_KEPT_BYTES = 256 << 20  # of definitions
FLUSH_BYTES = 256 << 10
FLUSH_S = 0.005
MAX_CHAIN = 10

# (module and name, message lines, how it is linked to the one before, [(file, line, name, text)])
Link = Tuple[str, List[str], str, List[Tuple[str, int, str, str]]]


class Failure(NamedTuple):
    """What an exception looked like; the exception itself where it could be pickled."""

    exception: Optional[bytes]
    type_name: str
    message: str
    chain: List[Link]
    node: str


class Definition:
    """What was sent, and once it was needed, what it is."""

    def __init__(self, flags: int, needs: List[bytes], data: bytes):
        self.flags = flags
        self.needs = needs
        self.data = data
        self.is_read = False
        self.value: Any = None


class MissingDefinition(Exception):
    """The other side must send one again."""


class OtherPython(Exception):
    """Code of another version of Python than this one."""


class Kernel:
    """Answers inputs; knows nothing of frames."""

    def __init__(self, python: str, node: str):
        self.python = python  # whose code is sent
        self.node = node
        self.definitions: "OrderedDict[bytes, Definition]" = OrderedDict()
        self.kept_bytes = 0

    def answer(self, data: bytes) -> Tuple[int, bytes]:
        """(status, result) as they stand in a reply."""
        kind, flags, key, count = HEAD.unpack_from(data)
        begin = HEAD.size + KEY_BYTES * count
        needs = [data[at : at + KEY_BYTES] for at in range(HEAD.size, begin, KEY_BYTES)]
        if kind == DEFINITION:
            self.keep(key, Definition(flags, needs, data[begin:]))
            return 0, b""
        try:
            self.check_version(flags)
            function = self.read(key)
            for need in needs:
                self.read(need)
            args, kwargs = _transfer.unpack(memoryview(data)[begin:])
        except MissingDefinition:
            return 0, MISSING
        except OtherPython as error:
            return 1, f"{error}".encode() + b"\0"
        except ModuleNotFoundError as error:
            return 1, failure(error, self.node, f"the node {self.node} has no module {error.name}; install it there: ")
        except BaseException as error:
            return 1, failure(error, self.node, "cannot read what was sent: ")
        return self.call(function, args, kwargs)

    def call(self, function: Any, args: Any, kwargs: Any) -> Tuple[int, bytes]:
        began = time.perf_counter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:  # SystemExit, too: the kernel stays
            return 1, failure(error, self.node)
        took = MICROSECONDS.pack(min(int((time.perf_counter() - began) * 1e6), 0xFFFFFFFF))
        try:
            data = _transfer.pack(result, "received").data
        except BaseException as error:
            kind = type(result).__name__
            return 1, failure(error, self.node, f"the result is a {kind}, which cannot be sent back: ")
        if len(data) > MAX_BYTES - 64:
            text = f"the result has {len(data)} bytes; at most {MAX_BYTES} fit: return less, or return it in parts"
            return 1, failure(ValueError(text), self.node)
        return 0, RESULT + took + data

    def keep(self, key: bytes, definition: Definition) -> None:
        if key in self.definitions:
            self.definitions.move_to_end(key)
            return
        self.definitions[key] = definition
        self.kept_bytes += len(definition.data)
        while self.kept_bytes > MAX_KEPT_BYTES and len(self.definitions) > 1:
            _, oldest = self.definitions.popitem(last=False)
            self.kept_bytes -= len(oldest.data)

    def read(self, key: bytes) -> Any:
        definition = self.definitions.get(key)
        if definition is None:
            raise MissingDefinition
        if not definition.is_read:
            self.check_version(definition.flags)
            for need in definition.needs:
                self.read(need)
            definition.value = _transfer.unpack(definition.data)
            definition.is_read = True
        return definition.value

    def check_version(self, flags: int) -> None:
        here = python_name()
        if flags & HAS_CODE and here != self.python:
            raise OtherPython(
                f"the node {self.node} has {here} and the program that called has {self.python}: code is only good for "
                f"one of them. Install that one there, or keep the work on nodes that have it (on=...)"
            )


def python_name() -> str:
    """Code objects are good for those of the same name."""
    return f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}"


def failure(error: BaseException, node: str, prefix: str = "") -> bytes:
    """What a call that failed is answered."""
    chain = links_of(error)
    type_name, lines, _, _ = chain[0]
    message = prefix + "".join(lines).strip()
    try:
        exception: Optional[bytes] = _transfer.pack(error, "received").data if not prefix else None
    except BaseException:
        exception = None
    if exception is not None and len(exception) > MAX_BYTES // 2:
        exception = None
    told = Failure(exception, type_name, message[: MAX_BYTES // 64], chain, node)
    return message[:2000].encode("utf-8", "replace").replace(b"\0", b"?") + b"\0" + pickle.dumps(tuple(told), 4)


def links_of(error: BaseException) -> List[Link]:
    """The exception and those that it came of, the last one first."""
    links: List[Link] = []
    at: Optional[BaseException] = error
    how = ""
    while at is not None and len(links) < MAX_CHAIN:
        kind = type(at)
        frames = [
            (frame.filename, frame.lineno or 0, frame.name, frame.line or "")
            for frame in traceback.extract_tb(at.__traceback__, limit=-100)
            if frame.filename not in OWN_FILES
        ]
        lines = [line[:100_000] for line in traceback.format_exception_only(kind, at)]
        links.append((f"{kind.__module__}.{kind.__qualname__}", lines, how, frames))
        if at.__cause__ is not None:
            at, how = at.__cause__, "cause"
        elif at.__context__ is not None and not at.__suppress_context__:
            at, how = at.__context__, "context"
        else:
            at = None
    return links


OWN_FILES = (__file__, _transfer.__file__, _modules.__file__)


def serve(kernel: Kernel, source: int, sink: int) -> None:
    """Until the input ends. Replies go out together where calls are short."""
    received = bytearray()
    replies = bytearray()
    while True:
        got = os.read(source, 1 << 20)
        if not got:
            return
        received += got
        at = 0
        flushed = time.monotonic()
        while len(received) - at >= FRAME.size:
            length, number = FRAME.unpack_from(received, at)
            end = at + 4 + length
            if len(received) < end:
                break
            status, result = kernel.answer(bytes(memoryview(received)[at + FRAME.size : end]))
            replies += REPLY.pack(len(result) + 5, number, status)
            replies += result
            at = end
            if len(replies) > FLUSH_BYTES or time.monotonic() > flushed + FLUSH_S:
                flush(sink, replies)
                flushed = time.monotonic()
        del received[:at]
        flush(sink, replies)


def flush(sink: int, replies: bytearray) -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError, OSError):
            pass  # the called function's own doing
    view = memoryview(replies)
    written = 0
    while written < len(view):
        written += os.write(sink, view[written:])
    view.release()
    replies.clear()


def main() -> None:
    """Standard input and output are the frames': what is called finds an empty one and that of errors."""
    source, sink = os.dup(0), os.dup(1)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    try:
        import faulthandler

        faulthandler.enable()
    except (ImportError, RuntimeError, ValueError):
        pass
    sys.argv = [""]
    getattr(sys.stdout, "reconfigure")(line_buffering=True)
    serve(Kernel(os.environ.pop("BRAMBLE_PYTHON", ""), os.environ.get("BRAMBLE_NODE", "")), source, sink)
