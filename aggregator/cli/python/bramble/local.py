"""A cluster on this machine, as a child of this program."""

from __future__ import annotations

import os
import shutil
import subprocess
import weakref

from .errors import BrambleError

END_S = 30.0
# Ends when its standard input does, that is, with this program, whatever becomes of it.
TELL_AND_WAIT = 'printf "%s\\n" "$BRAMBLE_URL"; exec cat >/dev/null'


class LocalCluster:
    """`bramble local`; `url` is where it is."""

    def __init__(self, agents: int, slots: int = 0, directory: str = "", program: str = "bramble"):
        found = shutil.which(program)
        if found is None:
            raise BrambleError(
                f"there is no program '{program}' in PATH: install the packages bramble, bramble-aggregator and "
                f"bramble-agent, or add the folder where they were built to PATH"
            )
        command = [found, "local", "--agents", str(agents)]
        if slots > 0:
            command += ["--slots", str(slots)]
        if directory:
            command += ["--dir", directory]
        self._child = subprocess.Popen(
            command + ["--", "sh", "-c", TELL_AND_WAIT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is this program's: it may have something to say to the cluster yet
        )
        self._end = weakref.finalize(self, _end, self._child)
        assert self._child.stdout is not None
        self.url = os.fsdecode(self._child.stdout.readline()).strip()
        if not self.url:
            status = self._child.wait()
            raise BrambleError(f"bramble local did not start (status {status}): what it said stands above")

    def close(self) -> None:
        """Ends it."""
        self._end()


def _end(child: "subprocess.Popen[bytes]") -> None:
    assert child.stdin is not None and child.stdout is not None
    child.stdin.close()
    try:
        child.wait(END_S)
    except subprocess.TimeoutExpired:
        child.terminate()
        child.wait()
    child.stdout.close()
