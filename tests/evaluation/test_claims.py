"""The summary of a bootstrap."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from medad.errors import MedadError
from medad.evaluation.claims import claims
from medad.evaluation.intervals import Run, bootstrap

Cohort = Callable[..., dict[tuple[str, int, int], Run]]


def test_levels_and_differences_are_means_over_draws_and_shots(cohort: Cohort) -> None:
    boot = bootstrap(cohort(1, draws=4), 300, np.random.default_rng(0))
    found = claims(boot, "patchcore", 0.9)
    level = found["levels"]["consult"]
    assert level["2"]["auroc"] == pytest.approx(boot.plain[1, 0].mean())
    assert level["2"]["sd"] == pytest.approx(boot.plain[1, 0].std(ddof=1))
    assert level["all"]["sd"] == pytest.approx(boot.plain[1].mean(axis=0).std(ddof=1))
    assert level["all"]["value"] == pytest.approx(boot.clean[1].mean())
    assert level["4"]["n"] == 4
    plain = boot.crossed_plain[1].mean(axis=0)
    assert [level["all"]["auroc_low"], level["all"]["auroc_high"]] == pytest.approx(
        np.quantile(plain, [0.05, 0.95]).tolist()
    )
    assert level["all"]["auroc_se"] == pytest.approx(plain.std())
    gap = found["differences"]["consult"]
    assert gap["all"]["value"] == pytest.approx((gap["2"]["value"] + gap["4"]["value"]) / 2)
    assert gap["4"]["value"] == pytest.approx(
        level["4"]["value"] - found["levels"]["patchcore"]["4"]["value"]
    )
    paired = boot.crossed[1].mean(axis=0) - boot.crossed[0].mean(axis=0)
    assert [gap["all"]["low"], gap["all"]["high"]] == pytest.approx(
        np.quantile(paired, [0.05, 0.95]).tolist()
    )
    assert "simultaneous_low" not in gap["all"]
    for shots in ("2", "4"):
        wide = gap[shots]["simultaneous_high"] - gap[shots]["simultaneous_low"]
        assert wide > gap[shots]["high"] - gap[shots]["low"]
    assert set(found["differences"]) == {"consult"}
    assert found["groups"] == {"healthy": 6, "anomalous": 8}
    assert (found["draws"], found["resamples"], found["confidence"]) == (4, 300, 0.9)


def test_paired_differences_are_tighter_than_levels(cohort: Cohort) -> None:
    boot = bootstrap(cohort(2, healthy=30, anomalous=30), 400, np.random.default_rng(0))
    found = claims(boot, "patchcore", 0.95)
    levels = [found["levels"][method]["all"]["se"] for method in ("patchcore", "consult")]
    assert found["differences"]["consult"]["all"]["se"] < max(levels)


def test_one_draw_has_no_sd_and_everything_is_json(cohort: Cohort) -> None:
    found = claims(bootstrap(cohort(0, draws=1), 50, np.random.default_rng(0)), "consult", 0.95)
    assert found["levels"]["patchcore"]["2"]["sd"] is None
    assert found["differences"]["patchcore"]["all"]["value"] < 0
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_refuses(cohort: Cohort) -> None:
    boot = bootstrap(cohort(0, draws=1), 10, np.random.default_rng(0))
    with pytest.raises(MedadError, match="allowed: patchcore, consult"):
        claims(boot, "padim", 0.95)
    with pytest.raises(MedadError, match="between 0 and 1"):
        claims(boot, "patchcore", 95)
