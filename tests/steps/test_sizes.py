"""The step reads what its inputs say and writes it twice."""

from __future__ import annotations

from pathlib import Path

from medad.files import read_csv, write_json
from medad.steps import sizes
from medad.task import Task


def test_csv_and_markdown_say_the_same(tmp_path: Path) -> None:
    role = {"healthy": 3, "anomalous": 4, "groups": 5}
    report = {
        "sizes": {"pool": role, "test": role},
        "across": {"pool/test": 1},
        "conflicting": [],
        "unused": 0,
    }
    write_json(tmp_path / "leakage.json", report)
    counts = {"files": 9, "used_as_images": 8, "used_as_masks": 1}
    write_json(tmp_path / "counts.json", counts)
    outputs = {"csv": tmp_path / "s.csv", "markdown": tmp_path / "s.md"}
    task = Task(
        kind="sizes",
        identity={"sizes": "adfa_table2"},
        params={"seed": 0, "title": "T", "rows": [], "datasets": ["d"], "splits": ["adfa"]},
        inputs={"leakage/d/adfa": tmp_path / "leakage.json", "counts/d": tmp_path / "counts.json"},
        outputs=outputs,
        scratch=tmp_path,
        cache=tmp_path,
        live=tmp_path / "live",
    )
    sizes.run(task)
    (line,) = read_csv(outputs["csv"])
    assert (line["dataset"], line["train_healthy"], line["files_used"]) == ("d", "3", "9")
    assert "| **d, split adfa** | 3 | 3 | 4 |" in outputs["markdown"].read_text()
