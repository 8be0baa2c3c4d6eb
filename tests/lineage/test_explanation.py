from __future__ import annotations

from typing import Any

from medad.lineage.differences import Cause
from medad.lineage.explanation import explain


def cause(sort: str, what: str, old: Any, new: Any, step: str, number: int = 0) -> Cause:
    return Cause(sort, what, old, new, step, f"results/{number}.manifest.json")


def test_one_cause_of_several_steps_is_one_line() -> None:
    found = explain(cause("parameter", "neighbors", 9, 3, "score", i) for i in range(3))
    assert [item.text for item in found] == ["parameter score.neighbors: 9 -> 3 (3 steps)"]
    assert len(found[0].steps) == 3
    both = explain(cause("parameter", "side", 1, 2, step) for step in ("head", "score"))
    assert [item.text for item in both] == ["parameter side of head, score: 1 -> 2 (1 step)"]


def test_what_was_chosen_comes_before_what_ran_and_where() -> None:
    sorts = ("unknown", "machine", "module", "image", "parameter", "seed", "identity")
    found = explain(cause(sort, "x", "1" * 64, "2" * 64, "head") for sort in sorts)
    assert [item.sort for item in found] == list(reversed(sorts))


def test_the_name_of_pairs_is_left_out_where_their_parameters_are_told() -> None:
    name = cause("parameter", "synthesis", "consult", "consult-own", "stage1")
    points = cause("parameter", "points", 5, 6, "pairs")
    assert [item.what for item in explain([name, points])] == ["points"]
    assert [item.what for item in explain([name])] == ["synthesis"]


def test_long_values_are_cut_and_uncertain_causes_say_so() -> None:
    (long,) = explain([cause("parameter", "notes", [], ["x" * 99], "table")])
    assert long.text.endswith("... (1 step)")
    assert len(long.text) < 120
    (maybe,) = explain([Cause("library", "numpy", "2.4", "2.3", "head", "x", certain=False)])
    assert maybe.text == (
        "library numpy: 2.4 -> 2.3 (1 step); of steps whose keys differ too, so it may have had no "
        "part"
    )
