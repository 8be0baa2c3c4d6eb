from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from medad.config.load import load
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
