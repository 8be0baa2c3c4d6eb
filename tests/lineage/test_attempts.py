from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medad.errors import MedadError
from medad.files import write_json
from medad.lineage import attempts
from medad.lineage.closure import PACKAGE
from medad.lineage.evidence import sha256
from medad.lineage.graph import Node
from medad.lineage.manifest import seal


def step(root: Path, key: str, *records: dict[str, Any]) -> Node:
    for number, more in enumerate(records):
        value = {
            "action": "computed",
            "kind": "head",
            "started": 10.0 + number,
            "compute_s": 1.5,
            "wall_s": 2.0,
            "peak_memory_mib": 100 + number,
            "libraries": {"torch": "1"},
            "machine": {"cpu": "a"},
            "repository": {"commit": "c", "diff": None},
            **more,
        }
        write_json(root / f"results/records/{key[:2]}/{key}/{number}.json", seal(value))
    return Node(f"{key}.manifest.json", {"key": key})


def test_times_commits_and_machines_are_of_every_attempt(tmp_path: Path) -> None:
    restored = {"action": "restored", "machine": {"cpu": "b"}, "compute_s": 0.0}
    nodes = [
        step(tmp_path, "aa", {}, restored),
        step(tmp_path, "bb", {"kind": "score", "started": 5.0}),
    ]
    found = attempts.report(tmp_path, nodes)
    assert found["machines"] == [{"cpu": "a"}, {"cpu": "b"}]
    assert found["mixed"] == []  # restoring elsewhere changes no result
    assert found["unseen"] == []
    assert found["commits"] == [{"commit": "c", "diff": None}]
    records = found["records"]
    assert (records["computed"], records["restored"]) == (2, 1)
    assert (records["compute_s"], records["wall_s"]) == (3.0, 6.0)
    assert (records["first"], records["last"], records["peak_memory_mib"]) == (5.0, 11.0, 101)
    assert records["by_kind"]["score"]["computed"] == 1


def test_mixed_computations_and_steps_only_restored_are_found(tmp_path: Path) -> None:
    nodes = [
        step(tmp_path, "aa", {"libraries": {"torch": "2"}}),
        step(tmp_path, "bb", {"machine": {"cpu": "b"}}),
        step(tmp_path, "cc", {"action": "restored"}),
    ]
    found = attempts.report(tmp_path, nodes)
    assert found["mixed"] == ["libraries", "machines"]
    assert found["unseen"] == ["cc.manifest.json"]


def test_missing_and_damaged_records_are_named(tmp_path: Path) -> None:
    with pytest.raises(MedadError, match=r"results/records/dd/dd: no record of dd\.manifest"):
        attempts.report(tmp_path, [step(tmp_path, "dd")])
    node = step(tmp_path, "ee", {})
    file = tmp_path / "results/records/ee/ee/0.json"
    file.write_text(file.read_text().replace("1.5", "0.5"))
    with pytest.raises(MedadError, match=r"ee/0\.json: changed since it was written"):
        attempts.report(tmp_path, [node])


def test_code_that_changed_or_differs_between_steps_is_found() -> None:
    now = sha256(PACKAGE / "errors.py")
    nodes = [
        Node("a", {"code": {"errors.py": now, "seeds.py": "old"}}),
        Node("b", {"code": {"errors.py": now, "seeds.py": "older", "gone.py": "x"}}),
    ]
    found = attempts.code(nodes)
    assert found["modules"] == {"errors.py": now, "gone.py": "x", "seeds.py": "older"}
    assert found["changed_since"] == ["gone.py", "seeds.py"]
    assert found["several"] == {"seeds.py": ["old", "older"]}
