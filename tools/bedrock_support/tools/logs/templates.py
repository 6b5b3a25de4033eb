"""The template miner: lines that say the same with other values become one template (a small Drain with good masks)."""

from __future__ import annotations

import re
from operator import eq

from bedrock_support.tools.logs.outlines import Outlines
from bedrock_support.tools.logs.records import FRAME, TRACE_START, body, mask, stack_of
from bedrock_support.tools.logs.severity import (
    INFO,
    LOW,
    MEDIUM,
    NAMES,
    RULES,
    Verdict,
    judge_line,
    level_of,
    mark_codes,
    rules_in,
)
from bedrock_support.tools.logs.unmasked import Unmasked
from bedrock_support.tools.logs.variants import WILD, Shape, Template

_DOTTED = re.compile(rb"[^.]\.[^.]+\.[^.]")
CONTINUES, IN_FRAME, BLANK = -1, -2, -3
"""Numbers of lines that belong to the record before them, are frames of a stack trace, or say nothing."""
MAX_TEMPLATES = 1_500
_MAX_TOKENS = 48
_MAX_SIBLINGS = 32
_MAX_BRANCHES = 64
_CACHED_BYTES = 12 << 20
_CACHED_LINES = 40_000
_MANY = 100
"""From so many judged lines of a block on, it pays to see which words of trouble are in it at all."""
_TOGETHER = 256
"""Unknown lines that are looked at together."""
_ALIKE = 0.55
"""Share of fixed tokens that must be equal for two lines to be one template."""


class _Cache:
    """Known keys, forgotten all at once when they grow too large: cheap, and a hot key is soon back."""

    def __init__(self) -> None:
        self.known: dict[bytes, int] = {}
        self.bytes = 0

    def keep(self, key: bytes, number: int) -> None:
        self.bytes += len(key) + 100
        if self.bytes > _CACHED_BYTES or len(self.known) >= _CACHED_LINES:
            self.known.clear()
            self.bytes = len(key)
        self.known[key] = number


