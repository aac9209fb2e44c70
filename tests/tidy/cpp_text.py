"""What the tidy rules need to know about C++ text: code without comments and strings, includes, functions."""

import re
from dataclasses import dataclass

_OPAQUE = re.compile(
    r"""
      //[^\n]*                                        # a comment to the end of the line
    | /\*.*?\*/                                       # a comment of several lines
    | R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"    # a raw string
    | "(?:\\.|[^"\\\n])*"                             # a string
    | \b\d(?:'?[\w.])*                                # a number: its ' is no quote
    | '(?:\\.|[^'\\\n])+'                             # a character
    """,
    re.VERBOSE | re.DOTALL,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)', re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w+)")


@dataclass(frozen=True)
class Include:
    line: int
    path: str
    quoted: bool


@dataclass(frozen=True)
class Function:
    name: str
    first_line: int
    last_line: int

    @property
    def lines(self):
        return self.last_line - self.first_line + 1


def blank(text):
    """Replaces all but line ends by spaces, so that positions stay true."""
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """The text with comments, strings and characters blanked; numbers stay."""
    return _OPAQUE.sub(lambda match: match[0] if match[0][0].isdigit() else blank(match[0]), text)


def comments_only_blanked(text):
    """The text with comments blanked and strings kept: include lines need their quotes."""
    return _OPAQUE.sub(lambda match: blank(match[0]) if match[0].startswith(("//", "/*")) else match[0], text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def includes(text):
    text = comments_only_blanked(text)
    for match in _INCLUDE.finditer(text):
        yield Include(line_of(text, match.start()), match[1] or match[2], match[1] is not None)


def without_directives(code):
    """Blanks preprocessor lines, and of #if ... #else ... #endif all but the first branch, so that braces match."""
    kept = []
    in_other_branch = []  # one entry for each open #if
    continued = False
    for line in code.split("\n"):
        directive = _DIRECTIVE.match(line)
        word = directive[1] if directive and not continued else None
        if word in ("if", "ifdef", "ifndef"):
            in_other_branch.append(False)
        elif word in ("else", "elif") and in_other_branch:
            in_other_branch[-1] = True
        elif word == "endif" and in_other_branch:
            in_other_branch.pop()
        hidden = word is not None or continued or any(in_other_branch)
        kept.append(blank(line) if hidden else line)
        continued = (word is not None or continued) and line.endswith("\\")
    return "\n".join(kept)


def functions(text):
    """Every function defined in a namespace or a class; what is nested in its body counts to it."""
    code = without_directives(code_only(text))
    head_start = 0
    parentheses = 0
    position = 0
    while position < len(code):
        char = code[position]
        if char in "([":
            parentheses += 1
        elif char in ")]":
            parentheses -= 1
        elif parentheses == 0 and char in ";}":
            head_start = position + 1
        elif char == "{":
            position, head_start, function = _open_brace(code, head_start, position, parentheses)
            if function:
                yield function
        elif parentheses == 0 and char == ":" and re.search(r"\b(public|protected|private)\s*$", code[:position][-12:]):
            head_start = position + 1
        position += 1


def _open_brace(code, head_start, position, parentheses):
    """What the brace at position opens. Returns where to go on, where the next head starts, and a function or None."""
    head = code[head_start:position]
    kind = "value" if parentheses else _kind_of(head)
    if kind == "scope":  # a namespace or a class: look inside
        return position, position + 1, None
    end = _matching_brace(code, position)
    if kind == "value":  # a brace in the middle of a head or of a definition: x{1}, = {1, 2}
        return end, head_start, None
    first = head_start + len(head) - len(head.lstrip())
    return end, end + 1, Function(_name_of(head), line_of(code, first), line_of(code, end))


def _matching_brace(code, position):
    depth = 0
    for index in range(position, len(code)):
        if code[index] == "{":
            depth += 1
        elif code[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    return len(code) - 1


def _kind_of(head):
    """What a brace opens after this head, outside of functions: "scope", "function" or "value"."""
    head = _without_template(head).strip()
    head = re.sub(r"^(\[\[[^\]]*\]\]\s*)+", "", head)
    if re.match(r"(inline\s+)?namespace\b|extern$|(export\s+)?(class|struct|union|enum)\b", head):
        if "(" not in _without_groups(re.sub(r"\b(alignas|decltype|__attribute__)\s*\(", "", head)):
            return "scope"
    head = re.sub(r"\boperator\s*(\(\s*\)|[^\s(\w]+)", "operator", head)
    outline = _without_groups(head)
    if "()" not in outline or (re.search(r"(?<![=!<>])=(?!=)", outline) and not outline.rstrip().endswith(")")):
        return "value"
    starts_members = re.search(r"\)[^:?]*(?<!:):(?!:)", outline)
    if starts_members and re.search(r"[\w>]\s*$", head):  # Name() : member_{1}
        return "value"
    return "function"


def _without_template(head):
    """The head without leading template <...> and requires clauses in parentheses."""
    match = re.match(r"\s*template\s*<", head)
    if not match:
        return head
    depth = 1
    for index in range(match.end(), len(head)):
        depth += {"<": 1, ">": -1}.get(head[index], 0)
        if depth == 0:
            return _without_template(head[index + 1 :])
    return head


def _without_groups(head):
    """The head with everything between parentheses dropped: f(int a = 1) becomes f()."""
    outline, depth = [], 0
    for char in head:
        if char == ")":
            depth -= 1
        if depth == 0:
            outline.append(char)
        if char == "(":
            depth += 1
    return "".join(outline)


def _name_of(head):
    head = _without_template(head)
    match = re.search(r"((?:[\w:]+::)?operator\s*(?:\(\s*\)|[^(]+)|[~\w:]+)\s*\(", head)
    name = match[1] if match else "lambda"
    if name in ("TEST", "TEST_F", "TEST_P", "BENCHMARK_F"):
        return " ".join(head.split())
    return name
