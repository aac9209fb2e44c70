"""Virtual machines whose power hangs on lines of the head: a head, its nodes, and the rail between them.

Everything runs in a network namespace without a way out: enter() first.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
DISK_MIB = 64
SKIPPED = 77
RELAYS = {"17": "node1", "27": "node2"}  # the head's lines, and what they switch


def skip(why):
    print(f"skipped: {why}", file=sys.stderr)
    sys.exit(SKIPPED)


def enter():
    """Starts this program again in a network namespace of its own, where only the loopback interface is."""
    if os.environ.get("RIG_INSIDE") != "1":
        os.environ["RIG_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--map-root-user", "--net", sys.executable, *sys.argv])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        flags = 0x1 | 0x40  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", flags))  # SIOCSIFFLAGS


def wait_for(what, ready, limit_s=60):
    """What ready() returns once it is true."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.1)  # guests tell nobody
    raise AssertionError(f"not within {limit_s} s: {what}")


class Machine:
    """One guest. Its disk outlives a power cut."""

    def __init__(self, rig, number, name, initrd, memory_mib=256, ports=("shell",)):
        self.rig, self.number, self.name, self.initrd = rig, number, name, initrd
        self.memory_mib, self.ports = memory_mib, ports
        self.folder = rig.work / name
        self.folder.mkdir()
        self.process = None
        self.starts = 0
        self.shell = None
        disk = self.folder / "disk"
        with open(disk, "wb") as file:
            file.truncate(DISK_MIB << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", disk], check=True)

    @property
    def powered(self):
        return self.process is not None and self.process.poll() is None

    def power_on(self):
        if self.powered:
            return
        self.starts += 1
        self.rig.log(f"{self.name}: power on, start {self.starts}")
        with open(self.folder / "serial", "ab") as serial:
            self.process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=serial, stderr=serial, preexec_fn=_die_with_parent
            )

    def cut(self):
        if not self.powered:
            return
        self.rig.log(f"{self.name}: power cut")
        self.process.kill()
        self.process.wait()
        if self.shell is not None:
            self.shell.close()
        self.shell = None

    def hang(self):
        """As a kernel that hangs: it has power, and does nothing any more."""
        self.rig.log(f"{self.name}: hangs")
        self.process.send_signal(signal.SIGSTOP)

    def connect(self, port):
        """The host's end of one of its ports, as a file for lines."""
        path = str(self.folder / port)

        def attempt():
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
                return None

        with wait_for(f"port {port} of {self.name}", attempt) as sock:
            return sock.makefile("rw", newline="\n")

    def run(self, command):
        """Its status and what it printed."""
        if self.shell is None:
            wait_for(f"{self.name} is up", lambda: self.serial().count("rig: up") >= self.starts)
            self.shell = self.connect("shell")
        self.shell.write(command + "\n")
        self.shell.flush()
        lines = []
        for line in self.shell:
            if line.startswith("##status "):
                return int(line.split()[1]), "".join(lines).removesuffix("\n")
            lines.append(line)
        raise AssertionError(f"{self.name} went while it ran {command}")

    def serial(self):
        path = self.folder / "serial"
        return path.read_text(errors="replace") if path.exists() else ""

    def _command(self):
        command = ["qemu-system-x86_64", "-accel", "tcg,tb-size=128", "-cpu", "Nehalem", "-M", "q35"]
        command += ["-m", str(self.memory_mib), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        command += ["-kernel", str(self.rig.prepared / "vmlinux"), "-initrd", str(self.initrd), "-serial", "stdio"]
        command += ["-drive", f"file={self.folder}/disk,if=virtio,format=raw,cache=writethrough"]
        command += ["-device", "virtio-rng-pci", "-device", "virtio-serial-pci"]
        for port in self.ports:
            path = self.folder / port
            path.unlink(missing_ok=True)
            command += ["-chardev", f"socket,id={port},path={path},server=on,wait=off"]
            command += ["-device", f"virtserialport,chardev={port},name={port}"]
        command += ["-netdev", "socket,id=net,mcast=230.9.0.1:19999,localaddr=127.0.0.1"]
        command += ["-device", f"virtio-net-pci,netdev=net,mac=52:54:00:09:00:{self.number:02x}"]
        words = "console=ttyS0 panic=-1 quiet tsc=unstable 8250.nr_uarts=1 mitigations=off audit=0 net.ifnames=0"
        return [*command, "-append", f"{words} rig.name={self.name} rig.ip=10.9.0.{self.number}"]


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Rig:
    """A head and two nodes, their power on the head's lines 17 and 27."""

    def __init__(self, prepared, programs):
        if not (prepared / "version").exists():
            skip("the rig is not prepared: tests/rig/prepare.sh")
        for tool in ("qemu-system-x86_64", "mosquitto", "mke2fs", "unshare"):
            if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
                skip(f"{tool} is not installed")
        self.prepared = prepared
        self.began = time.monotonic()
        self.lock = threading.Lock()
        self.events = []  # (seconds, line, level): every level that the rail told, the first ones included
        self.work = Path(tempfile.mkdtemp(prefix="bramble-rig-"))
        bin_dir, rail = programs
        common = HERE / "guest" / "common.sh"
        head = self._initrd("head", bin_dir / "bramble-aggregator", bin_dir / "bramble", rail, "mosquitto", common)
        node = self._initrd("node", bin_dir / "bramble-agent", bin_dir / "bramble-warden", common)
        self.head = Machine(self, 1, "head", head, ports=("shell", "rail"))
        self.nodes = {name: Machine(self, 11 + i, name, node) for i, name in enumerate(RELAYS.values())}

    def now(self):
        return time.monotonic() - self.began

    def log(self, text):
        with self.lock:
            print(f"{self.now():7.2f} {text}", flush=True)

    def start(self):
        self.head.power_on()
        threading.Thread(target=self._follow_rail, args=(self.head.connect("rail"),), daemon=True).start()
        wait_for("the rail tells both lines", lambda: len(self.events) >= len(RELAYS))

    def stop(self):
        for machine in (*self.nodes.values(), self.head):
            machine.cut()
        if os.environ.get("RIG_KEEP") != "1":
            shutil.rmtree(self.work, ignore_errors=True)

    def _initrd(self, role, *files):
        found = [shutil.which(str(file), path=os.environ["PATH"] + ":/usr/sbin") or str(file) for file in files]
        out = self.work / f"{role}.initrd"
        subprocess.run([HERE / "make_initrd.sh", self.prepared, out, HERE / "guest" / role, *found], check=True)
        return out

    def _follow_rail(self, rail):
        for line in rail:
            number, level = line.split()
            self.log(f"rail: GPIO{number} ({RELAYS[number]}) is {level}")
            self.events.append((self.now(), number, level))
            node = self.nodes[RELAYS[number]]
            if level == "1":
                node.power_on()
            else:
                node.cut()
