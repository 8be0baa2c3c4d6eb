"""What the README of ADFA's published tables says of them, read anew from the tables."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "docs/results/adfa"
BASELINES = ("PaDiM", "SPADE", "Patch SVDD", "STPM", "RDAD", "f-AnoGAN")


@dataclass(frozen=True)
class Adfa:
    """What ADFA's published tables say of one data set, as its README has it."""

    cells: dict[str, dict[str, str]]
    levels: dict[str, str]
    differences: dict[str, str]

    @classmethod
    def of(cls, dataset: str) -> Self:
        cells, levels, differences = {}, {}, {}
        for table in ("adfa_table1", "adfa_table3"):
            with (FOLDER / f"{table}.csv").open() as stream:
                found = [c for c in csv.DictReader(stream) if c["dataset"] == dataset]
            cells |= {c["row"]: c for c in found if c["shots"] == "full"}
            shown = (FOLDER / f"{table}.md").read_text().partition(f"## {dataset}, split adfa")[2]
            shown = shown.partition("\n## ")[0]
            levels |= dict(re.findall(r"^\| \*\*(.+)\*\*, .*\| 0?(\.\d+ ± .*\]) \|$", shown, re.M))
            differences |= dict(re.findall(r"^\| \*\*(.+)\*\* \| ([−+].*\]) \|$", shown, re.M))
        return cls(cells, levels, differences)

    def level(self, row: str) -> str:
        return re.sub(r" ± [\d.]+|(?<!\d)0(?=\.)", "", self.levels[row])

    def gap(self, row: str, sign: int = -1) -> str:
        """How much a row is below its baseline, or above it."""
        said = re.findall(r"[-+.\d]+", self.differences[row].replace("−", "-"))
        value, *ends = (sign * float(number) for number in said)
        return f"{value:.3f} [{min(ends):.3f}, {max(ends):.3f}]".replace("0.", ".")

    def widths(self, rows: Sequence[str]) -> str:
        found = [float(self.cells[row]["high"]) - float(self.cells[row]["low"]) for row in rows]
        return f"{min(found):.2f} to {max(found):.2f}".replace("0.", ".")

    def published(self, row: str) -> float:
        return float(self.cells[row]["paper"])


def test_what_is_said_of_adfas_tables_is_in_them() -> None:
    text = " ".join((FOLDER / "README.md").read_text().split())
    brain, busi = (Adfa.of(name) for name in ("brain_mri", "busi"))
    others = {
        (name, row): one.cells[row]
        for name, one in (("brain_mri", brain), ("busi", busi))
        for row in BASELINES
        if one.cells[row]["verdict"] != "reproduced"
    }
    assert {cell: found["verdict"] for cell, found in others.items()} == {
        ("busi", "SPADE"): "below"
    }
    below = -float(others["busi", "SPADE"]["difference"])
    assert f"SPADE is below, by {below:.3f}".replace("0.", ".") in text
    widths = f"{brain.widths(BASELINES)} on BrainMRI and {busi.widths(BASELINES)} on BUSI"
    assert f"are wide, {widths}:" in text
    best = brain.level("RDAD").split()[0], busi.level("PaDiM").split()[0]
    assert (
        "RDAD on BrainMRI, with {} beside the paper's .856, and PaDiM on BUSI, with {}".format(
            *best
        )
        in text
    )
    for one, row in ((brain, "RDAD"), (busi, "PaDiM")):
        aurocs = {name: float(one.cells[name]["auroc"]) for name in (*BASELINES, "ADFA")}
        assert max(aurocs, key=aurocs.__getitem__) == row
    code = "ADFA, as in the code"
    assert f"it is {brain.level('ADFA')} and {busi.level('ADFA')}, as in" in text
    assert f"code {brain.level(code)} and {busi.level(code)};" in text
    assert f"text by {brain.gap('ADFA')} and {busi.gap('ADFA')}, by" in text
    assert f"code by {brain.gap(code)} and {busi.gap(code)}." in text
    assert [one.published("ADFA") - one.published("RDAD") for one in (brain, busi)] == (
        pytest.approx([0.001, 0.104])
    )
    means = re.findall(
        r"^\| \*\*(RDAD|ADFA)\*\* \| (0\..*\]) \| (\S+) \|",
        (FOLDER / "adfa_table1.md").read_text().partition("## Mean over")[2],
        re.M,
    )
    ours = {row: (mean.replace("0.", "."), paper.lstrip("0")) for row, mean, paper in means}
    assert f"RDAD has the highest value**, {ours['RDAD'][0]}, and ADFA {ours['ADFA'][0]};" in text
    assert f"paper ADFA leads, with {ours['ADFA'][1]}." in text
    chance = "random backbone"
    assert f"lower by {brain.gap(chance)} on BrainMRI, in" in text
    assert f"higher by {busi.gap(chance, 1)} on BUSI, in" in text
    hard = "hard top-k"
    assert f"lower by {brain.gap(hard)} and {busi.gap(hard)}, in" in text
    average = "average of the map"
    assert f"higher by {brain.gap(average, 1)} and {busi.gap(average, 1)};" in text
    pooled = ["average pooling alone", "maximum pooling alone"]
    for one, spread in ((brain, 0.003), (busi, 0.008)):
        weights = [row for row in one.cells if row.startswith("attention")]
        published = [one.published(row) for row in weights]
        assert max(published) - min(published) == pytest.approx(spread)
        for row in {*weights, *pooled, chance, hard, average} - {"attention .1"}:
            assert float(one.cells[row]["vs_low"]) < 0 < float(one.cells[row]["vs_high"])
        assert all(abs(float(one.cells[row]["vs_baseline"])) < 0.005 for row in pooled)
