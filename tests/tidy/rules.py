"""The rules of the house. Each takes the tree and yields Finding(path, line, rule, message)."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import cpp_text

CODE_FOLDERS = ("agent", "aggregator", "common", "tests")
TOP_FOLDERS = (*CODE_FOLDERS, "cross-toolchains", "systemd")
CPP_SUFFIXES = (".c", ".cc", ".cpp", ".h", ".hpp")
TEXT_SUFFIXES = (*CPP_SUFFIXES, ".cmake", ".css", ".html", ".js", ".py", ".sh", ".sql")

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

# Which folders a folder may include besides itself. A folder that is not named here follows the longest name above it.
ALLOWED = {
    "common/base": (),
    "common/wire": ("common/base",),
    "common/posix": ("common/base", "common/wire"),
    "common/identity": ("common/base", "common/posix"),
    "common/learn": ("common/base",),
    "common/packing": ("common/base",),
    "common/mqtt": ("common/base", "common/wire", "common/posix"),
    "agent/core": ("common/base", "common/packing", "common/wire"),
    "agent/sensors": ("agent/core", "common/base", "common/wire", "common/posix"),
    "agent/runner": ("agent/core", "common/base", "common/wire", "common/posix", "common/identity"),
    "agent/warden": ("common/base", "common/wire", "common/posix"),
    "agent/kernels": ("common/base", "common/learn", "common/wire", "common/posix"),
    "agent": ("agent", "common/base", "common/wire", "common/posix", "common/identity", "common/mqtt"),
    "aggregator/core": ("common/base", "common/wire"),
    "aggregator/scheduler": ("aggregator/core", "common/base"),
    "aggregator/store": ("aggregator/core", "common/base", "common/wire", "common/posix"),
    "aggregator/power": ("aggregator/core", "common/base", "common/wire", "common/posix"),
    "aggregator/broker": ("aggregator/core", "common/base", "common/wire", "common/posix"),
    "aggregator/ca": ("aggregator/core", "common/base", "common/wire", "common/posix", "common/identity"),
    "aggregator/http": ("aggregator/core", "common/base", "common/wire", "common/posix"),
    "aggregator/cli": ("common/base", "common/learn", "common/wire", "common/posix"),
    "aggregator": ("aggregator", "common"),
    "common": (),
    "tests": ("agent", "aggregator", "common"),
}

# Folders that do no I/O, start no thread and read no clock: what they decide can be replayed.
PURE = ("common/base", "common/learn", "common/packing", "common/wire", "agent/core", "aggregator/core", "aggregator/scheduler")
IMPURE_INCLUDES = (
    (r"(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token|pthread\.h)", "threads"),
    (r"(fstream|filesystem|iostream|unistd\.h|fcntl\.h|dirent\.h|poll\.h|sys/.*|netinet/.*|arpa/.*)", "files and I/O"),
    (r"(ctime|time\.h)", "clocks"),
    (r"(csignal|signal\.h|spawn\.h)", "processes and signals"),
)
IMPURE_CALLS = (
    (r"\b(?:steady_clock|system_clock|high_resolution_clock)\s*::\s*now\b", "a clock"),
    (r"\b(?:clock_gettime|gettimeofday|localtime_r|localtime)\s*\(|(?:\bstd::|(?<!\w)::)time\s*\(", "a clock"),
    (r"\b(?:fopen|freopen|fread|fwrite|fprintf|printf|puts|fputs|tmpfile|popen)\s*\(", "files"),
    (r"\b(?:getenv|random_device)\b", "the world outside"),
)

# Libraries that one folder alone may see.
LIBRARY_HOMES = (
    (r"mqtt/.*|MQTT\w+\.h", "paho", ("common/mqtt",)),
    (r"sqlite3(ext)?\.h", "SQLite", ("aggregator/store", "tests")),
    (r"zstd.*\.h", "zstd", ("common/packing",)),
    (r"gpiod\.(h|hpp)|gpiodcxx/.*", "libgpiod", ("aggregator/power",)),
    (r"future", "<future>, which a Pi Zero does not have", ("aggregator", "tests/integration", "tests/unit/http")),
)


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class Tree:
    """The files below root, read once. Leaves out hidden folders, builds and the fixtures of these rules."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.folders = sorted(p.name for p in self.root.iterdir() if p.is_dir() and not _is_ignored(p.name))
        self.texts = {path: (self.root / path).read_text(errors="replace") for path in self._code_paths()}
        self.cpp = {path: text for path, text in self.texts.items() if path.endswith(CPP_SUFFIXES)}

    def _code_paths(self):
        for folder in (f for f in CODE_FOLDERS if f in self.folders):
            for path in sorted((self.root / folder).rglob("*")):
                name = path.relative_to(self.root).as_posix()
                if path.suffix in TEXT_SUFFIXES and path.is_file() and not name.startswith("tests/tidy/fixtures/"):
                    yield name


def _is_ignored(name):
    return name.startswith(".") or name == "build" or name.startswith("build-")


def _within(path, folder):
    return path == folder or path.startswith(folder + "/")


def _layer(path):
    """The entry of ALLOWED that a file follows."""
    return max((folder for folder in ALLOWED if _within(path, folder)), key=len, default=None)


