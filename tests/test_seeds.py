from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medad.seeds import derive

names = st.dictionaries(st.sampled_from(["dataset", "split", "r"]), st.integers(0, 9), min_size=1)


@given(names, st.text(max_size=8))
def test_a_seed_depends_on_content_not_on_order(identity: dict[str, int], purpose: str) -> None:
    turned = dict(reversed(identity.items()))
    seed = derive(0, identity, purpose)
    assert seed == derive(0, turned, purpose)
    assert 0 <= seed < 2**63


@given(names)
def test_every_part_of_the_identity_counts(identity: dict[str, int]) -> None:
    first = next(iter(identity))
    others = {
        derive(1, identity, "draw"),
        derive(0, identity, "other"),
        derive(0, {**identity, first: identity[first] + 1}, "draw"),
        derive(0, {**identity, "extra": 0}, "draw"),
    }
    assert len(others) == 4
    assert derive(0, identity, "draw") not in others


def test_a_seed_is_the_same_on_every_machine() -> None:
    assert derive(0, {"dataset": "phantom", "r": 3}, "shots") == 764877450728565500