class Miner:
    """Gives every line the number of its template. The same lines in the same order give the same numbers."""

    def __init__(self, limit: int = MAX_TEMPLATES) -> None:
        self.templates: list[Template] = []
        self.starts: set[int] = set()
        """Numbers of templates that open a stack trace."""
        self.overflowed = 0
        """Lines that found no room and were counted as "other lines"."""
        self._limit = limit
        self._keys = _Cache()
        self._masked = _Cache()
        self._outlines = Outlines()
        self._unmasked = Unmasked()
        self._groups: dict[tuple[int, Verdict, bytes, bytes], list[Shape]] = {}
        self._branches: dict[tuple[int, int], set[bytes]] = {}
        self._other: dict[int, Template] = {}
        self._rules = RULES
        self._at_hand: list[bytes] = []
        """Lines of the block that its keys did not know, and how many of them were judged."""
        self._judged = 0

    def numbers(self, lines: list[bytes], keys: list[bytes]) -> tuple[list[int], int]:
        """The template number of each line, and how many lines had to be masked."""
        found: list[int | None] = list(map(self._keys.known.get, keys))
        missed = 0
        if None in found:
            unknown = [at for at, number in enumerate(found) if number is None]
            self._at_hand, self._judged = [lines[at] for at in unknown], 0
            # What is learnt from some lines helps with the next.
            for first in range(0, len(unknown), _TOGETHER):
                missed += self._fill(unknown[first : first + _TOGETHER], lines, keys, found)
            self._at_hand, self._rules = [], RULES
        return found, missed  # pyright: ignore[reportReturnType] - no None is left

    def _fill(self, places: list[int], lines: list[bytes], keys: list[bytes], found: list[int | None]) -> int:
        """Put in the numbers of the lines in these places; says how many of them had to be masked."""
        known, missed, unknown = self._keys.known, 0, list[int]()
        for at in places:
            # Equal keys inside one block: the first of them may have settled it.
            found[at] = known.get(keys[at])
            if found[at] is None:
                unknown.append(at)
        marked = mark_codes(b"\n".join([lines[at] for at in unknown])).split(b"\n") if unknown else []
        for at, line, number in zip(unknown, marked, self._unmasked.find(marked), strict=True):
            settled = known.get(keys[at])
            if settled is None:
                missed += number is None
                settled = self.number(lines[at], line) if number is None else number
                self._keys.keep(keys[at], settled)
            found[at] = settled
        return missed

    def number(self, line: bytes, marked: bytes | None = None) -> int:
        """The template number of one line, without the help of a key; `marked` is the line with its codes marked."""
        if not line or line.isspace():
            return BLANK
        if FRAME.match(line):
            return IN_FRAME
        marked = mark_codes(line) if marked is None else marked
        masked = _masked_text(marked)
        known = self._masked.known.get(masked)
        if known is None:
            tokens = masked.split(None, _MAX_TOKENS)
            # An indented line may continue another; of a long one not all words are compared.
            plain = line[:1] not in b" \t" and len(tokens) <= _MAX_TOKENS
            if plain and (outlined := self._outlines.find(tokens)) is not None:
                known, places = outlined
                self._unmasked.learn(marked, known, places, lambda text: _masked_text(text).split())
                return known
            known = self._settle(line, marked, tokens[:_MAX_TOKENS], outlined=plain)
            self._masked.keep(masked, known)
        return known

    def _settle(self, line: bytes, marked: bytes, tokens: list[bytes], *, outlined: bool) -> int:
        self._judged += 1
        if self._judged == _MANY:
            self._rules = rules_in(b"\n".join(self._at_hand))
        verdict = judge_line(marked, self._rules)
        starts = verdict.severity >= MEDIUM and TRACE_START.search(line)
        if line[:1] in b" \t" and verdict.severity <= LOW and not verdict.label and not starts:
            return CONTINUES
        template, places = self._match(tokens, verdict)
        if outlined and self._outlines.keep(tokens, places, template.number):
            self._unmasked.forget(len(tokens))
        if starts:
            self.starts.add(template.number)
        if not template.stack and verdict.severity >= LOW:
            template.stack = stack_of(line)
        return template.number

    def _match(self, tokens: list[bytes], verdict: Verdict) -> tuple[Template, frozenset[int]]:
        """The template, and the places of values once it is known where they stand."""
        group = self._groups.setdefault(self._group(tokens, verdict), [])
        best, likeness = None, 0.0
        for shape in group:
            same = sum(map(eq, shape.tokens, tokens))
            # An upper bound that costs little: most of a crowded group is far from it.
            if same < _ALIKE * shape.fixed:
                continue
            score = _likeness(shape, tokens, same)
            if score > likeness:
                best, likeness = shape, score
        if best is None or likeness < _ALIKE:
            if len(group) >= _MAX_SIBLINGS:
                return self._rest(verdict), frozenset()
            best = Shape(list(tokens))
            group.append(best)
        found = best.place(tokens, lambda words: self._add(words, verdict))
        return (found, best.settled) if found is not None else (self._rest(verdict), frozenset())

    def _add(self, tokens: list[bytes], verdict: Verdict) -> Template | None:
        if len(self.templates) >= self._limit:
            return None
        return self._make(tokens, verdict)

    def _make(self, tokens: list[bytes], verdict: Verdict) -> Template:
        template = Template(len(self.templates), tokens, verdict)
        self.templates.append(template)
        self._unmasked.fixed.update(b" ".join(tokens).replace(WILD, b"").split())
        return template

    def _rest(self, verdict: Verdict) -> Template:
        self.overflowed += 1
        # One bucket for each severity, so that a flood of harmless lines can't hide an error.
        if verdict.severity not in self._other:
            words = [b"(other", NAMES[verdict.severity].encode(), b"lines)"]
            self._other[verdict.severity] = self._make(words, Verdict(verdict.severity, ""))
        return self._other[verdict.severity]

    def _group(self, tokens: list[bytes], verdict: Verdict) -> tuple[int, Verdict, bytes, bytes]:
        count = len(tokens)
        return count, verdict, self._branch(count, 0, tokens), self._branch(count, 1, tokens)

    def _branch(self, count: int, at: int, tokens: list[bytes]) -> bytes:
        token = tokens[at] if at < count else b""
        seen = self._branches.setdefault((count, at), set())
        if token not in seen:
            if WILD in token or _DOTTED.search(token):
                return WILD
            # A place with very many words holds a value (a host, a name), not a part of the message.
            if len(seen) >= _MAX_BRANCHES:
                return WILD
            seen.add(token)
        return token


def _likeness(shape: Shape, tokens: list[bytes], same: int) -> float:
    if not shape.fixed:
        return 1.0 if shape.tokens == tokens else 0.5
    both_wild = sum([tokens[at] == WILD for at in shape.wild])
    # Alike templates differ in how much they leave open: the more specific one wins.
    return (same - both_wild) / shape.fixed - 0.001 * len(shape.wild) / len(tokens)


def _masked_text(marked: bytes) -> bytes:
    """What a line says without what varies; its level is put before a message that was taken out of it."""
    text = body(marked)
    masked = mask(text)
    return masked if text is marked else b"[%s] %s" % (NAMES[level_of(marked) or INFO].encode(), masked)
