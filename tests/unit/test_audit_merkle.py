"""The Merkle tree, canonical JSON and checkpoints, against published vectors and against slower definitions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bedrock_support.telemetry.audit import merkle, note
from bedrock_support.telemetry.audit.canonical import NotCanonical, canonical
from bedrock_support.telemetry.audit.merkle import Peaks
from bedrock_support.telemetry.audit.note import BadNote, Checkpoint
from bedrock_support.telemetry.audit.signer import FileSigner
from tests.promises import promise

INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""The test vectors of the Certificate Transparency reference implementation."""


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(str(each).encode()) for each in range(count)]


def slow_root(hashes: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not hashes:
        return merkle.EMPTY
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return merkle.node_hash(slow_root(hashes[:split]), slow_root(hashes[split:]))


@promise("audit:rfc6962")
def test_roots_are_those_of_certificate_transparency() -> None:
    tree = Peaks()
    assert tree.root() == merkle.EMPTY
    for data, root in zip(INPUTS, ROOTS, strict=True):
        tree.append(merkle.leaf_hash(bytes.fromhex(data)))
        assert tree.root().hex() == root


@promise("audit:rfc6962")
@given(st.integers(0, 70))
def test_peaks_give_the_root_of_the_definition_and_survive_packing(count: int) -> None:
    tree = Peaks()
    for leaf in leaves(count):
        tree.append(leaf)
    assert tree.root() == slow_root(leaves(count))
    again = Peaks.unpacked(tree.size, tree.packed())
    again.append(b"x" * 32)
    tree.append(b"x" * 32)
    assert again.root() == tree.root()


@promise("audit:prove")
@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))), st.data())
def test_an_inclusion_proof_holds_for_its_leaf_and_for_no_other(of: tuple[int, int], data: st.DataObject) -> None:
    size, index = of
    held = leaves(size)
    path, root = merkle.inclusion(held, index), slow_root(held)
    assert merkle.included(held[index], index, size, path, root)
    assert not merkle.included(merkle.leaf_hash(b"other"), index, size, path, root)
    assert not merkle.included(held[index], index, size, [*path, root], root)
    other = data.draw(st.integers(0, size))
    if other != index:
        assert not merkle.included(held[index], other, size, path, root)


@promise("audit:rfc6962")
@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.integers(1, size))))
def test_a_consistency_proof_holds_for_a_prefix_and_for_nothing_else(of: tuple[int, int]) -> None:
    size, old = of
    held = leaves(size)
    proof, old_root, root = merkle.consistency(held, old), slow_root(held[:old]), slow_root(held)
    assert merkle.consistent(old, old_root, size, root, proof)
    changed = [merkle.leaf_hash(b"changed"), *held[1:]]
    assert not merkle.consistent(old, slow_root(changed[:old]), size, root, proof)
    assert not merkle.consistent(old, old_root, size, slow_root(changed), proof)


def test_trees_that_can_not_be_are_refused() -> None:
    with pytest.raises(ValueError, match="a tree of 3 leaves has 2 peaks"):
        Peaks.unpacked(3, b"x" * 32)
    with pytest.raises(IndexError):
        merkle.inclusion(leaves(2), 2)
    with pytest.raises(ValueError, match="no non-empty prefix"):
        merkle.consistency(leaves(2), 0)


NAMES = st.from_regex(r"[A-Za-z0-9_.:-]{1,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@promise("audit:canonical")
@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_canonical_json_is_one_text_for_one_value(record: dict[str, Any]) -> None:
    text = canonical(record)
    assert json.loads(text) == record
    assert canonical(dict(reversed(record.items()))) == text
    assert canonical(json.loads(text)) == text


@promise("audit:canonical")
def test_canonical_json_as_rfc_8785_writes_it() -> None:
    strange = {"string": '\u20ac$\u000f\nA\'B"\\"/', "literals": [None, True, False]}
    assert canonical(strange) == '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\"/"}'


@pytest.mark.parametrize("value", [1.5, 2**53, "\ud800", {"ü": 1}, {1: 2}, b"x", {"": 1}, float("nan")])
@promise("audit:canonical")
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical({"a": [value]})


def test_a_signed_note_opens_with_its_key_alone() -> None:
    key, other = FileSigner(Ed25519PrivateKey.generate()), FileSigner(Ed25519PrivateKey.generate())
    checkpoint = Checkpoint(origin="log/1", size=7, root=b"r" * 32)
    signed = note.sign(checkpoint, key)
    assert note.opened(signed, key) == checkpoint
    with pytest.raises(BadNote, match="another key"):
        note.opened(signed, other)
    with pytest.raises(BadNote, match="doesn't fit"):
        note.opened(signed.replace("\n7\n", "\n8\n"), key)


@pytest.mark.parametrize(
    "text", ["", "a\nb\n", "log\n07\nAAAA\n\n— log AAAA\n", "log\n7\n!\n\n— log AAAA\n", "log\n7\nAAAA\n\n— no AAAA\n"]
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        note.parse(text)
