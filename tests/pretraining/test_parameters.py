from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from medad.errors import MedadError
from medad.pretraining.parameters import ConsultParams, Tritanh


def test_reads_plain_parameters_and_leaves_other_keys_alone(gentle):
    params = ConsultParams.of(gentle | {"seed": 3, "side": 128})
    assert params.tritanh == Tritanh(1.0, 0.5, 0.0, 0.0)
    assert params.layers == (1, 2, 3)
    assert params.terms() == ["contrast", "similarity", "koleo"]


def test_keys_are_those_of_params_yaml():
    root = Path(__file__).parents[2]
    shipped = yaml.safe_load((root / "params.yaml").read_text())["stage1"]["consult"]
    assert {field.name for field in fields(ConsultParams)} == shipped.keys()
    ConsultParams.of(shipped)


def test_missing_keys_are_named(gentle):
    del gentle["koleo"], gentle["pool"]
    with pytest.raises(MedadError, match="missing pool, koleo"):
        ConsultParams.of(gentle)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distance": "cosine"}, r"distance: got 'cosine', allowed aligned, nearest,"),
        ({"precision": "float16"}, r"precision: got 'float16', allowed float32, bfloat16"),
        ({"grid": 4}, r"grid: got 4, allowed one of layers \[1, 2, 3\]"),
        ({"trainable": "attention", "attention": "none"}, "trainable"),
        ({"push": "all", "pull_background": True}, "pull_background"),
        ({"contrast": "none", "similarity": "none", "koleo_weight": 0.0}, "all three terms"),
    ],
)
def test_choices_that_do_not_exist_or_contradict(gentle, change, message):
    with pytest.raises(MedadError, match=rf"stage1.consult.*{message}"):
        ConsultParams.of(gentle | change)


def test_terms_can_be_switched_off(gentle):
    assert ConsultParams.of(gentle | {"contrast": "none"}).terms() == ["similarity", "koleo"]
    off = {"similarity": "none", "koleo": "none"}
    assert ConsultParams.of(gentle | off).terms() == ["contrast"]
    assert ConsultParams.of(gentle | {"similarity_weight": 0.0}).terms() == ["contrast", "koleo"]
