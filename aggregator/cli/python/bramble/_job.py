"""What a job of calls is submitted with: the kernel, carried by the job itself, and the words of its owner."""

from __future__ import annotations

import base64
import functools
import re
import sys
import zlib
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Union

from . import _kernel

RESULT_BYTES = 256 << 20  # of a batch
IDLE_MS = 60_000
SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
SHOWN_NAME_BYTES = 150

START = 'import os,zlib,base64;exec(zlib.decompress(base64.b85decode(os.environ.pop("BRAMBLE_KERNEL"))))'
# Its arguments are the Pythons to be tried. In the environment, for people see the command: the aggregator's texts know
# RUN by its letters, and show a job of it as "python: " and $0, which is the job's name.
FIND_PYTHON = (
    'unset BRAMBLE_RUN; for p in "$@"; do if command -v "$p" >/dev/null 2>&1; then '
    f"exec \"$p\" -c '{START}'; fi; done; "
    'echo "there is no python3 on this node: install it (apt install python3)" >&2; exit 127'
)
RUN = 'eval "$BRAMBLE_RUN"'
# Under the names that they have here, for pickles name them so.
LOAD = """
import sys, types
package = sys.modules["bramble"] = types.ModuleType("bramble")
package.__path__ = []
package.__doc__ = "on a node: the kernel's part alone"
for name, text in SOURCES:
    module = sys.modules["bramble." + name] = types.ModuleType("bramble." + name)
    module.__file__ = "bramble/" + name + ".py"
    setattr(package, name, module)
    exec(compile(text, module.__file__, "exec"), module.__dict__)
package._kernel.main()
"""


@functools.lru_cache(maxsize=None)
def carried_kernel() -> str:
    """The kernel's program as text for the environment."""
    folder = Path(__file__).parent
    sources = [(name, (folder / f"{name}.py").read_text("utf-8")) for name in ("_modules", "_transfer", "_kernel")]
    program = f"SOURCES = {sources!r}\n{LOAD}"
    return base64.b85encode(zlib.compress(program.encode(), 9)).decode()


def pythons() -> List[str]:
    """Those that a node shall try. This program's own, where it is a special one: a node may have it, too."""
    of_version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    own = sys.executable or ""
    is_special = own.startswith("/") and not own.startswith(("/usr/bin/", "/bin/"))
    return [own] * is_special + [of_version, "python3"]


def kernel_command(name: str) -> Dict[str, Any]:
    """`argv` and `env` that start the kernel. `name`: what people see of it."""
    env = {"BRAMBLE_RUN": FIND_PYTHON, "BRAMBLE_KERNEL": carried_kernel(), "BRAMBLE_PYTHON": _kernel.python_name()}
    return {"argv": ["sh", "-c", RUN, name, *pythons()], "env": env}


def bytes_in(size: Union[int, str]) -> int:
    """512, "512M", "1.5G"."""
    if isinstance(size, int):
        return size
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([KMG]?)(?:i?B)?", size.strip(), re.IGNORECASE)
    if found is None:
        raise ValueError(f"'{size}' is not a size: write a number of bytes, or 512K, 512M, 1.5G")
    return int(float(found[1]) * SIZE_UNITS[found[2].upper()])


def job_body(
    name: str,
    *,
    words: Mapping[str, Any],
    env: Mapping[str, str],
    call_limit_s: Optional[float],
    call_retries: int,
    max_running: int = 0,
) -> Dict[str, Any]:
    """`words`: of the submission (aggregator/http/README.md), besides those that are made here."""
    shown = name.encode("utf-8", "replace")[:SHOWN_NAME_BYTES].decode("utf-8", "ignore")
    body: Dict[str, Any] = kernel_command(shown)
    body["env"] = {**env, **body["env"]}
    body.update(words)
    body["name"] = shown
    body["per_task_input"] = True
    body["stdout_cap_bytes"] = RESULT_BYTES
    limit_ms = 0 if call_limit_s is None else max(1, int(call_limit_s * 1000))
    body["calls"] = {"limit_ms": limit_ms, "idle_ms": IDLE_MS, "retries": call_retries}
    if max_running > 0:
        body["max_running"] = max_running
    return body
