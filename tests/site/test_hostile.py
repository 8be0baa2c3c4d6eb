"""Every value that comes from data is text on the pages, whatever it holds."""

from __future__ import annotations

import csv
import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import reseal
from project import Project

from medad.files import write_json
from medad.lineage import manifest
from medad.site import provenance
from medad.site.build import build
from medad.site.material import Cell, Run

TAG = "<b id=PWNED>"


class Planted:
    """Puts a tag, each time with another number after it, where a value was."""

    def __init__(self, root: Path) -> None:
        self.root = root / "results"
        self.marks: list[str] = []

    def mark(self) -> str:
        self.marks.append(f"{TAG}{len(self.marks)}.")
        return self.marks[-1]

    def table(self) -> None:
        """Every column of the CSV that holds text which names nothing."""
        file = self.root / "tables/table1.csv"
        rows = list(csv.DictReader(file.open()))
        labels = dict.fromkeys(row["row"] for row in rows)
        standings = {label: self.mark() for label in labels}  # shown once a row
        for row in rows:
            row.update({name: self.mark() for name in ("verdict", "reason")})
            row["standing"] = standings[row["row"]]
        with file.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)

    def leakage(self) -> None:
        file = self.root / "splits/phantom/grouped.leakage.json"
        report = json.loads(file.read_text())
        for group in report["repeated"]:
            group["group"] = self.mark()
        report["conflicting"] = [report["repeated"][0]["group"]]
        report["across"] = {self.mark(): 2}
        role, other = next(iter(report["sizes"])), self.mark()
        for part in ("sizes", "within"):
            report[part] = {other: report[part][role], **report[part]}
        file.write_text(json.dumps(report))

    def images(self) -> None:
        file = self.root / "index/phantom/index.parquet"
        columns = pq.read_table(file).to_pydict()
        count = len(columns["path"])
        # Images without a page show nothing: one mark for all of them.
        for name in ("width", "height", "flags", "group"):
            columns[name] = [self.mark()] * count
        pq.write_table(pa.table(columns), file)

    def events(self) -> None:
        name = self.mark()
        for file in self.root.glob("stage1/**/*.events.jsonl"):
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            text = "".join(json.dumps({**line, name: 1.0}) + "\n" for line in lines)
            file.write_text(text)

    def manifests(self) -> None:
        """Of each kind of step behind a cell: parameters, modules; of some what else is shown."""
        more: dict[str, dict[str, dict[str, Any]]] = {}
        for file in sorted(self.root.rglob("*.manifest.json")):
            found = manifest.read(file)
            kind = found["kind"]
            if kind == "figure":
                continue
            if kind not in more:
                more[kind] = {"code": {self.mark(): self.mark()}}
            if kind == "table":
                found["params"] |= {name: self.mark() for name in ("title", "source")}
                found["params"]["notes"] = [self.mark()]
                standings = found["params"]["standings"]
                standings |= {m: [one, self.mark()] for m, (one, _) in standings.items()}
            elif "params" not in more[kind]:
                more[kind]["params"] = {self.mark(): self.mark(), "values": [self.mark()]}
                if kind in ("shots", "head", "stage1"):
                    more[kind]["seeds"] = {self.mark(): 7}
            if kind == "weights":
                found["params"]["name"] = self.mark()
                found["inputs"] = {"file": {"path": self.mark(), "sha256": "0" * 64}}
            found |= {name: {**found[name], **added} for name, added in more[kind].items()}
            write_json(file, manifest.seal(found))

    def records(self) -> None:
        machine, libraries = ({self.mark(): self.mark()} for _ in range(2))
        commit = {"commit": self.mark(), "diff": TAG}
        for file in self.root.glob("records/*/*/*.json"):
            found = manifest.read(file)
            found["machine"] |= machine
            found["libraries"] |= libraries
            write_json(file, manifest.seal({**found, "repository": commit}))


@pytest.mark.engine
def test_a_tag_in_any_value_is_text(copy: Callable[[], Project], tmp_path: Path) -> None:
    project = copy()
    planted = Planted(project.root)
    for plant in (
        *(planted.table, planted.leakage, planted.images, planted.events),
        *(planted.manifests, planted.records),
    ):
        plant()
    reseal(project.root)
    build(project.root, tmp_path / "site", lambda *_: None)
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")]
    assert not [page for page in pages if "<b id" in page]
    text = "".join(pages)
    assert [mark for mark in planted.marks if html.escape(mark) not in text] == []


def test_seeds_are_text() -> None:
    """A manifest with such a seed is refused before; the page does not rely on it."""
    run = Run({"k": 2, "r": 0}, {}, [], {}, {"head": {"draw": TAG}})  # type: ignore[dict-item]
    shown = provenance.seeds(Cell("t", "d/s/A/K2", {}, ("literal", ""), {}, [run]))
    assert TAG not in shown
    assert html.escape(TAG) in shown
