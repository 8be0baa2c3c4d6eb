from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medad.errors import MedadError
from medad.files import write_csv, write_json
from medad.lineage import evidence, number
from medad.lineage.graph import Node
from medad.reporting.table import COLUMNS

NAME = "d/grouped/CONSULT/K8"
ENTRY = {"value": 0.72344, "decimals": 4, "n": 2}
LINE = {
    **dict.fromkeys(COLUMNS, ""),
    "dataset": "d",
    "split": "grouped",
    "row": "CONSULT",
    "method": "consult",
    "shots": "8",
    "auroc": "0.7234",
    "sd": "0.1000",
    "low": "0.6",
    "high": "0.8",
    "verdict": "above",
}
ROW = {"label": "CONSULT", "confidence": "certain", "published": {"K2": 0.5, "K8": [0.87, 0.86]}}
INTERVALS = Node(
    "i.manifest.json",
    {
        "params": {"confidence": 0.9, "shots": [2, 8]},
        "outputs": {"intervals": {"path": "i.json", "sha256": "aa", "size": 1}},
    },
)


def table(root: Path, *lines: dict[str, str], rows: tuple[Any, ...] = (ROW,)) -> Node:
    path = root / "results/tables/t.csv"
    write_csv(path, COLUMNS, lines)
    params = {
        "metric": "auroc",
        "baseline": "patchcore",
        "source": "a paper",
        "standings": {"consult": ["reading", "since"]},
        "rows": list(rows),
    }
    outputs = {"csv": {"path": "results/tables/t.csv", "sha256": evidence.sha256(path)}}
    return Node("results/tables/t.manifest.json", {"params": params, "outputs": outputs})


def test_a_cell_is_told_with_interval_and_paper(tmp_path: Path) -> None:
    other = {**LINE, "shots": "2", "auroc": "0.9"}
    found = number.of_cell(tmp_path, table(tmp_path, other, LINE), INTERVALS, NAME, ENTRY)
    assert found == {
        **ENTRY,
        "metric": "auroc",
        "confidence": 0.9,
        "interval_file": {"path": "i.json", "sha256": "aa"},
        "sd": 0.1,
        "low": 0.6,
        "high": 0.8,
        "paper": None,
        "difference": None,
        "vs_baseline": None,
        "vs_low": None,
        "vs_high": None,
        "together": None,
        "method": "consult",
        "standing": "",
        "verdict": "above",
        "reason": "",
        "because": "since",
        "baseline": "patchcore",
        "published": [0.87, 0.86],
        "row_label": "certain",
        "source": "a paper",
    }


def test_an_interval_for_all_k_together_where_there_are_several(tmp_path: Path) -> None:
    line = {**LINE, "vs_sim_low": "-0.0127", "vs_sim_high": "0.1394"}
    node = table(tmp_path, line)
    found = number.of_cell(tmp_path, node, INTERVALS, NAME, ENTRY)
    assert found["together"] == [-0.0127, 0.1394]
    alone = {**INTERVALS.manifest, "params": {"confidence": 0.9, "shots": [8]}}
    found = number.of_cell(tmp_path, node, Node("i.manifest.json", alone), NAME, ENTRY)
    assert found["together"] is None


def test_one_published_value_none_and_no_row(tmp_path: Path) -> None:
    for column, expected in (("2", [0.5]), ("all", [])):
        node = table(tmp_path, {**LINE, "shots": column})
        name = NAME.replace("K8", "all" if column == "all" else f"K{column}")
        assert number.of_cell(tmp_path, node, INTERVALS, name, ENTRY)["published"] == expected
    found = number.of_cell(tmp_path, table(tmp_path, LINE, rows=()), INTERVALS, NAME, ENTRY)
    assert (found["published"], found["row_label"]) == ([], None)


def test_a_table_that_contradicts_its_cell_map_is_an_error(tmp_path: Path) -> None:
    other = table(tmp_path, {**LINE, "auroc": "0.7134"})
    with pytest.raises(MedadError, match=r"t\.csv: d/grouped/CONSULT/K8 is 0\.7134, and 0\.72344"):
        number.of_cell(tmp_path, other, INTERVALS, NAME, ENTRY)
    empty = table(tmp_path)
    with pytest.raises(MedadError, match="has no line d/grouped/CONSULT/K8"):
        number.of_cell(tmp_path, empty, INTERVALS, NAME, ENTRY)


def test_a_run_is_its_auroc_with_every_metric(tmp_path: Path) -> None:
    path = "results/metrics/d/grouped/m/k2/r0.json"
    write_json(tmp_path / path, {"auroc": 0.25, "dice": 0.5})
    outputs = {"metrics": {"path": path, "sha256": evidence.sha256(tmp_path / path)}}
    node = Node("results/metrics/d/grouped/m/k2/r0.manifest.json", {"outputs": outputs})
    found = number.of_run(tmp_path, node)
    assert (found["value"], found["n"], found["metrics"]) == (0.25, 1, [path])
    assert found["values"] == {"auroc": 0.25, "dice": 0.5}
