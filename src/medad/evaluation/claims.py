"""What the intervals step writes: levels of every method and differences to the baseline."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from medad.errors import MedadError
from medad.evaluation.intervals import Bootstrap, estimate, interval, simultaneous
from medad.shot_counts import text

ALL = "all"  # the mean over shot counts


def claims(boot: Bootstrap, baseline: str, confidence: float) -> dict[str, Any]:
    """JSON-ready summary of a bootstrap.

    ``levels[method][K or "all"]``: Estimate fields of the AUROC without copies of the draw's own
    shots; of that of all test images ``auroc`` (mean over draws) with ``auroc_low``,
    ``auroc_high``, ``auroc_se`` and ``sd`` over draws (null for one draw); and ``n`` draws.
    ``differences[method][K or "all"]``: Estimate fields of method minus baseline, positive when the
    method is better; at every K also ``simultaneous_low`` and ``simultaneous_high``, which hold for
    all K together. "all", the mean over K, is the primary claim. Raises MedadError when the
    baseline is not among the methods.
    """
    if baseline not in boot.methods:
        raise MedadError(
            f"intervals: baseline {baseline!r} has no runs; allowed: {', '.join(boot.methods)}"
        )
    if not 0.0 < confidence < 1.0:
        raise MedadError(f"evaluation.confidence: got {confidence}, allowed: between 0 and 1")
    reference = boot.methods.index(baseline)
    levels = {
        method: {key: _level(boot, m, chosen, confidence) for key, chosen in _columns(boot).items()}
        for m, method in enumerate(boot.methods)
    }
    differences = {
        method: _differences(boot, m, reference, confidence)
        for m, method in enumerate(boot.methods)
        if m != reference
    }
    return {
        "baseline": baseline,
        "confidence": confidence,
        "resamples": boot.crossed.shape[-1],
        "draws": boot.clean.shape[-1],
        "groups": {
            "healthy": boot.people.healthy_units,
            "anomalous": boot.people.anomalous_units,
        },
        "levels": levels,
        "differences": differences,
    }


def _columns(boot: Bootstrap) -> dict[str, list[int]]:
    """Shot counts that a column averages: each alone, and all of them."""
    single = {text(shot): [k] for k, shot in enumerate(boot.shots)}
    return {**single, ALL: list(range(len(boot.shots)))}


def _level(boot: Bootstrap, m: int, chosen: list[int], confidence: float) -> dict[str, Any]:
    fields = asdict(
        estimate(
            boot.clean[m, chosen].mean(axis=0),
            boot.crossed[m, chosen].mean(axis=0),
            boot.by_groups[m, chosen].mean(axis=0),
            boot.by_draws[m, chosen].mean(axis=0),
            confidence,
        )
    )
    plain = boot.plain[m, chosen].mean(axis=0)
    low, high, se = interval(boot.crossed_plain[m, chosen].mean(axis=0), confidence)
    return {
        **fields,
        "auroc": float(plain.mean()),
        "auroc_low": low,
        "auroc_high": high,
        "auroc_se": se,
        "sd": float(plain.std(ddof=1)) if plain.size > 1 else None,
        "n": int(plain.size),
    }


def _differences(boot: Bootstrap, m: int, reference: int, confidence: float) -> dict[str, Any]:
    clean, crossed, by_groups, by_draws = (
        values[m] - values[reference]
        for values in (boot.clean, boot.crossed, boot.by_groups, boot.by_draws)
    )
    result = {
        key: asdict(
            estimate(
                clean[chosen].mean(axis=0),
                crossed[chosen].mean(axis=0),
                by_groups[chosen].mean(axis=0),
                by_draws[chosen].mean(axis=0),
                confidence,
            )
        )
        for key, chosen in _columns(boot).items()
    }
    together = simultaneous(np.asarray(clean.mean(axis=1)).tolist(), crossed, confidence)
    for shot, (low, high) in zip(boot.shots, together.tolist(), strict=True):
        result[text(shot)] |= {"simultaneous_low": low, "simultaneous_high": high}
    return result
