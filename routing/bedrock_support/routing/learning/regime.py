"""What is true of a channel now, as far as its last calls and those still in flight tell."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from bedrock_support.routing.learning.change import CLASS_SIGNS, divergence, newest_failures, newest_shift, root
from bedrock_support.routing.learning.usual import CLASS_PRIOR, Channel, Now, Pair, Seen

HORIZON = 60.0
"""Seconds that a call speaks for."""
KNOWN = 5
"""Calls of a class before its residuals mean anything."""
DUE = 0.85
"""Standard deviations over the usual at which four calls in five have ended: from there on one in flight is late."""
LOST, LOST_SHARE = 3.0, 0.1
"""Standard deviations at which a call in flight is taken for lost, not before this share of its budget."""
MUCH = 0.45
"""Log-shift above which what is seen must not count as usual."""
CLASS_SHIFT = 0.25
"""Least log-shift between a class and its channel that is told apart."""
MUCH_FAILING = 0.15
CLEAR = 3.0
"""Log-likelihood against the trouble at which a run of good ends is its end."""
ADOPT, PAUSE = 45.0, 5.0
"""Seconds after which a new speed is the usual one, and for which it may pause meanwhile."""


@dataclass(frozen=True, slots=True)
class _Item:
    began: float
    residual: float | None
    deviation: float
    ok: bool | None
    op_class: str


def look(channel: Channel, now: float) -> None:
    """Find the newest regime of the channel and of each class on it."""
    channel.looked = now
    items = _items(channel, now)
    late = [each for each in items if each.residual is not None]
    ends = [each for each in items if each.ok is not None and each.began >= channel.forget_before]
    late.sort(key=lambda each: -each.began)
    ends.sort(key=lambda each: -each.began)
    slow_from = _look_at_speed(channel, late, now)
    failing_from = _look_at_ends(channel, ends, now)
    for op_class, pair in channel.pairs.items():
        _look_at_class_speed(channel, pair, [x for x in late if x.op_class == op_class and x.began >= slow_from], now)
        own = [x for x in ends if x.op_class == op_class and x.began >= max(failing_from, pair.forget_before)]
        _look_at_class_ends(channel, pair, own, now)


def _items(channel: Channel, now: float) -> list[_Item]:
    """Ended calls, and calls in flight that are late: their lateness is known before their end is."""
    deviations = {key: pair.deviation for key, pair in channel.pairs.items()}
    found: list[_Item] = []
    ended: list[tuple[float, float]] = []
    for seen in channel.recent:
        if now - seen.began >= HORIZON:
            continue
        pair = channel.pairs[seen.op_class]
        if not seen.ok or pair.count < KNOWN:
            found.append(_Item(seen.began, None, 1.0, seen.ok, seen.op_class))
            continue
        usual = channel.expected(pair, seen.log_size)
        deviation = deviations[seen.op_class]
        # Of what began just now only the fast has ended: it must not speak before the slow can.
        due = now - seen.began >= math.exp(usual + DUE * deviation)
        residual = root(seen.log_seconds - usual)
        ended.append((residual, deviation))
        found.append(_Item(seen.began, residual if due else None, deviation, True, seen.op_class))
    up = max(0.0, newest_shift(ended, 0.0)[0])
    for op_class, log_size, began, budget in channel.flying.values():
        pair = channel.pairs.get(op_class)
        waited = now - began
        if pair is None or pair.count < KNOWN or waited <= 0:
            continue
        deviation = deviations[op_class]
        ratio = math.log(waited) - channel.expected(pair, log_size)
        if ratio > DUE * deviation:
            lost = ratio > up + LOST * deviation and waited > LOST_SHARE * budget
            residual = max(root(ratio) + 0.35 * deviation, root(up))
            found.append(_Item(began, residual, deviation, False if lost else None, op_class))
    return found


def _speeds(items: Sequence[_Item]) -> list[tuple[float, float]]:
    return [(each.residual, each.deviation) for each in items if each.residual is not None]


def _look_at_speed(channel: Channel, late: Sequence[_Item], now: float) -> float:
    """Sets the channel's shift; the result is the time from which its newest regime holds."""
    channel.shift, size = newest_shift(_speeds(late), 0.0)
    begins = min((each.began for each in late[:size]), default=now) if size < len(late) else float("-inf")
    if channel.shift and _one_class_slow([each for each in late if each.began >= begins]):
        channel.shift = 0.0
    channel.slow = channel.shift != 0.0
    if abs(channel.shift) > MUCH:
        channel.slow_seen = now
        channel.pending.clear()
    if _lasts(channel, now, slow=channel.slow):
        for pair in channel.pairs.values():
            pair.location += channel.shift
        channel.shift, channel.slow, channel.slow_since = 0.0, False, None
        channel.pending.clear()
    return begins


