from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from medad.config.load import load
from medad.detectors.adfa_parameters import AdfaParameters
from medad.detectors.efficientad_parameters import EfficientADParameters
from medad.detectors.padim import PadimParameters
from medad.detectors.patchcore import PatchCoreParameters
from medad.errors import MedadError
from medad.pretraining import parameters
from medad.pretraining.supervised import SupervisedParams
from medad.synthesis.parameters import ConsultSynthesis

ROOT = Path(__file__).resolve().parents[2]


def test_the_sections_of_a_method_are_the_parameters_of_its_code() -> None:
    config = load(ROOT)
    stage1 = {field.name for field in fields(parameters.ConsultParams)}
    assert stage1 == set(config.stage1.consult.model_dump())
    supervised = {field.name for field in fields(SupervisedParams)}
    assert supervised == set(config.stage1.classification.model_dump())
    assert supervised == set(config.stage1.segmentation.model_dump())
    synthesis = {field.name for field in fields(ConsultSynthesis)}
    assert synthesis == set(config.synthesis.consult.model_dump())
    patchcore = {field.name for field in fields(PatchCoreParameters)}
    assert patchcore == set(config.detectors.patchcore.model_dump())
    padim = {field.name for field in fields(PadimParameters)}
    assert padim == set(config.detectors.padim.model_dump())
    adfa = {field.name for field in fields(AdfaParameters)} - {"side"}
    assert adfa == set(config.detectors.adfa.model_dump())
    efficientad = {field.name for field in fields(EfficientADParameters)} - {"side"}
    files = {"teacher_file", "natural_images"}  # these reach the code as inputs
    assert efficientad | files == set(config.detectors.efficientad.model_dump())


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"kernel": 4}, "kernel must be odd"), ({"divergence": True}, "divergence needs mode: code")],
)
def test_adfa_is_one_thing_or_the_other(changes: dict[str, object], words: str) -> None:
    with pytest.raises(MedadError, match=words):
        load(ROOT, {"detectors": {"adfa": changes}})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"teacher": "file", "teacher_file": "t.pth"}, "teacher_sha256"),
        ({"penalty": "images"}, "natural_images"),
        ({"distil_on": "images", "natural_images": "n.zip"}, "natural_sha256"),
        ({"low": 0.995}, "low must be below high"),
    ],
)
def test_efficientad_needs_its_files_pinned(changes: dict[str, object], words: str) -> None:
    with pytest.raises(MedadError, match=words):
        load(ROOT, {"detectors": {"efficientad": changes}})
