from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from medad.errors import MedadError
from medad.files import write_csv, write_json, write_parquet
from medad.lineage import evidence
from medad.lineage.graph import Node

STEM = "results/index/d/index"


@pytest.fixture
def index(tmp_path: Path) -> Node:
    write_parquet(tmp_path / f"{STEM}.parquet", {"path": ["a", "b"], "label": [0, 1]})
    write_csv(tmp_path / f"{STEM}.skipped.csv", ["path"], [{"path": "c"}])
    write_json(tmp_path / f"{STEM}.listing.json", {"files": 2})
    files = {"index": ".parquet", "skipped": ".skipped.csv", "listing": ".listing.json"}
    outputs = {
        # The path written in a manifest is not followed.
        name: {"path": "../elsewhere", "sha256": evidence.sha256(tmp_path / f"{STEM}{suffix}")}
        for name, suffix in files.items()
    }
    return Node(f"{STEM}.manifest.json", {"outputs": outputs, "key": "ab"})


def test_outputs_are_read_where_the_layout_has_them(tmp_path: Path, index: Node) -> None:
    assert evidence.output(tmp_path, index, "index") == tmp_path / f"{STEM}.parquet"
    assert evidence.json_of(tmp_path, index, "listing") == {"files": 2}
    assert evidence.csv_of(tmp_path, index, "skipped") == [{"path": "c"}]
    assert evidence.parquet_of(tmp_path, index, "index", ["label"]) == {"label": [0, 1]}


def test_a_changed_or_missing_output_is_named(tmp_path: Path, index: Node) -> None:
    (tmp_path / f"{STEM}.skipped.csv").write_text("path\nd\n")
    with pytest.raises(MedadError, match=r"index\.skipped\.csv: changed since it was made"):
        evidence.csv_of(tmp_path, index, "skipped")
    (tmp_path / f"{STEM}.skipped.csv").unlink()
    with pytest.raises(MedadError, match=r"index\.skipped\.csv: missing"):
        evidence.csv_of(tmp_path, index, "skipped")


def test_a_step_without_records_is_an_error(tmp_path: Path, index: Node) -> None:
    with pytest.raises(MedadError, match=r"results/records/ab/ab: no record of results/index"):
        evidence.records(tmp_path, index)


def test_reading_columns_imports_neither_datasets_nor_pandas(tmp_path: Path) -> None:
    write_parquet(tmp_path / f"{STEM}.parquet", {"path": ["a"]})
    code = (
        "import sys; from pathlib import Path; from medad.lineage import evidence;"
        "from medad.lineage.graph import Node; root = Path(sys.argv[1]);"
        f"digest = evidence.sha256(root / '{STEM}.parquet');"
        f"node = Node('{STEM}.manifest.json', {{'outputs': {{'index': {{'sha256': digest}}}}}});"
        "print(evidence.parquet_of(root, node, 'index', ['path']));"
        "print({'pandas', 'pyarrow.dataset', 'torch', 'mlflow'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "{'path': ['a']}\nset()\n"
