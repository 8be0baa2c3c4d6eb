from __future__ import annotations

from typing import Any

import pytest

from medad.lineage.differences import own


def step(**changed: Any) -> dict[str, Any]:
    """A manifest of a head, or of what ``changed`` says."""
    return {
        "kind": "head",
        "identity": {"dataset": "phantom", "k": 2},
        "params": {"seed": 0, "neighbors": 9, "views": {"crop": 0.5}},
        "code": {"files.py": "a" * 64, "detectors/patchcore.py": "b" * 64},
        "threads": 1,
        "environment": {},
        "inputs": {"teacher": {"path": "t.pt", "sha256": "c" * 64}},
        **changed,
    }


def said(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    return [(c.sort, c.what, c.old, c.new) for c in own(old, new, "results/x.manifest.json")]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"identity": {"dataset": "phantom", "k": 4}}, [("identity", "K", 2, 4)]),
        ({"threads": 2}, [("threads", "threads", 1, 2)]),
        ({"code": {"files.py": "a" * 64}}, [("module", "detectors/patchcore.py", "b" * 64, None)]),
        (
            {"inputs": {"teacher": {"path": "t.pt", "sha256": "d" * 64}}},
            [("file", "teacher file t.pt", "c" * 64, "d" * 64)],
        ),
        (
            {"inputs": {"weights": {"path": "results/weights/a.b.safetensors", "sha256": "d"}}},
            [],  # what a step made is looked for where it was made
        ),
        (
            {"params": {"seed": 0, "neighbors": 9, "views": {}}},
            [("parameter", "views.crop", 0.5, None), ("parameter", "views", None, {})],
        ),
    ],
)
def test_a_difference_is_named_once(
    changed: dict[str, Any], expected: list[tuple[str, str, Any, Any]]
) -> None:
    assert sorted(said(step(), step(**changed)), key=str) == sorted(expected, key=str)


def test_of_which_method_a_head_is_is_no_cause() -> None:
    old = step(kind="score", params={"smooth": 0.0})
    new = step(kind="score", params={"smooth": 1.0, "head": "patchcore"})
    assert said(old, new) == [("parameter", "smooth", 0.0, 1.0)]
    heads = [step(identity={"method": name, "k": 2}) for name in ("patchcore", "other")]
    assert said(*heads) == []
    assert said(*({**head, "kind": "score"} for head in heads)) == [
        ("identity", "method", "patchcore", "other")
    ]


def test_the_hash_of_a_file_is_no_second_cause() -> None:
    old = step(params={"teacher_file": "t.pt", "teacher_sha256": "c" * 64})
    new = step(
        params={"teacher_file": "u.pt", "teacher_sha256": "d" * 64},
        inputs={"teacher": {"path": "u.pt", "sha256": "d" * 64}},
    )
    assert said(old, new) == [("file", "teacher file u.pt", "c" * 64, "d" * 64)]


def test_another_implementation_brings_its_own_parameters_and_modules() -> None:
    old = step(params={"implementation": "medad.detectors.patchcore:PatchCore", "coreset": 0.1})
    new = step(
        params={"implementation": "medad.detectors.padim:Padim", "dimensions": 100},
        code={"files.py": "a" * 64, "detectors/padim.py": "e" * 64},
    )
    ((sort, what, *_),) = said(old, new)
    assert (sort, what) == ("parameter", "implementation")


def test_a_strict_environment_is_compared_by_library() -> None:
    old, new = ({"numpy": version, "cpu": "x"} for version in ("2.4", "2.3"))
    assert said(step(environment=old), step(environment=new)) == [
        ("library", "numpy", "2.4", "2.3")
    ]
    assert said(step(environment=old), step(environment={**old, "cpu": "y"})) == [
        ("machine", "cpu", "x", "y")
    ]


def test_what_a_figure_takes_of_other_steps_is_theirs() -> None:
    def figure(epochs: int, draws: list[int]) -> dict[str, Any]:
        params = {"methods": ["a"], "draws": draws, "stage1": {"a": {"epochs": epochs}}}
        return step(kind="figure", identity={"figure": "figure1"}, params=params)

    (cause,) = own(figure(1, [0]), figure(2, [0]), "x")
    assert (cause.step, cause.what) == ("stage1", "epochs")
    assert said(figure(1, [0]), figure(1, [0, 1])) == [("selection", "replicate", None, 1)]
    assert said(figure(1, [0, 1]), figure(1, [1, 0])) == [
        ("parameter", "order of draws", [0, 1], [1, 0])
    ]
