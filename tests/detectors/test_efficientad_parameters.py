"""EfficientAD's parameters: the shipped ones are allowed, impossible ones are refused."""

from pathlib import Path

import pytest
import yaml

from medad.detectors.efficientad_parameters import EfficientADParameters
from medad.errors import MedadError

DEFAULTS = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())["detectors"]
SHIPPED = {**DEFAULTS["efficientad"], "side": 48}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"side": 32}, "needs 36 pixels"),
        ({"size": "large"}, "size: got 'large', allowed: small, medium"),
        ({"border": "none"}, "border: got 'none', allowed: after, before"),
        ({"channels": 0}, "channels: got 0"),
        ({"steps": 0}, "steps: got 0"),
        ({"width": 0.0}, "width: got 0"),
        ({"weight_decay": -1.0}, "weight_decay: got -1"),
        ({"hard": 1.0}, "hard: got 1"),
        ({"low": 0.9, "high": 0.9}, "low and high: got 0.9 and 0.9"),
        ({"teacher": "file"}, "teacher: file needs `teacher_file`"),
        ({"penalty": "images"}, "need `natural_images`"),
        ({"distil_on": "images"}, "need `natural_images`"),
        ({"views": {"crop": 0.0, "rotate": 0.0, "flip": 0.0, "tone": 0.0}}, "views.crop: got 0"),
    ],
)
def test_impossible_parameters_are_refused(changes, words):
    with pytest.raises(MedadError, match=words):
        EfficientADParameters.of({**SHIPPED, **changes})


def test_natural_images_are_read_only_when_asked_for():
    assert not EfficientADParameters.of(SHIPPED).natural
    pinned = {"natural_sha256": "0" * 64}
    for asked in ({"penalty": "images"}, {"distil_on": "images"}):
        assert EfficientADParameters.of({**SHIPPED, **pinned, **asked}).natural
