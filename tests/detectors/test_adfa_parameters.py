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
        AdfaParameters.of(params(**changes))
        for changes in ({}, {"mode": "code", "cost": "batch"}, {"operator": "hard"})
    )
    assert paper.learned == paper.scored == Nearest(3, 0.1, squared=False, cost="image")
    assert code.learned == code.scored == Nearest(3, 0.1, squared=True, cost="batch")
    assert hard.learned == hard.scored == Nearest(3, None, squared=False, cost="image")


def test_scores_may_have_another_operator_than_the_training():
    soft, hard = AdfaParameters.of(params()).learned, AdfaParameters.of(params(operator="hard"))
    mixed = AdfaParameters.of(params(score_operator="hard", cost="image"))
    assert (mixed.learned, mixed.scored) == (soft, hard.scored)
    mixed = AdfaParameters.of(params(operator="hard", score_operator="soft"))
    assert (mixed.learned, mixed.scored) == (hard.learned, soft)


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
        ({"epochs": -1}, "epochs: got -1, allowed: 0 or more"),
        ({"neighbors": 0}, "neighbors: got 0, allowed: 1 or more"),
        ({"divergence": True}, "divergence: got true, allowed in mode code only"),
        ({"cost": "batch"}, "cost: got batch, allowed in mode code only"),
        ({"cost": "patch"}, "cost: got 'patch', allowed: image, row, batch"),
        ({"score_operator": "none"}, "score_operator: got 'none', allowed: same, soft, hard"),
    ],
)
def test_bad_parameters_are_named(changes, message):
    with pytest.raises(MedadError, match=message):
        AdfaParameters.of(params(**changes))
