from pathlib import Path

import pytest
import yaml

from medad.detectors.adfa_parameters import AdfaParameters
from medad.errors import MedadError
from medad.losses.adaptation import Nearest

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]


def params(**changes):
    return {**DEFAULTS["adfa"], "side": 32, **changes}


def test_modes_and_operators_say_how_a_patch_is_held_against_the_centres():
    paper, code, hard = (
        AdfaParameters.of(params(**changes)).nearest
        for changes in ({}, {"mode": "code"}, {"operator": "hard"})
    )
    assert paper == Nearest(3, 0.1, squared=False, together=False)
    assert code == Nearest(3, 0.1, squared=True, together=True)
    assert hard == Nearest(3, None, squared=False, together=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": []}, "layers: got"),
        ({"layers": [1, 1]}, "layers: got"),
        ({"pooling": "sum"}, "pooling: got 'sum', allowed: both, average, maximum"),
        ({"mode": "both"}, "mode: got 'both'"),
        ({"kernel": 4}, "kernel: got 4, allowed: odd"),
        ({"epsilon": 0.0}, "epsilon: got 0.0, allowed: above 0"),
        ({"attention": -0.1}, "attention: got -0.1, allowed: 0 or more"),
        ({"neighbors": 0}, "neighbors: got 0, allowed: 1 or more"),
        ({"divergence": True}, "divergence: got true, allowed in mode code only"),
    ],
)
def test_bad_parameters_are_named(changes, message):
    with pytest.raises(MedadError, match=message):
        AdfaParameters.of(params(**changes))
