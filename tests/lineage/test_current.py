from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from medad.config.load import load
from medad.files import read_json, write_json
from medad.lineage import manifest
from medad.lineage.current import CHANGED, Current, Job
from medad.plan import Plan

pytestmark = pytest.mark.engine
RUN = {"dataset": "phantom", "split": "grouped", "method": "padim", "k": "2"}
SPLIT = "results/splits/phantom/grouped.manifest.json"


def current(root: Path, sources: dict[str, str] | None = None) -> Current:
    return Current(Plan(root, load(root)), sources or {}, CHANGED)


def jobs(root: Path) -> dict[str, bool]:
    asked = current(root)
    kinds = ("phantom", "index", "split", "shots", "head", "score", "metrics")
    return {kind: asked.is_current(job(kind)) for kind in kinds}


def job(kind: str) -> Job:
    return Job(kind, {name: RUN[name] for name in needed(kind)})


def needed(kind: str) -> list[str]:
    fields = {"phantom": 1, "index": 1, "split": 2, "shots": 2, "head": 3, "score": 4, "metrics": 3}
    return list(RUN)[: fields[kind]]


def test_after_a_run_everything_is_current(finished: Project) -> None:
    assert set(jobs(finished.root).values()) == {True}


def test_a_parameter_makes_its_steps_and_what_rests_on_them_stale(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    project.change({"detectors": {"padim": {"dimensions": 30}}})
    stale = {kind for kind, fresh in jobs(project.root).items() if not fresh}
    assert stale == {"head", "score", "metrics"}


def test_outputs_may_be_missing_but_manifests_may_not(copy: Callable[[], Project]) -> None:
    project = copy()
    (project.root / "results/heads/phantom/grouped/padim/k2/r0.safetensors").unlink()
    assert set(jobs(project.root).values()) == {True}
    (project.root / SPLIT).unlink()
    assert [kind for kind, fresh in jobs(project.root).items() if fresh] == ["phantom", "index"]


@pytest.mark.parametrize("sealed", [True, False])
def test_what_a_step_above_says_now_counts(copy: Callable[[], Project], sealed: bool) -> None:
    """Other content under a split, rightly sealed or not, is never taken for the old one."""
    project = copy()
    found = read_json(project.root / SPLIT)
    found["outputs"]["split"]["sha256"] = "0" * 64
    write_json(project.root / SPLIT, manifest.seal(found) if sealed else found)
    stale = {kind for kind, fresh in jobs(project.root).items() if not fresh}
    assert stale == {"shots", "head", "score", "metrics"} | (set() if sealed else {"split"})


def test_a_folder_with_other_images_makes_its_index_stale(
    finished: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ".prov/raw/phantom.json"
    listed = {"listing": path}
    known = read_json(finished.root / "results/index/phantom/index.manifest.json")
    known["inputs"] = {"listing": {"path": path, "sha256": "a" * 64}}
    half = Plan(finished.root, load(finished.root)).half("index", {"dataset": "phantom"})
    known["key"] = manifest.key(half, known["identity"], {"listing": "a" * 64})
    monkeypatch.setattr("medad.layout.inputs", lambda *_: listed)
    monkeypatch.setattr("medad.lineage.manifest.read", lambda _: known)
    assert current(finished.root, {path: "a" * 64}).is_current(job("index"))
    assert current(finished.root).is_current(job("index"))  # the images are not here
    assert not current(finished.root, {path: "b" * 64}).is_current(job("index"))


def test_a_job_runs_for_a_missing_output_only_where_that_is_needed(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    assert current(project.root).jobs(["all"]) == []
    for path in (project.root / "results/heads/phantom/grouped").rglob("*.safetensors"):
        path.unlink()
    maps = "results/scores/phantom/grouped/padim/k2/r0.maps.npz"
    (project.root / maps).unlink()
    assert current(project.root).jobs(["all", "stage_heads"]) == []
    assert set(map(str, current(project.root).jobs([maps]))) == {
        str(Job("score", RUN)),
        str(job("head")),
    }
    project.change({"detectors": {"padim": {"dimensions": 30}}})
    found = {(one.kind, one.wildcards.get("method")) for one in current(project.root).jobs(["all"])}
    assert found == {
        *(("head", "padim"), ("score", "padim"), ("metrics", "padim")),
        *(("intervals", None), ("table", None)),
    }
