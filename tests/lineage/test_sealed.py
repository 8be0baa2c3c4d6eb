from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from medad.files import Digest, canonical_json
from medad.lineage import manifest, sealed

texts = st.text(max_size=8)
values = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
hexes = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(st.dictionaries(texts | st.sampled_from(["digest", "a", "z", "key"]), values, max_size=5))
def test_what_was_sealed_is_whole_and_nothing_else_is(value: dict[str, Any]) -> None:
    whole = manifest.seal(value)
    content = canonical_json(whole)
    assert sealed.digest(content) == bytes.fromhex(whole["digest"])
    assert sealed.digest(canonical_json(value)) is None
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1
        assert sealed.digest(bytes(changed)) is None


@given(
    code=st.dictionaries(texts, hexes, max_size=3),
    params=st.dictionaries(texts, values, max_size=4),
    inputs=st.dictionaries(texts, st.tuples(texts, hexes), max_size=3),
    identity=st.dictionaries(texts, texts | st.integers(), max_size=3),
    threads=st.integers(1, 64),
)
def test_the_key_cut_from_the_bytes_is_the_key_of_the_values(
    code: dict[str, str],
    params: dict[str, Any],
    inputs: dict[str, tuple[str, str]],
    identity: dict[str, str | int],
    threads: int,
) -> None:
    half = manifest.Half("head", code, params, threads, {"torch": "2"})
    found = manifest.build(half, identity, inputs, {"head": ("p", Digest("1", "2", 3))}, {})
    content = canonical_json(found)
    told = sealed.told(content)
    assert told is not None
    assert told.key == bytes.fromhex(found["key"]) == sealed.key_of(content)
    names = ("identity", "inputs", "key", "kind", "outputs")
    assert json.loads(told.text) == {name: found[name] for name in names}
    lie = canonical_json(manifest.seal({**found, "threads": threads + 1}))
    other = sealed.told(lie)
    assert other is not None
    assert other.key != told.key


def test_a_name_more_or_less_is_no_manifest() -> None:
    half = manifest.Half("head", {}, {}, 1, {})
    found = manifest.build(half, {}, {}, {}, {})
    fewer = {name: value for name, value in found.items() if name != "seeds"}
    for value in ({**found, "more": 1}, fewer, {**fewer, "other": 1}):
        assert sealed.told(canonical_json(manifest.seal(value))) is None
    assert sealed.key_of(b'{\n "key": "short",\n}') is None
