from __future__ import annotations

from dataclasses import MISSING, fields
from importlib import import_module

import pytest

from medad import registry
from medad.config.detectors import Detectors
from medad.config.sections import Stage1, Synthesis
from medad.errors import MedadError
from medad.resolve import attribute


@pytest.mark.parametrize(
    "table",
    [
        registry.READERS,
        registry.SYNTHESES,
        registry.LEAKY_SYNTHESES,
        registry.STAGE1,
        registry.DETECTORS,
        registry.TRAINED_DETECTORS,
        registry.IMAGE_DETECTORS,
        registry.FIGURES,
    ],
)
def test_every_registered_name_is_something_callable(table: dict[str, str]) -> None:
    for spec in table.values():
        assert callable(attribute(spec))


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(MedadError, match="detector: got 'x'; allowed: padim, patchcore"):
        registry.lookup(registry.DETECTORS, "x", "detector")


def test_what_scoring_alone_reads_is_what_a_head_may_be_made_without() -> None:
    for name, spec in registry.EVERY_DETECTOR.items():
        module = import_module(attribute(spec).__module__)
        params = getattr(module, f"{attribute(spec).__name__}Parameters")
        optional = {one.name for one in fields(params) if one.default is not MISSING}
        assert registry.SCORING.get(name, frozenset()) == optional, name
        assert optional <= Detectors.model_fields[name].annotation.model_fields.keys()


def test_every_section_has_its_implementation() -> None:
    assert set(Synthesis.model_fields) == {**registry.SYNTHESES, **registry.LEAKY_SYNTHESES}.keys()
    assert set(Stage1.model_fields) == registry.STAGE1.keys()
