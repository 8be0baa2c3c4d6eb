"""Sizes of splits, beside the printed ones or without any."""

from __future__ import annotations

from typing import Any

import pytest

from medad.errors import MedadError
from medad.reporting.sizes import COLUMNS, render, rows

ENTRIES = [{"name": "a", "dataset": "a", "label": "A", "published": [58, 40, 155]}]


def report(pool: int) -> dict[str, Any]:
    sizes = {
        "pool": {"healthy": pool, "anomalous": 0, "groups": 50},
        "test": {"healthy": 40, "anomalous": 155, "groups": 160},
    }
    return {"sizes": sizes, "across": {"pool/test": 7}, "conflicting": [3], "unused": 2}


def made(pool: int = 58, **changes: Any) -> list[dict[str, str]]:
    entries = [{**ENTRIES[0], **changes}]
    leakage = {f"{dataset}/adfa": report(pool) for dataset in ("a", "b")}
    counts = {
        name: {"files": 300, "used_as_images": 253, "used_as_masks": 10} for name in ("a", "b")
    }
    return rows(entries, ["a", "b"], ["adfa"], leakage, counts)


def test_lines_and_verdicts() -> None:
    published, other = made()
    assert list(published) == list(COLUMNS)
    assert published["row"] == "A"
    sizes = [published[name] for name in COLUMNS[3:9]]
    assert sizes == ["58", "40", "155"] * 2
    assert (published["verdict"], other["verdict"]) == ("as published", "not printed")
    assert other["paper_train_healthy"] == ""
    assert (published["copies_across"], published["conflicting_groups"]) == ("7", "1")
    assert (published["files"], published["files_used"], published["unused"]) == ("300", "263", "2")
    assert made(57)[0]["verdict"] == "other numbers"


def test_markdown_holds_the_same() -> None:
    text = render("Title", made())
    assert text.startswith("# Title\n")
    assert (
        "| **A, split adfa** | 58 | 40 | 155 | 58, 40, 155 | as published | 50, 160 | 7 |" in text
    )
    assert "| **b, split adfa** | 58 | 40 | 155 |  | not printed |" in text


def test_a_published_data_set_that_is_not_here_is_said_to_be_missing() -> None:
    absent = {"name": "c", "dataset": "c", "label": "C", "published": [74, 20, 20]}
    (found,) = rows([absent], [], ["adfa"], {}, {})
    assert list(found) == list(COLUMNS)
    assert [found[name] for name in COLUMNS[6:10]] == ["74", "20", "20", "not here"]
    assert not any(found[name] for name in (*COLUMNS[3:6], *COLUMNS[10:], "split"))
    assert "| **C** |  |  |  | 74, 20, 20 | not here |  |  |  |" in render("Title", [found])


def test_published_numbers_are_three() -> None:
    message = r"a: published \[58, 40\]; allowed: three numbers, or none"
    with pytest.raises(MedadError, match=message):
        made(published=[58, 40])
    with pytest.raises(MedadError, match=message):
        rows([{**ENTRIES[0], "published": [58, 40]}], [], ["adfa"], {}, {})
