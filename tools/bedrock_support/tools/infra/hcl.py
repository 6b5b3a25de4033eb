"""Terraform's language (HCL native syntax specification) as values with line numbers; expressions aren't run.

Written for hostile files: one pass, bounded depth and size. A template or call that isn't a plain value is Unknown,
with the references in it; jsonencode and the usual wrappers give what they wrap.
"""

from __future__ import annotations

import re
from typing import Any

from bedrock_support.tools.infra.model import Block, Ref, Unknown, Unreadable

MOST_DEPTH = 48
MOST_TOKENS = 200_000
_TOKEN = re.compile(
    r"""(?P<skip>[ \t\r]+|\#[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<line>\n)
    |(?P<heredoc><<-?[ \t]*(?P<mark>[A-Za-z_][\w-]*)[ \t]*\r?\n)
    |(?P<quote>")
    |(?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_][\w-]*)
    |(?P<sign>=>|==|!=|<=|>=|&&|\|\||\.\.\.|[-+*/%!<>?:=,.{}()\[\]])""",
    re.VERBOSE | re.DOTALL,
)
_PATH = re.compile(r"(?<![\w.\"-])((?:data\.)?[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*|\[[^\[\]\n]{0,80}\])+)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\"}
_OPEN, _CLOSED = "{([", "})]"
_TRANSPARENT = frozenset({"jsonencode", "toset", "tolist", "tomap", "tostring", "tonumber", "tobool", "sensitive"})
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}

Token = tuple[str, Any, int, int]
"""Sort, value, line, place in the text."""


def tokens(text: str) -> list[Token]:
    """The words of a file. Raises Unreadable."""
    found: list[Token] = []
    place, line = 0, 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise Unreadable(f"line {line}: no Terraform")
        if len(found) > MOST_TOKENS:
            raise Unreadable(f"more than {MOST_TOKENS} words")
        sort, start, here = str(match.lastgroup), place, line
        value: Any = match[0]
        place = match.end()
        if match["quote"]:
            value, place = _quoted(text, place, line)
            sort = "text"
        elif match["heredoc"]:
            value, place = _heredoc(text, place, match["mark"], line)
            sort = "text"
        line += text.count("\n", start, place)
        if sort != "skip":
            found.append((sort, value, here, start))
    found.append(("end", "", line, len(text)))
    return found


def _quoted(text: str, place: int, line: int) -> tuple[str, int]:
    """A string from behind its quote; what stands in ${...} may hold quotes of its own."""
    parts: list[str] = []
    depth = 0
    while place < len(text):
        sign = text[place]
        if sign == "\\" and place + 1 < len(text):
            parts.append(_ESCAPES.get(text[place + 1], text[place : place + 2]))
            place += 2
            continue
        if depth == 0 and sign == '"':
            return "".join(parts), place + 1
        if sign == "\n" and depth == 0:
            break
        if text.startswith(("${", "%{"), place) and text[place - 1] != sign:
            depth += 1
            parts.append(text[place : place + 2])
            place += 2
            continue
        if depth and sign in "{}":
            depth += 1 if sign == "{" else -1
        parts.append(sign)
        place += 1
    raise Unreadable(f"line {line}: a string without an end")


def _heredoc(text: str, place: int, mark: str, line: int) -> tuple[str, int]:
    end = re.compile(rf"^[ \t]*{re.escape(mark)}[ \t]*\r?$", re.MULTILINE).search(text, place)
    if end is None:
        raise Unreadable(f"line {line}: a text without its {mark[:40]}")
    return text[place : end.start()], end.end()


def paths(text: str) -> list[Ref]:
    """The references in an expression: aws_x.name.attribute, module.x.y, data.a.b.c; var.x and local.x too."""
    found: list[Ref] = []
    for match in _PATH.finditer(text[:20_000]):
        parts = [part for part in re.split(r"\.|\[[^\]]*\]", match[1]) if part]
        size = 3 if parts[0] == "data" else 2
        if len(parts) >= size and parts[0] not in ("each", "count", "self", "path", "terraform"):
            found.append(Ref(".".join(parts[:size]), ".".join(parts[size:])))
    return found


