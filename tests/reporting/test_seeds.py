"""Variance components against hand-made cases and a simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medad.errors import MedadError
from medad.reporting.seeds import section, spread


def test_components_by_hand() -> None:
    # Within: variances .02 and .02. Means .6 and .8: variance .02, less .02 / 2 seeds.
    found = spread(np.array([[[0.5, 0.7], [0.7, 0.9]]]))
    assert found.seeds == pytest.approx(np.sqrt(0.02))
    assert found.draws == pytest.approx(np.sqrt(0.01))


def test_seeds_that_explain_all_leave_no_spread_of_draws() -> None:
    assert spread(np.array([[[0.5, 0.9], [0.7, 0.7]]])).draws == 0
    equal = spread(np.full((2, 3, 3), 0.7))
    assert equal.seeds == pytest.approx(0)
    assert equal.draws == pytest.approx(0)


def test_components_of_a_simulation() -> None:
    rng = np.random.default_rng(0)
    draws, seeds = rng.normal(0, 0.05, (3, 4000, 1)), rng.normal(0, 0.02, (3, 4000, 3))
    found = spread(0.7 + draws + seeds)
    assert found.seeds == pytest.approx(0.02, rel=0.03)
    assert found.draws == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 3, 1)])
def test_one_of_either_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(MedadError, match="two or more of each"):
        spread(np.zeros(shape))


def test_the_section_of_a_table(report: Callable[..., Any]) -> None:
    made = report()
    assert section(made.layout, made.metrics) == []
    lines = section(replace(made.layout, repeats={"patchcore": ["consult"]}), made.metrics)
    assert lines[0] == "## Training seeds"
    values = np.array(
        [
            [
                [
                    made.metrics[f"metrics/brain_mri/grouped/{name}/k{k}/r{r}"]["auroc"]
                    for name in ("patchcore", "consult")
                ]
                for r in made.layout.draws
            ]
            for k in made.layout.shots
        ]
    )
    found = spread(values)
    row = next(line for line in lines if line.startswith("| **PatchCore**"))
    assert row == f"| **PatchCore** | 2 | 2 | {found.seeds:.3f} | {found.draws:.3f} |"
    with pytest.raises(MedadError, match="repeats: moon: no method of the table's rows"):
        section(replace(made.layout, repeats={"patchcore": ["moon"]}), made.metrics)
