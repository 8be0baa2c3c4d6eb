"""Resampled units keep their classes and numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from medad.errors import MedadError
from medad.evaluation.intervals import Run
from medad.evaluation.resampling import population, resample, resample_units

Cohort = Callable[..., dict[tuple[str, int, int], Run]]


def test_population_is_the_union_by_path(cohort: Cohort) -> None:
    runs = cohort(0, paper=True)
    people = population(run.test for run in runs.values())
    paths = {path for run in runs.values() for path in run.test.path.tolist()}
    assert set(people.unit) == paths
    assert (people.healthy_units, people.anomalous_units) == (6, 8)
    assert people.unit["000.png"] == people.unit["001.png"] != people.unit["002.png"]


def test_a_group_across_classes_is_one_unit_in_each(cohort: Cohort) -> None:
    run = next(iter(cohort(0).values()))
    people = population([replace(run.test, group=np.zeros(len(run.test), np.int64))])
    assert people.anomalous.tolist() == [False, True]


def test_runs_that_disagree_are_refused(cohort: Cohort) -> None:
    first, second, *_ = cohort(0).values()
    with pytest.raises(MedadError, match="score all runs from the same split"):
        population([first.test, replace(second.test, group=second.test.group + 1)])


def test_every_class_is_drawn_as_often_as_it_is_large(cohort: Cohort) -> None:
    people = population(run.test for run in cohort(0).values())
    counts = resample_units(people, 500, np.random.default_rng(0))
    assert (counts[people.anomalous].sum(axis=0) == 8).all()
    assert (counts[~people.anomalous].sum(axis=0) == 6).all()
    np.testing.assert_allclose(counts.mean(axis=1), 1.0, atol=0.15)


def test_one_item_is_always_itself() -> None:
    assert resample(1, 4, np.random.default_rng(0)).tolist() == [[1.0] * 4]
    assert resample(0, 4, np.random.default_rng(0)).shape == (0, 4)