class Reader:
    """One file's tokens as nested Blocks: blocks are lists of Blocks under their type, labels in `__labels__`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._next = 0

    def body(self, depth: int = 0, *, line: int = 1) -> Block:
        """Attributes and blocks up to the closing brace or the end. Raises Unreadable."""
        if depth > MOST_DEPTH:
            raise Unreadable(f"nested deeper than {MOST_DEPTH}")
        made = Block(line)
        while True:
            self._lines()
            sort, value, here, _ = self._take()
            if sort == "end" or value == "}":
                if (sort == "end") != (depth == 0):
                    raise Unreadable(f"line {here}: braces don't match")
                return made
            if sort not in ("name", "text"):
                raise Unreadable(f"line {here}: no Terraform")
            if self._peek()[1] == "=" and self._peek()[0] == "sign":
                self._next += 1
                made.put(str(value), self.expression(depth + 1), here)
            else:
                self._block(made, str(value), here, depth)

    def _block(self, around: Block, name: str, line: int, depth: int) -> None:
        labels: list[str] = []
        while self._peek()[0] in ("name", "text"):
            labels.append(str(self._take()[1]))
        if self._take()[1] != "{":
            raise Unreadable(f"line {line}: neither a block nor an attribute")
        inner = self.body(depth + 1, line=line)
        if labels:
            inner["__labels__"] = labels
        if name == "dynamic" and labels and isinstance(inner.get("content"), list):
            # What a dynamic block makes is like its content, however often.
            name, inner = labels[0], inner["content"][0]
        if not isinstance(around.get(name), list):
            around.put(name, [], line)
        around[name].append(inner)

    def expression(self, depth: int) -> Any:
        """One value; anything but a literal, list, object, reference or wrapper is Unknown. Raises Unreadable."""
        if depth > MOST_DEPTH:
            raise Unreadable(f"nested deeper than {MOST_DEPTH}")
        start = self._next
        value = self._simple(depth)
        if self._ends():
            return value
        return self._rest(start)

    def _simple(self, depth: int) -> Any:
        sort, value, line, _ = self._take()
        if sort == "text":
            return _template(str(value))
        if sort == "number":
            return float(value) if any(sign in value for sign in ".eE") else int(value[:30])
        if value == "-" and self._peek()[0] == "number":
            return -float(self._take()[1])
        if value == "[":
            return self._list(depth)
        if value == "{":
            return self._object(depth, line)
        if sort == "name":
            return self._named(str(value), depth)
        return None

    def _named(self, name: str, depth: int) -> Any:
        if name in _WORDS:
            return _WORDS[name]
        if self._peek()[1] == "(" and name in _TRANSPARENT:
            self._next += 1
            self._lines()
            value = self.expression(depth + 1)
            self._lines()
            if self._peek()[1] == ")":
                self._next += 1
            return value
        start = self._next - 1
        while self._peek()[1] in (".", "[") or (self._peek()[0] == "name" and self._tokens[self._next - 1][1] == "."):
            if self._take()[1] == "[":
                self._skip_to_closed()
        text = self._between(start)
        found = paths(text)
        return found[0] if len(found) == 1 else Unknown(text[:300], tuple(found))

    def _list(self, depth: int) -> list[Any]:
        made: list[Any] = []
        while True:
            self._lines()
            if self._peek()[1] == "]" or self._peek()[0] == "end":
                self._take()
                return made
            before = self._next
            made.append(self.expression(depth + 1))
            self._lines()
            if self._peek()[1] == ",":
                self._next += 1
            elif self._next == before:
                raise Unreadable(f"line {self._peek()[2]}: no Terraform")

    def _object(self, depth: int, line: int) -> Block:
        made = Block(line)
        while True:
            self._lines()
            sort, key, here, _ = self._take()
            if key == "}" or sort == "end":
                return made
            if key == "(":
                self._skip_to_closed()
            self._lines()
            if self._peek()[1] in ("=", ":"):
                self._next += 1
                self._lines()
                made.put(str(key), self.expression(depth + 1), here)
            if self._peek()[1] == ",":
                self._next += 1

    def _rest(self, start: int) -> Unknown:
        """What goes on as an operation: skipped to where the value ends, with its references."""
        self._next = start
        while not self._ends():
            if self._take()[1] in ("{", "(", "["):
                self._skip_to_closed()
        text = self._between(start)
        return Unknown(text[:2_000], tuple(paths(text)))

    def _skip_to_closed(self) -> None:
        depth = 1
        while depth and self._peek()[0] != "end":
            sort, value, *_ = self._take()
            if sort == "sign":
                depth += (value in _OPEN) - (value in _CLOSED)

    def _ends(self) -> bool:
        sort, value, *_ = self._peek()
        return sort in ("line", "end") or (sort == "sign" and value in (",", "]", "}", ")"))

    def _between(self, start: int) -> str:
        return self._text[self._tokens[start][3] : self._peek()[3]].strip()

    def _lines(self) -> None:
        while self._peek()[0] == "line":
            self._next += 1

    def _peek(self) -> Token:
        return self._tokens[min(self._next, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._peek()
        if token[0] != "end":
            self._next += 1
        return token


def _template(text: str) -> Any:
    """A string; one that is a single ${reference} is the reference, one with several in it is Unknown."""
    if "${" not in text.replace("$${", ""):
        return text
    found = paths(" ".join(re.findall(r"\$\{([^{}]*)\}", text)))
    alone = re.fullmatch(r"\$\{([^{}]*)\}", text)
    if (
        alone
        and len(found) == 1
        and paths(alone[1].strip()) == found
        and re.fullmatch(r"[\w.\[\]\"*-]+", alone[1].strip())
    ):
        return found[0]
    return Unknown(text[:20_000], tuple(found))
