"""What the README of the published table of every detector says, read anew from the table."""

from __future__ import annotations

import csv
import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs/results/fewshot_all"
COLUMNS = ("2", "4", "6", "8", "full")


def short(*values: float) -> str:
    """Three decimals without the zero before them."""
    shown = [f"{value:.3f}".replace("0.", ".") for value in values]
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


def test_what_is_said_of_every_detector_is_in_the_table() -> None:
    text = " ".join((FOLDER / "README.md").read_text().split())
    with (FOLDER / "fewshot_all.csv").open() as stream:
        cells = {(line["row"], line["shots"]): line for line in csv.DictReader(stream)}
    rows = {row for row, _ in cells}
    assert len(rows) == 11

    def auroc(row: str, column: str) -> float:
        return float(cells[row, column]["auroc"])

    best = {column: max(rows, key=lambda row: auroc(row, column)) for column in COLUMNS}
    assert best == {**dict.fromkeys(COLUMNS[:-1], "CONSULT"), "full": "RDAD"}
    assert f"from {short(auroc('CONSULT', '2'))} to {short(auroc('CONSULT', '8'))}, and" in text
    assert f"pool**: {short(auroc('RDAD', 'full'))}, where CONSULT has" in text
    assert f"has {short(auroc('CONSULT', 'full'))}." in text
    means = {row: cells[row, "all"] for row in rows - {"PatchCore"}}
    assert {row for row, cell in means.items() if float(cell["vs_low"]) > 0} == {"CONSULT"}
    worse = {row for row, cell in means.items() if float(cell["vs_high"]) < 0}
    assert worse == {"ADFA", "Patch SVDD", "GANomaly", "EfficientAD"}
    for row, sign in (("CONSULT", 1), ("ADFA", -1)):
        gap, *ends = (sign * float(means[row][key]) for key in ("vs_baseline", "vs_low", "vs_high"))
        assert f"over K**, by {short(gap)} {short(*sorted(ends))}, at no single K" in text
    for row in rows - {"PatchCore"}:
        for column in COLUMNS:
            low, high = (float(cells[row, column][f"vs_sim_{end}"]) for end in ("low", "high"))
            assert low <= 0
            assert high >= 0 or row not in ("CONSULT", "ADFA")
    (shown,) = re.findall(r"^\| \*\*ADFA\*\*, .*", (FOLDER / "fewshot_all.md").read_text(), re.M)
    adfa = re.findall(r"0(\.\d+) ±", shown)[2:5]
    assert f"shots to the pool: {', '.join(adfa)}." in text
    (rising,) = re.findall(r"- (PatchCore.*) rise with every step of K", text)
    found = {
        row
        for row in rows
        if [auroc(row, column) for column in COLUMNS]
        == sorted(auroc(row, column) for column in COLUMNS)
    }
    assert set(re.split(", | and ", rising)) == found
    falling = {row for row in rows if auroc(row, "full") < auroc(row, "2")}
    assert falling == {"GANomaly", "EfficientAD"}
    widths = [
        float(cell["high"]) - float(cell["low"])
        for (_, column), cell in cells.items()
        if column != "all"
    ]
    assert f"are {min(widths):.2f} to {max(widths):.2f} wide".replace("0.", ".") in text