def _resolve(tree, path, include):
    """The file of the tree that an include names, or None: from the root, from tests/ (for tests) or from beside."""
    bases = ["", "tests/"] if path.startswith("tests/") else [""]
    beside = path.rpartition("/")[0] + "/"
    for base in (*bases, beside) if include.quoted else bases:
        if base + include.path in tree.cpp:
            return base + include.path
    return None


def include_parent(tree):
    for path, text in tree.cpp.items():
        for include in cpp_text.includes(text):
            if ".." in include.path.split("/"):
                yield Finding(path, include.line, "include-parent", f'write "{include.path}" from the root of the tree')


def include_layer(tree):
    for path, text in tree.cpp.items():
        layer = _layer(path)
        for include in cpp_text.includes(text):
            target = _resolve(tree, path, include) or include.path
            if not any(_within(target, folder) for folder in TOP_FOLDERS) or _layer(target) == layer:
                continue
            if not any(_within(target, folder) for folder in ALLOWED[layer]):
                may = ", ".join(ALLOWED[layer]) or "nothing but itself"
                yield Finding(path, include.line, "include-layer", f'"{include.path}": {layer} may include {may}')


def include_cycle(tree):
    edges = {}
    for path, text in tree.cpp.items():
        targets = ((_resolve(tree, path, include), include.line) for include in cpp_text.includes(text))
        edges[path] = [(target, line) for target, line in targets if target]
    done = set()

    def visit(path, trail):
        if path in done:
            return
        for target, line in edges[path]:
            if target in trail:
                circle = " -> ".join((*trail[trail.index(target) :], target))
                yield Finding(path, line, "include-cycle", circle)
            else:
                yield from visit(target, (*trail, target))
        done.add(path)

    for path in edges:
        yield from visit(path, (path,))


def library_home(tree):
    for path, text in tree.cpp.items():
        for include in cpp_text.includes(text):
            for pattern, library, homes in LIBRARY_HOMES:
                ours = include.quoted and _resolve(tree, path, include)
                if re.fullmatch(pattern, include.path) and not ours and not any(_within(path, h) for h in homes):
                    yield Finding(path, include.line, "library-home", f"only {homes[0]} may include {library}")


def pure(tree):
    for path, text in tree.cpp.items():
        if not any(_within(path, folder) for folder in PURE):
            continue
        for include in cpp_text.includes(text):
            for pattern, what in IMPURE_INCLUDES:
                if not include.quoted and re.fullmatch(pattern, include.path):
                    yield Finding(path, include.line, "pure", f"<{include.path}> brings {what} into {_layer(path)}")
        code = cpp_text.code_only(text)
        for pattern, what in IMPURE_CALLS:
            for match in re.finditer(pattern, code):
                line = cpp_text.line_of(code, match.start())
                yield Finding(path, line, "pure", f"{match[0].strip('( ')} asks {what} in {_layer(path)}")


def long_file(tree, limit=MAX_FILE_LINES):
    for path, text in tree.texts.items():
        lines = text.count("\n")
        excuse = _excuse_lines(text, "long file")
        if lines > limit and not excuse:
            yield Finding(path, limit + 1, "long-file", f"{lines} lines, more than {limit}, and no stated reason")
        elif lines <= limit and excuse:
            yield Finding(path, excuse[0], "long-file", f"excused, but has only {lines} lines: take the excuse away")


def long_function(tree, limit=MAX_FUNCTION_LINES):
    for path, text in tree.cpp.items():
        excuses = set(_excuse_lines(text, "long function"))
        for function in cpp_text.functions(text):
            if function.lines <= limit:
                continue
            used = {line for line in excuses if function.first_line - 1 <= line <= function.last_line}
            excuses -= used
            if not used:
                message = f"{function.name} has {function.lines} lines, more than {limit}, and no stated reason"
                yield Finding(path, function.first_line, "long-function", message)
        for line in excuses:
            yield Finding(path, line, "long-function", "excused, but no long function begins or stands here")


def _excuse_lines(text, subject):
    """Lines that say "tidy: <subject>: <reason>" in a comment."""
    pattern = re.compile(rf"(?://|#|--|/?\*)\s*tidy: {subject}: \S")
    return [number for number, line in enumerate(text.split("\n"), 1) if pattern.search(line)]


def unbuilt_source(tree, compile_commands):
    """Sources that no target of the build compiles. `// tidy: unbuilt: <reason>` excuses one."""
    commands = Path(compile_commands)
    base = commands.resolve().parent
    built = {(base / entry["directory"] / entry["file"]).resolve() for entry in json.loads(commands.read_text())}
    for path, text in tree.cpp.items():
        if path.endswith((".c", ".cc", ".cpp")) and (tree.root / path).resolve() not in built:
            if not _excuse_lines(text, "unbuilt"):
                yield Finding(path, 1, "unbuilt-source", "no target builds this file: name it in a CMakeLists.txt")


def top_folder(tree):
    for name in tree.folders:
        if name not in TOP_FOLDERS:
            yield Finding(name, 1, "top-folder", f"the top folders are {', '.join(sorted(TOP_FOLDERS))}; add none")
