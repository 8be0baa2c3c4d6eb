from __future__ import annotations

from pathlib import Path
from typing import Any

from medad.data.leakage import report as leakage
from medad.files import Digest, write_csv
from medad.lineage import manifest
from medad.lineage.doubts import contested, doubts
from medad.lineage.evidence import sha256
from medad.lineage.graph import Node
from medad.lineage.manifest import Half
from medad.lineage.subject import Subject

SPLIT = "results/splits/d/paper"
NOTHING: dict[str, Any] = {
    "contested": [],
    "runs": [],
    "mixed": [],
    "unseen": [],
    "code": {"several": {}},
}


def node(path: str, kind: str, params: dict[str, Any], **more: Any) -> Node:
    inputs = more.get("inputs", {})
    outputs = {n: (p, Digest(d, "", 0)) for n, (p, d) in more.get("outputs", {}).items()}
    identity = more.get("identity", {"dataset": "d"})
    built = manifest.build(Half(kind, {}, params, 1, {}), identity, inputs, outputs, {})
    return Node(path, built)


def says(
    root: Path, nodes: list[Node], report: dict[str, Any], **more: Any
) -> list[tuple[str, str]]:
    subject = Subject("t", None, more.get("number"), nodes, nodes[:1], more.get("table"))
    return [(d["about"], d["says"]) for d in doubts(root, subject, {**NOTHING, **report})]


def test_a_split_tells_copies_and_label_conflicts(tmp_path: Path) -> None:
    # Groups: 0 = {a, b} within the pool and across; 1 = {c, d} with both labels.
    found = leakage(
        ["a", "b", "c", "d"],
        [0, 0, 0, 1],
        [0, 0, 1, 1],
        {"pool": [True, True, False, False], "test": [False, True, True, True]},
    )
    item = {"split": f"{SPLIT}.leakage.json", "policy": "paper", "leakage": found}
    assert says(tmp_path, [], {"contested": [item]}) == [
        ("split", f"policy paper: {SPLIT}.leakage.json"),
        ("split", "groups of copies within: pool 1 (2 images), test 1 (2 images)"),
        ("split", "groups of copies across: pool/test 1"),
        ("split", "groups of copies with both labels: 1"),
        ("split", "both labels: c; d"),
    ]


def test_contested_holds_policy_and_report_of_every_split(tmp_path: Path) -> None:
    path = tmp_path / f"{SPLIT}.leakage.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"unused": 3}')
    outputs = {"leakage": (f"{SPLIT}.leakage.json", sha256(path))}
    split = node(f"{SPLIT}.manifest.json", "split", {"policy": "paper"}, outputs=outputs)
    other = node("x", "index", {})
    assert contested(tmp_path, [other, split]) == [
        {"split": f"{SPLIT}.leakage.json", "policy": "paper", "leakage": {"unused": 3}}
    ]


def test_tested_copies_of_shots_are_named_by_draw(tmp_path: Path) -> None:
    run = {"identity": {"k": 4, "r": 1}, "copies": {"test": ["a", "b"], "validation": []}}
    (found,) = says(tmp_path, [], {"runs": [run]})
    assert found == (
        "copies",
        "K 4, replicate 1: 2 test images are copies of its own shots: a; b",
    )


def test_methods_that_leak_by_design_and_inferred_rows_are_named(tmp_path: Path) -> None:
    run = node("m", "metrics", {}, identity={"method": "cls"})
    pairs = node("p.manifest.json", "pairs", {"source": "test"})
    params = {"standings": {"cls": ["leaky", "as printed"]}, "notes": ["A note."]}
    number = {"row_label": "inferred", "published": [0.8, 0.9]}
    found = says(
        tmp_path, [run, pairs], {}, number=number, table=node("t.manifest.json", "table", params)
    )
    assert found == [
        (
            "method",
            "p.manifest.json: trained on test images and their labels, by design; no test result",
        ),
        ("method", "cls is leaky: as printed"),
        ("row", "the paper does not name this row; its label is inferred and never compared"),
        ("row", "the paper prints 0.8 and 0.9"),
        ("paper", "A note."),
    ]
    honest = node("p.manifest.json", "pairs", {"source": "synthetic"})
    certain = {"row_label": "certain", "published": [0.8]}
    assert says(tmp_path, [honest], {}, number=certain) == []


def test_left_out_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "results/index/d/index.skipped.csv"
    write_csv(path, ["path", "reason"], [{"path": "bad.png", "reason": "truncated"}])
    outputs = {"skipped": ("results/index/d/index.skipped.csv", sha256(path))}
    index = "results/index/d/index.manifest.json"
    skipping = node(index, "index", {"on_bad": "skip"}, outputs=outputs)
    assert says(tmp_path, [skipping], {}) == [("data", "left out of d: bad.png: truncated")]


def test_a_mixture_of_versions_is_seen(tmp_path: Path) -> None:
    maker = node("a.manifest.json", "split", {}, outputs={"split": ("x", "new")})
    reader = node("b.manifest.json", "shots", {}, inputs={"split": ("x", "old")})
    assert says(tmp_path, [maker, reader], {}) == [
        ("chain", "b.manifest.json: x was made again since it was read")
    ]
    forged = Node("c.manifest.json", {**maker.manifest, "threads": 2})
    assert says(tmp_path, [forged], {}) == [
        ("chain", "c.manifest.json: its key is not that of its own content")
    ]


def test_mixed_hardware_and_code_are_named(tmp_path: Path) -> None:
    report = {
        "mixed": ["machines"],
        "unseen": ["a.manifest.json"],
        "code": {"several": {"x.py": ["1", "2"]}},
    }
    assert [about for about, _ in says(tmp_path, [], report)] == ["computation"] * 3
