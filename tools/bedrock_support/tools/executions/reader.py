"""Records of agents as steps: which form a line has, and what it says."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bedrock_support.tools.executions.flow import Answer, Flow, answered
from bedrock_support.tools.executions.lines import Line, Tally, items, moment, obj, whole, word
from bedrock_support.tools.executions.model import Step, Traits
from bedrock_support.tools.executions.spans import from_spans
from bedrock_support.tools.executions.spool import from_record
from bedrock_support.tools.executions.texts import claim, text_of
from bedrock_support.tools.executions.traits import describe

SAYS = Traits(tool="(says)", kind="say")
MOST_RUNS = 256
"""Runs of one file that are open at once."""


class Reader:
    """Reads the lines of one file; calls and results may lie far apart."""

    def __init__(self, file: str, tally: Tally) -> None:
        self._file = file
        self._tally = tally
        self._flows: OrderedDict[str, Flow] = OrderedDict()

    def steps(self, line: Line) -> Iterator[Step]:
        """Steps that are known by this line."""
        value = line.value
        if "resourceSpans" in value:
            self._tally.forms.add("spans")
            yield from from_spans(self._file, line)
        elif "args_sha256" in value and "event" in value:
            self._tally.forms.add("hook spool")
            yield from from_record(self._file, line)
        elif isinstance(value.get("message"), dict) and value.get("type") in ("user", "assistant", "message"):
            self._tally.forms.add("messages")
            run = word(value.get("sessionId")) or self._file
            at = moment(value.get("timestamp"))
            yield from self._message(f"{run}/side" if value.get("isSidechain") else run, line, value["message"], at)
        elif isinstance(value.get("messages"), list):
            self._tally.forms.add("conversations")
            run = f"{self._file}:{line.number}"
            for message in items(value["messages"]):
                yield from self._message(run, line, obj(message), None)
            yield from self._close(run)
        elif isinstance(value.get("role"), str):
            self._tally.forms.add("chat")
            run = word(value.get("session_id")) or word(value.get("run")) or self._file
            at = moment(value.get("timestamp", value.get("t")))
            yield from self._message(run, line, value, at)
        elif isinstance(value.get("tool"), str):
            self._tally.forms.add("plain")
            yield self._plain(line)
        else:
            self._tally.unknown += 1

    def rest(self) -> Iterator[Step]:
        """Steps whose results never came."""
        for run in list(self._flows):
            yield from self._close(run)

    def _close(self, run: str) -> Iterator[Step]:
        flow = self._flows.pop(run, None)
        if flow is not None:
            yield from flow.rest()

    def _message(self, run: str, line: Line, message: dict[str, Any], at: float | None) -> Iterator[Step]:
        if run not in self._flows and len(self._flows) >= MOST_RUNS:
            yield from self._close(next(iter(self._flows)))
        flow = self._flows.setdefault(run, Flow())
        self._flows.move_to_end(run)
        base = Step(run=run, file=self._file, line=line.number, traits=SAYS, at=at, head=line.head)
        used = obj(message.get("usage"))
        spent = whole(used.get("output_tokens", used.get("completion_tokens"))) + whole(
            used.get("input_tokens", used.get("prompt_tokens"))
        )
        if message.get("role") == "assistant":
            _assistant(flow, base, message, spent)
        else:
            _results(flow, message, at)
        yield from flow.ready()

    def _plain(self, line: Line) -> Step:
        value = line.value
        run = word(value.get("run")) or word(value.get("session")) or self._file
        step = Step(
            run=run,
            file=self._file,
            line=line.number,
            traits=describe(value["tool"], value.get("args")),
            at=moment(value.get("t")),
            tokens=whole(value.get("tokens")),
            head=line.head,
        )
        said = value.get("ok")
        if "result" not in value and not isinstance(said, bool):
            return replace(step, answered=False)
        answer = Answer(
            text=text_of(value.get("result")) or word(value.get("error"), 10_000),
            said=said if isinstance(said, bool) else None,
            seconds=float(whole(value.get("ms"))) / 1000,
        )
        return answered(step, answer)


def _assistant(flow: Flow, base: Step, message: dict[str, Any], spent: int) -> None:
    """What the agent said and called; the tokens of the message are its first step's."""
    content = message.get("content")
    said = content if isinstance(content, str) else text_of([b for b in items(content) if obj(b).get("type") == "text"])
    calls: list[tuple[str, Traits]] = []
    for block in items(content):
        part = obj(block)
        if part.get("type") == "tool_use":
            calls.append((word(part.get("id")) or "unnamed", describe(part.get("name"), part.get("input"))))
    for each in items(message.get("tool_calls")):
        part = obj(each)
        asked = obj(part.get("function"))
        calls.append((word(part.get("id")) or "unnamed", describe(asked.get("name"), asked.get("arguments"))))
    if said.strip():
        flow.call("", replace(base, claim=claim(said), tokens=spent))
        spent = 0
    for name, traits in calls:
        flow.call(name, replace(base, traits=traits, tokens=spent))
        spent = 0


def _results(flow: Flow, message: dict[str, Any], at: float | None) -> None:
    if message.get("role") == "tool":
        text = text_of(message.get("content"))
        flow.result(word(message.get("tool_call_id")) or "unnamed", Answer(text=text, at=at))
        return
    for block in items(message.get("content")):
        part = obj(block)
        if part.get("type") == "tool_result":
            flag = part.get("is_error")
            answer = Answer(text=text_of(part.get("content")), said=not flag if isinstance(flag, bool) else None, at=at)
            flow.result(word(part.get("tool_use_id")) or "unnamed", answer)
