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
ANSWER_LIMIT_S = 300
RELAYS = {"17": "node1", "27": "node2"}  # the head's lines, and what they switch
HALT_SENSE = {"node1": "22"}  # the head's lines that hear it, by node


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


def wait_for(what, ready, limit_s=120):
    """What ready() returns once it is true."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.1)  # guests tell nobody
    raise AssertionError(f"not within {limit_s} s: {what}")


class Machine:
    """One guest, and what can befall it. Its disk outlives a power cut."""

    def __init__(self, rig, number, name, initrd, words="", ports=("shell",)):
        self.rig, self.number, self.name, self.initrd = rig, number, name, initrd
        self.words, self.ports = words, ports
        self.folder = rig.work / name
        self.folder.mkdir()
        self.lock = threading.RLock()  # the rail's thread switches it, too
        self.process = None
        self.has_power = False
        self.starts = 0  # how often it was given power
        self.boots_before = 0  # that its serial line told of before this one
        self.ends = []  # (seconds, "halted" or "cut"): how its machine stopped running
        self.boots_never = False  # it gets power, and nothing comes of it
        self.relay_sticks = False  # its line falls, and it keeps its power
        self.hung = False
        self.shell = None
        disk = self.folder / "disk"
        with open(disk, "wb") as file:
            file.truncate(DISK_MIB << 20)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-F", disk], check=True)

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def power_on(self):
        with self.lock:
            if self.has_power:
                return
            self.has_power = True
            self.hung = False
            self.starts += 1
            self.rig.log(f"{self.name}: power on, start {self.starts}")
            if not self.boots_never:
                self._boot()

    def _boot(self):
        self.boots_before = self._boots()
        with open(self.folder / "serial", "ab") as serial:
            self.process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=serial, stderr=serial, preexec_fn=_die_with_parent
            )
        threading.Thread(target=self._wait_for_halt, args=(self.process,), daemon=True).start()

    def _wait_for_halt(self, process):
        """As a Pi that has halted: its machine has ended, and it has power still."""
        process.wait()
        with self.lock:
            if process is not self.process:
                return
            self._note_end("halted")
            self.process = None
        self.rig.tell_halted(self, True)

    def _note_end(self, how):
        self.ends.append((self.rig.now(), how))
        self.rig.log(f"{self.name}: {how}")
        self.shell = None

    def cut(self):
        with self.lock:
            if not self.has_power:
                return
            self.has_power = False
            process, self.process = self.process, None
            if process is None:
                self.rig.log(f"{self.name}: its power goes, and it did not run")
            else:
                process.kill()
                process.wait()
                self._note_end("cut")
        self.rig.tell_halted(self, False)

    def hang(self):
        """As a kernel that hangs: it has power, and does nothing any more."""
        self.rig.log(f"{self.name}: hangs")
        self.hung = True
        self.process.send_signal(signal.SIGSTOP)

    def wake(self):
        self.rig.log(f"{self.name}: goes on")
        self.hung = False
        self.process.send_signal(signal.SIGCONT)

    def boot_again(self, command):
        """By itself: it keeps its power, and command boots it."""
        self.rig.log(f"{self.name}: {command}")
        self.run("true")
        self.boots_before = self._boots()
        self.run(f"(usleep 200000; {command}) >/dev/null 2>&1 &")
        self.shell = None

    def _boots(self):
        return self.serial().count("rig: up")

    def connect(self, port):
        """The host's end of one of its ports."""
        path = str(self.folder / port)

        def attempt():
            sock = socket.socket(socket.AF_UNIX)
            try:
                sock.connect(path)
                return sock
            except OSError:
                sock.close()
                return None

        return wait_for(f"port {port} of {self.name}", attempt)

    def run(self, command):
        """Its status and what it printed."""
        if self.shell is None:
            wait_for(f"{self.name} is up", lambda: self._boots() > self.boots_before)
            with self.connect("shell") as sock:
                sock.settimeout(ANSWER_LIMIT_S)
                self.shell = sock.makefile("rw", newline="\n")
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
        command += ["-m", "256", "-nodefaults", "-no-user-config", "-display", "none"]
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
        return [*command, "-append", f"{words} rig.name={self.name} rig.ip=10.9.0.{self.number} {self.words}"]


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Rig:
    """A head and two nodes, their power on the head's lines. The head hears on a line of its own when node1 has halted.

    chip: "gpio-sim", or "expander" (then nobody hears that a node has halted). slots: of a node.
    """

    def __init__(self, prepared, programs, chip="gpio-sim", slots=1):
        if not (prepared / "version").exists():
            skip("the rig is not prepared: ./bootstrap rig prepares it and runs it all; or run tests/rig/prepare.sh once")
        for tool in ("qemu-system-x86_64", "mosquitto", "mke2fs", "unshare"):
            if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
                skip(f"{tool} is not installed")
        self.prepared, self.chip = prepared, chip
        self.began = time.monotonic()
        self.lock = threading.Lock()
        self.events = []  # (seconds, node, level, the head's seconds): every level that the rail told, also the first
        self.rail = None
        self.work = Path(tempfile.mkdtemp(prefix="bramble-rig-"))
        bin_dir, rail = programs
        guest = HERE / "guest"
        head = self._initrd(
            "head", bin_dir / "bramble-aggregator", bin_dir / "bramble", rail, "mosquitto", guest / "common.sh"
        )
        halt = HERE.parent.parent / "systemd" / "bramble-halt"
        node = self._initrd(
            "node", bin_dir / "bramble-agent", bin_dir / "bramble-warden", guest / "common.sh", guest / "systemctl", halt
        )
        self.head = Machine(self, 1, "head", head, f"rig.chip={chip}", ports=("shell", "rail"))
        self.nodes = {
            name: Machine(self, 11 + i, name, node, f"rig.slots={slots}") for i, name in enumerate(RELAYS.values())
        }

    def now(self):
        return time.monotonic() - self.began

    def log(self, text):
        with self.lock:
            line = f"{self.now():7.2f} {text}"
            print(line, flush=True)
            with open(self.work / "log", "a", encoding="utf-8") as log:
                log.write(line + "\n")

    def start(self):
        self.head.power_on()
        self.rail = self.head.connect("rail")
        threading.Thread(target=self._follow_rail, daemon=True).start()
        wait_for("the rail tells both lines", lambda: len(self.events) >= len(RELAYS))

    def stop(self, keep_logs=False):
        for machine in (*self.nodes.values(), self.head):
            machine.cut()
        if os.environ.get("RIG_KEEP") == "1":
            return
        if not keep_logs:
            shutil.rmtree(self.work, ignore_errors=True)
            return
        for big in (*self.work.glob("*/disk"), *self.work.glob("*.initrd")):
            big.unlink()

    def tell_halted(self, machine, halted):
        number = HALT_SENSE.get(machine.name)
        if number is None or self.chip != "gpio-sim" or not self.head.runs:
            return
        self.rail.sendall(f"{number} {int(halted)}\n".encode())

    def _initrd(self, role, *files):
        found = [shutil.which(str(file), path=os.environ["PATH"] + ":/usr/sbin") or str(file) for file in files]
        out = self.work / f"{role}.initrd"
        subprocess.run([HERE / "make_initrd.sh", self.prepared, out, HERE / "guest" / role, *found], check=True)
        return out

    def _follow_rail(self):
        for line in self.rail.makefile("r"):
            number, level, head_ms = line.split()
            node = self.nodes[RELAYS[number]]
            self.events.append((self.now(), node.name, level, int(head_ms) / 1000))
            self.log(f"rail: GPIO{number} ({node.name}) is {level}{', and its relay sticks' * node.relay_sticks}")
            if level == "1":
                node.power_on()
            elif not node.relay_sticks:
                node.cut()
