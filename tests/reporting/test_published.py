"""Published rows and verdicts, and the shipped file of CONSULT's values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from medad.errors import MedadError
from medad.reporting.published import compare, parse_rows
from medad.shot_counts import FULL

TABLES = Path(__file__).parents[2] / "workflow" / "tables"


def _entry(**change: Any) -> dict[str, Any]:
    entry = {"name": "r1", "label": "A", "method": None, "confidence": "certain"}
    return {**entry, "published": {"K2": 0.5}, **change}


def test_shipped_rows_hold_the_paper() -> None:
    table = yaml.safe_load((TABLES / "consult.yaml").read_text(encoding="utf-8"))["table1"]
    rows = {row.name: row for row in parse_rows(table["rows"])}
    adapted = rows.pop("r6-adapted")  # another reading of the paper's row
    assert adapted.published == rows["r6"].published
    assert adapted.method == "consult_adapted"
    ours = rows.pop("ours")
    assert (ours.method, ours.published) == ("patchcore_whole_smooth", {})
    assert list(rows) == ["r1", "r2", "r3", "r4", "r5", "r6"]
    assert rows["r6"].printed("")[8] == (0.8738, 0.8686)
    # The gains quoted in the text identify PatchCore's row.
    gains = [
        round(100 * (rows["r6"].printed("")[k][0] - rows["r5"].printed("")[k][0]), 1)
        for k in (2, 4, 6, 8)
    ]
    assert gains == [9.4, 12.9, 10.2, 6.0]
    assert [name for name, row in rows.items() if row.certain] == ["r5", "r6"]
    baselines = ["fanogan", "ganomaly", "efficientad", "padim", "patchcore"]
    assert [row.method for row in rows.values()] == [*baselines, "consult"]
    sums = [round(sum(row.printed("")[k][0] for k in (2, 4, 6, 8)), 4) for row in rows.values()]
    assert sums == [3.1412, 3.1264, 2.9243, 2.9846, 3.1161, 3.5]


def test_shipped_ablations_hold_the_paper() -> None:
    """Sums over K of the cells as printed; rows of ours have none."""
    tables = yaml.safe_load((TABLES / "consult.yaml").read_text(encoding="utf-8"))

    def sums(name: str) -> list[float]:
        rows = parse_rows(tables[name]["rows"])
        return [
            round(sum(row.printed("")[k][0] for k in (2, 4, 6, 8)), 4) if row.published else 0.0
            for row in rows
        ]

    assert sums("table2") == [2.96, 2.8237, 0.0, 0.0, 3.4948, 0.0]
    assert sums("table3") == [2.8729, 3.2944, 3.2873, 3.4048, 3.5, 0.0]
    printed = [3.3848, 3.4166, 3.4166, 3.4948, 3.3597, 3.3594, 3.4215, 3.4097, 0.0]
    assert sums("table4") == printed
    backbones = [row.backbone for row in parse_rows(tables["table4"]["rows"])]
    assert backbones == [*["resnet18"] * 4, *["resnet50"] * 4, None]
    facts = {row.name: row.published_fact for row in parse_rows(tables["table2"]["rows"])}
    assert (facts["cls-leaky"], facts["seg-leaky"]) == (1.0, 0.99)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([_entry(confidence="likely")], "allowed: certain, inferred"),
        ([_entry(published={"2": 0.5})], "column '2'"),
        ([_entry(), _entry(label="B")], "same name"),
        ([_entry(), _entry(name="r2")], "same label"),
        ([_entry(label="A/B")], "without /"),
    ],
)
def test_bad_rows_are_refused(entries: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(MedadError, match=message):
        parse_rows(entries)


@pytest.mark.parametrize(
    ("paper", "verdict", "difference"),
    [
        ((0.75,), "reproduced", -0.05),
        ((0.65,), "reproduced", 0.05),
        ((0.76,), "below", -0.06),
        ((0.64,), "above", 0.06),
        ((0.90, 0.74), "reproduced", -0.04),
        ((0.90, 0.80), "below", -0.10),
        ((0.50, 0.60), "above", 0.10),
    ],
)
def test_verdicts(paper: tuple[float, ...], verdict: str, difference: float) -> None:
    found = compare(0.70, 0.65, 0.75, paper)
    assert found.verdict == verdict
    assert found.difference == pytest.approx(difference)
    assert ("either is accepted" in found.reason) == (len(paper) > 1)


def test_what_cannot_be_compared_says_why() -> None:
    found = compare(0.70, 0.65, 0.75, (0.70,), ["other images"])
    assert (found.verdict, found.difference, found.reason) == (
        "not comparable",
        None,
        "other images",
    )
    assert compare(0.70, 0.65, 0.75, ()).reason == "no published value"


def test_shipped_adfa_tables_hold_the_paper() -> None:
    """Sums over data sets as printed; ADFA's is the largest, as the paper claims of the mean."""
    tables = yaml.safe_load((TABLES / "adfa.yaml").read_text(encoding="utf-8"))
    datasets = ("brain_mri", "covid_xray", "busi", "sipakmed")

    def sums(name: str) -> dict[str, float]:
        rows = [row for row in parse_rows(tables[name]["rows"]) if row.published]
        assert all(tuple(row.published) == datasets for row in rows)
        return {row.name: round(sum(row.printed(d)[FULL][0] for d in datasets), 3) for row in rows}

    assert sums("adfa_table1") == {
        "padim": 3.24,
        "spade": 3.203,
        "patch_svdd": 3.251,
        "stpm": 3.166,
        "rdad": 3.41,
        "fanogan": 3.328,
        "adfa": 3.768,
        "adfa_wide": 3.768,
    }
    values = sums("adfa_table3")
    wide = {name: values.pop(f"{name}_wide") for name in ("e0", "e05", "e10", "e20", "hard")}
    assert wide == {name: values[name] for name in wide}
    assert values == {
        "e0": 3.743,
        "e05": 3.758,
        "e10": 3.768,
        "e20": 3.762,
        "hard": 3.671,
        "random": 2.15,
    }


def test_values_may_be_of_several_data_sets() -> None:
    (row,) = parse_rows([_entry(published={"a": {"full": 0.5}, "b": {"K2": [0.6, 0.7]}})])
    assert row.printed("a") == {FULL: (0.5,)}
    assert row.printed("b") == {2: (0.6, 0.7)}
    assert row.printed("c") == {}
    (row,) = parse_rows([_entry(published={"full": 0.5})])
    assert row.printed("a") == row.printed("b") == {FULL: (0.5,)}
