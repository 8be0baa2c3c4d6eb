from dataclasses import dataclass

import pytest

from medad.detectors.keys import taken


@dataclass(frozen=True)
class Parameters:
    learned: int
    scored: float = 1.0


def test_other_keys_are_left_and_those_of_scoring_may_be_absent():
    assert taken(Parameters, {"learned": 2, "scored": 3.0, "side": 4}) == {
        "learned": 2,
        "scored": 3.0,
    }
    assert taken(Parameters, {"learned": 2}) == {"learned": 2}
    assert taken(Parameters, {"learned": [1, 2]}) == {"learned": (1, 2)}
    with pytest.raises(KeyError, match="learned"):
        taken(Parameters, {"scored": 3.0})
