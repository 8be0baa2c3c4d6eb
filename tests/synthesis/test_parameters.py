"""Parameters: the shipped keys, and a clear refusal of each bad value."""

from dataclasses import fields

import pytest

from medad.errors import MedadError
from medad.synthesis.parameters import ConsultSynthesis


def test_keys_are_those_of_params_yaml(shipped):
    assert {field.name for field in fields(ConsultSynthesis)} == set(shipped)
    for name in ("elastic", "grid", "tone"):
        nested = getattr(ConsultSynthesis.of(shipped), name)
        assert {field.name for field in fields(nested)} == set(shipped[name])


def test_other_keys_of_a_step_are_left_alone(shipped):
    assert ConsultSynthesis.of({**shipped, "seed": 3, "side": 64}) == ConsultSynthesis.of(shipped)


def test_missing_keys_are_named(shipped):
    short = {key: value for key, value in shipped.items() if key not in ("edgy", "fill")}
    with pytest.raises(MedadError, match="missing edgy, fill"):
        ConsultSynthesis.of(short)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pairs", 0),
        ("elastic", {"probability": 1.5, "alpha": 1.0, "sigma": 1.0}),
        ("elastic", {"probability": 0.5, "alpha": -1.0, "sigma": 1.0}),
        ("elastic", {"probability": 0.5, "alpha": 1.0, "sigma": 0.0}),
        ("grid", {"probability": 0.5, "steps": 0, "limit": 0.3}),
        ("grid", {"probability": 0.5, "steps": 5, "limit": 1.0}),
        ("grid", {"probability": -0.1, "steps": 5, "limit": 0.3}),
        ("flip", 2),
        ("tone", {"probability": 0.5, "brightness": 1.2, "contrast": 0.2}),
        ("tone", {"probability": 0.5, "brightness": 0.2, "contrast": -0.2}),
        ("translate", 0.6),
        ("points", 2),
        ("edgy", -0.1),
        ("radius", -0.1),
        ("shape", "circle"),
        ("scale", [0.4, 0.2]),
        ("scale", [0.0, 0.2]),
        ("inside", 0),
        ("fill", "white"),
        ("base", "none"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name(shipped, key, value):
    with pytest.raises(MedadError, match=rf"synthesis\.consult\.{key}.*allowed"):
        ConsultSynthesis.of({**shipped, key: value})
