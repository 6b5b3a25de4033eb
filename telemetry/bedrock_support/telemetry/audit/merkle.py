"""The Merkle tree of RFC 6962 (section 2.1; RFC 9162 keeps it): SHA-256, leaves and nodes told apart by a first byte.

A tree of n leaves splits at the largest power of two below n. So the tree over n leaves is a row of perfect trees,
its *peaks*, one for each set bit of n, largest first; they are all that is needed to append, and 32 bytes each.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

WIDTH = 32
"""Bytes of a hash."""
EMPTY = sha256(b"").digest()
"""Root of a tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Peaks:
    """A tree that only grows: appending costs two hashes on average, a root as many as there are peaks."""

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        if len(peaks) != size.bit_count() or any(len(each) != WIDTH for each in peaks):
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks of {WIDTH} bytes")
        self.size = size
        self.peaks = list(peaks)

    def append(self, leaf: bytes) -> None:
        peaks = self.peaks
        size = self.size
        self.size = size + 1
        while size & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            size >>= 1
        peaks.append(leaf)

    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> Peaks:
        return Peaks(self.size, self.peaks)

    def packed(self) -> bytes:
        return b"".join(self.peaks)

    @classmethod
    def unpacked(cls, size: int, packed: bytes) -> Peaks:
        """The opposite of packed(). Raises ValueError when the bytes can't be the peaks of such a tree."""
        return cls(size, [packed[at : at + WIDTH] for at in range(0, len(packed), WIDTH)])


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf hashes."""
    tree = Peaks()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def _split(size: int) -> int:
    """The largest power of two below size."""
    return 1 << (size - 1).bit_length() - 1


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of one leaf, from the leaf up (RFC 6962, section 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"a tree of {len(leaves)} leaves has no leaf {index}")
    path: list[bytes] = []
    low, high = 0, len(leaves)
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(root_of(leaves[middle:high]))
            high = middle
        else:
            path.append(root_of(leaves[low:middle]))
            low = middle
    return path[::-1]


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf to the root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


def consistency(leaves: Sequence[bytes], old: int) -> list[bytes]:
    """Proof that the tree of the first `old` leaves is a prefix of this one (RFC 6962, section 2.1.2)."""
    if not 0 < old <= len(leaves):
        raise ValueError(f"a tree of {len(leaves)} leaves had no non-empty prefix of {old}")
    proof: list[bytes] = []
    low, high, whole = 0, len(leaves), True
    while old - low < high - low:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(root_of(leaves[middle:high]))
            high = middle
        else:
            proof.append(root_of(leaves[low:middle]))
            low, whole = middle, False
    if not whole:
        proof.append(root_of(leaves[low:high]))
    return proof[::-1]


def consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the old tree is a prefix of the new one (RFC 9162, section 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, step)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
