from __future__ import annotations

from typing import Any

from rich.console import Console

from medad.cli.audit_tree import plain, tree

HOSTILE = "[bold red]x[/] \x1b[2J\n\u202e[link=http://example.org]y"
TIMES = {
    "computed": 1,
    "restored": 0,
    "compute_s": 1.0,
    "wall_s": 1.0,
    "peak_memory_mib": 5,
    "first": 0.0,
    "last": 0.0,
}


def text(found: dict[str, Any]) -> str:
    console = Console(highlight=False, width=1_000_000, soft_wrap=True, force_terminal=False)
    with console.capture() as capture:
        console.print(tree(found))
    return capture.get()


def found(**more: Any) -> dict[str, Any]:
    return {
        "target": "t",
        "number": None,
        "runs": [],
        "images": {"shots": [], "test": [], "validation": []},
        "sources": {},
        "code": {"modules": {}, "changed_since": []},
        "commits": [],
        "parameters": {},
        "readings": [],
        "weights": [],
        "libraries": [],
        "machines": [],
        "records": {**TIMES, "by_kind": {}},
        "mlflow": {},
        "tracking": {"uri": None},
        "doubts": [],
        **more,
    }


def test_text_is_neither_markup_nor_control_characters() -> None:
    assert plain(HOSTILE).plain == r"[bold red]x[/] \x1b[2J\n\u202e[link=http://example.org]y"
    assert not plain(HOSTILE).spans


def test_names_from_data_are_shown_as_they_are() -> None:
    run = {
        "identity": {"k": 4, "r": 0, HOSTILE: 1},
        "values": {"auroc": 0.5},
        "draw": [{"path": HOSTILE, "sha256": "a" * 64}],
        "counts": {},
        "seeds": {HOSTILE: {HOSTILE: 1}},
        "artifacts": {HOSTILE: {HOSTILE: "b" * 64}},
    }
    shown = text(
        found(
            target=HOSTILE,
            runs=[run],
            sources={HOSTILE: "c" * 64},
            commits=[{"commit": HOSTILE, "diff": HOSTILE}],
            parameters={HOSTILE: {HOSTILE: HOSTILE}},
            doubts=[{"about": HOSTILE, "says": HOSTILE}],
            machines=[{HOSTILE: HOSTILE}],
        )
    )
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert shown.count("[bold red]x[/]") >= 12
    assert shown.startswith(r"[bold red]x[/] \x1b[2J\n")


def test_the_order_is_that_of_the_questions() -> None:
    shown = text(
        found(
            libraries=[{"numpy": 1}],
            machines=[{"cpu": "a"}],
            weights=[
                {
                    "params": {"name": "resnet18", "weights": "random"},
                    "output": {"sha256": "d" * 64},
                    "from": "drawn by seed 1",
                }
            ],
            mlflow={"a.manifest.json": "run-a"},
            tracking={"uri": "http://h", "links": {"run-a": "http://h/#/runs/run-a"}},
        )
    )
    order = ("images", "code", "parameters", "weights", "environment", "machine", "records")
    order += ("MLflow store", "known to leak")
    places = [shown.index(word) for word in order]
    assert places == sorted(places)
    assert "http://h/#/runs/run-a" in shown
    assert "1970-01-01 00:00:00 to 1970-01-01 00:00:00 UTC" in shown


def test_a_reading_shows_what_differs_and_its_alternatives() -> None:
    reading = {
        "key": "stage1.consult.koleo",
        "steps": ("stage1",),
        "value": "nearest",
        "default": "norm",
        "literal": "norm",
        "choices": ("norm", "nearest", "none"),
        "note": "norm (literal)",
        "open": True,
        "point": "the d",
    }
    number = {**reading, "key": "stage1.consult.slope", "open": False}
    shown = text(found(readings=[reading, number]))
    assert (
        "stage1.consult.koleo = nearest; params.yaml: norm; consult_literal: norm; "
        "also: norm, none  # norm (literal)  [open in the paper: the d]"
    ) in shown
    assert "slope" not in shown


def test_a_missing_store_and_no_runs_are_said() -> None:
    assert "none of these steps is tracked here" in text(found())
    tracking = {"uri": "sqlite:///x.db", "experiments": {}, "problem": "unable to open"}
    shown = text(found(mlflow={"a.manifest.json": "run-a"}, tracking=tracking))
    assert "not readable now: unable to open" in shown


def test_a_difference_is_told_with_the_interval_of_all_k_where_there_are_several() -> None:
    number = {
        "value": 0.7,
        "metric": "auroc",
        "aggregation": "mean over draws",
        "n": 2,
        "sd": 0.1,
        "low": 0.6,
        "high": 0.8,
        "confidence": 0.95,
        "baseline": "patchcore",
        "vs_baseline": 0.0632,
        "vs_low": 0.0088,
        "vs_high": 0.1252,
        "published": [],
        "source": "a paper",
        "difference": None,
        "verdict": "above",
        "reason": "",
        "together": None,
        "interval_file": {"path": "i.json", "sha256": "e" * 64},
    }
    alone = "difference from patchcore: +0.0632 [0.0088, 0.1252]"
    assert f"{alone}\n" in text(found(number=number))
    number["together"] = [-0.0127, 0.1394]
    assert f"{alone}, for all K together [-0.0127, 0.1394]\n" in text(found(number=number))