def _lasts(of: Now, now: float, *, slow: bool) -> bool:
    """Whether it has been slow for so long, but for short pauses, that this is the usual speed now."""
    if slow:
        of.slow_last = now
        if of.slow_since is None:
            of.slow_since = now
        return now - of.slow_since > ADOPT
    if now - of.slow_last > PAUSE:
        of.slow_since = None
    return False


def _one_class_slow(newest: Sequence[_Item]) -> bool:
    """Whether one class alone makes the channel look slow (gray failure)."""
    says: Counter[str] = Counter()
    for residual, item in ((each.residual or 0.0, each) for each in newest):
        says[item.op_class] += residual / item.deviation  # pyright: ignore[reportArgumentType] - counts fractions
    worst = max(says, key=lambda each: abs(says[each]), default="")
    rest = [(x.residual or 0.0) / x.deviation for x in newest if x.op_class != worst]
    own = [(x.residual or 0.0) / x.deviation for x in newest if x.op_class == worst]
    if len(rest) < KNOWN:
        return False
    quiet = abs(sum(rest)) / math.sqrt(len(rest)) < 2.5
    return quiet and abs(sum(rest) / len(rest)) < 0.35 * abs(sum(own) / len(own))


def _look_at_ends(channel: Channel, ends: Sequence[_Item], now: float) -> float:
    """Sets the channel's failure rate; the result is the time from which its newest regime holds."""
    base = channel.usual_failing
    rate, size = newest_failures([each.ok is True for each in ends], base)
    if rate > base:
        channel.worst = max(channel.worst, rate) if channel.fails else rate
        if good := _cleared(ends, channel.worst):
            channel.forget_before, rate, size = ends[good - 1].began, base, good
    begins = min((each.began for each in ends[:size]), default=now) if size < len(ends) else float("-inf")
    if rate > base and _one_class_fails(ends[:size], base):
        rate = base
    channel.failing, channel.fails = rate, rate > base
    if rate > max(base, MUCH_FAILING):
        channel.failing_seen = now
        channel.pending_ends.clear()
    return begins


def _cleared(ends: Sequence[_Item], worst: float) -> int:
    """How many good ends in a row say that a trouble of that rate is over; 0 when they don't."""
    good = 0
    for each in ends:
        if each.ok is not True:
            break
        good += 1
    return good if -good * math.log(1.0 - min(0.95, worst)) > CLEAR else 0


def _one_class_fails(newest: Sequence[_Item], base: float) -> bool:
    failed = Counter(each.op_class for each in newest if each.ok is not True)
    worst = max(failed, key=lambda each: failed[each], default="")
    rest = [each.ok is not True for each in newest if each.op_class != worst]
    own = [each.ok is not True for each in newest if each.op_class == worst]
    if len(rest) < KNOWN:
        return False
    share = sum(rest) / len(rest)
    return share < 0.25 * sum(own) / len(own) and len(rest) * divergence(share, base) < 3.5


def _look_at_class_speed(channel: Channel, pair: Pair, late: Sequence[_Item], now: float) -> None:
    shift, _ = newest_shift(_speeds(late[:20]), channel.shift, CLASS_SIGNS)
    pair.shift = channel.shift if abs(shift - channel.shift) < CLASS_SHIFT else shift
    pair.slow = pair.shift != channel.shift
    if _lasts(pair, now, slow=pair.slow and not channel.slow):
        pair.location += pair.shift
        pair.shift, pair.slow, pair.slow_since = 0.0, False, None
        pair.count = min(pair.count, 30)  # it is new here: let it settle quickly
    if pair.slow and abs(pair.shift) > MUCH:
        pair.slow_seen = now
        channel.pending = _without(channel.pending, pair, channel)


def _look_at_class_ends(channel: Channel, pair: Pair, ends: Sequence[_Item], now: float) -> None:
    own = (pair.failed + CLASS_PRIOR * channel.usual_failing) / (pair.calls + CLASS_PRIOR)
    usual = max(own, channel.failing) if channel.fails else own
    rate, _ = newest_failures([each.ok is True for each in ends[:20]], usual)
    # A class that goes on well while its channel fails is taken at its word.
    good = [each for each in ends[:20] if each.ok is True]
    if channel.fails and good and len(good) == len(ends[:20]) and len(good) * divergence(0.0, usual) > CLEAR:
        rate = own
    fails = rate > max(own, channel.failing) + 1e-9
    if fails:
        pair.worst = max(pair.worst, rate) if pair.fails else rate
        if cleared := _cleared(ends, pair.worst):
            pair.forget_before, rate = ends[cleared - 1].began, usual
            fails = False
    pair.failing, pair.fails = rate, fails
    if fails and rate > MUCH_FAILING:
        pair.failing_seen = now
        channel.pending_ends = _without(channel.pending_ends, pair, channel)


def _without(pending: deque[tuple[float, Seen]], pair: Pair, channel: Channel) -> deque[tuple[float, Seen]]:
    return deque(each for each in pending if channel.pairs[each[1].op_class] is not pair)
