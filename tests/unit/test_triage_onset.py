"""A log too big for the budget is read where its trouble began."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.tools.logs.onset import next_block
from tests.promises import promise

NOISE, TROUBLE, BLIP = 1, 2, 3


def found(blocks: int, onset: int, first: list[int]) -> dict[int, frozenset[int]]:
    """Read `first`, then whatever is asked for, in a log whose trouble starts in block `onset`."""

    def look(at: int) -> frozenset[int]:
        return frozenset({NOISE, TROUBLE} if at >= onset else {NOISE})

    read = {at: look(at) for at in first}
    for _ in range(blocks):
        at = next_block(read)
        if at is None:
            break
        assert at not in read
        read[at] = look(at)
    return read


@promise("triage:onset")
@given(st.data(), st.integers(3, 2000))
def test_the_last_quiet_and_the_first_bad_block_are_read(data: st.DataObject, blocks: int) -> None:
    onset = data.draw(st.integers(1, blocks - 1))
    spread = data.draw(st.lists(st.integers(0, blocks - 1), max_size=20))
    first = sorted({0, blocks - 1, *spread})
    read = found(blocks, onset, first)
    assert {onset - 1, onset} <= read.keys()
    # Bisecting: about the logarithm of the gap, not the gap.
    assert len(read) - len(first) <= blocks.bit_length()


@promise("triage:onset")
def test_a_log_without_trouble_asks_for_nothing() -> None:
    assert next_block({}) is None
    assert next_block({0: frozenset(), 9: frozenset()}) is None
    assert next_block({0: frozenset({NOISE}), 9: frozenset({NOISE})}) is None


@promise("triage:onset")
def test_a_passing_fault_is_no_onset() -> None:
    read = {at: frozenset[int]() for at in range(0, 100, 10)}
    read[20] = frozenset({BLIP})
    assert next_block(read) is None
    read |= {at: frozenset({TROUBLE}) for at in (80, 90)}
    assert next_block(read) == 75
