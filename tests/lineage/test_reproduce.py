"""Numbers are computed again elsewhere; a planted difference is found at its own step."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project import Project

from medad.files import digest, read_csv, write_csv, write_json
from medad.lineage import cells, manifest
from medad.lineage.graph import Graph
from medad.lineage.reproduce import mean

TABLE = "results/tables/table1.csv"
CONSULT = (TABLE, "--row", "CONSULT", "--column", "K4")
PATCHCORE = (TABLE, "--row", "PatchCore", "--column", "K4")
SHOTS = "results/shots/phantom/grouped/k4/r0"
METRICS = "results/metrics/phantom/grouped/patchcore/k4/r0"


def everything(root: Path) -> dict[str, tuple[str, int]]:
    """Content and time of every file of a project, git's own and the home of its programs apart."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {
        str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in files
        if path.relative_to(root).parts[0] not in (".git", "home")
    }


def reproduced(project: Project, *arguments: str, status: int) -> dict[str, Any]:
    done = project.medad("reproduce", *arguments, "--json", check=False)
    assert done.returncode == status, done.stderr
    return dict(json.loads(done.stdout))


def forge(root: Path, path: str) -> None:
    """Make a changed output look as if its step had made it: its manifest and the manifests of all
    that read it, directly or not, with keys and seals that hold."""
    pending = [str(manifest.beside(path))]
    while pending:
        name = pending.pop(0)
        known = manifest.read(root / name)
        for item in known["outputs"].values():
            found = digest(root / item["path"])
            item.update(sha256=found.sha256, md5=found.md5, size=found.size)
        for item in known["inputs"].values():
            item["sha256"] = digest(root / item["path"]).sha256
        half = manifest.Half(**{n: known[n] for n in manifest.Half.__dataclass_fields__})
        inputs = {n: item["sha256"] for n, item in known["inputs"].items()}
        known["key"] = manifest.key(half, known["identity"], inputs)
        write_json(root / name, manifest.seal(known))
        outputs = {item["path"] for item in known["outputs"].values()}
        for other in Graph(root).paths:
            read = manifest.read(root / other)["inputs"].values()
            if outputs & {item["path"] for item in read}:
                pending.append(other)


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.parametrize("cell", [CONSULT, PATCHCORE])
def test_a_cell_comes_out_the_same_and_nothing_here_is_touched(
    finished: Project, tmp_path: Path, cell: tuple[str, ...]
) -> None:
    before = everything(finished.root)
    kept = tmp_path / "kept"
    found = reproduced(finished, *cell, "--keep", str(kept), status=0)
    assert everything(finished.root) == before
    assert found["first"] is None
    map_file = finished.root / "results/tables/table1.cells.json"
    assert found["number"]["recomputed"] == cells.cells(map_file)[found["cell"]]["value"]
    kinds = {"weights", "phantom", "index", "split", "shots", "head", "score", "metrics"}
    assert {step["kind"] for step in found["steps"]} - {"pairs", "stage1"} == kinds
    assert len(found["steps"]) == (10 if cell is CONSULT else 8)
    assert list(found["sources"]) == [finished.git("rev-parse", "HEAD").strip()]
    records = [json.loads(f.read_bytes()) for f in kept.glob("project/results/records/*/*/*.json")]
    assert [r["action"] for r in records] == ["computed"] * len(found["steps"])
    # Its own look at the bytes, beside what the command says of them.
    for step in found["steps"]:
        for output in step["outputs"]:
            made = kept / "project" / output["path"]
            assert made.read_bytes() == (finished.root / output["path"]).read_bytes()


@pytest.mark.engine
@pytest.mark.slow
def test_a_forged_draw_is_found_at_the_draw(copy: Callable[[], Project]) -> None:
    project = copy()
    path = project.root / f"{SHOTS}.csv"
    rows = read_csv(path)
    rows[1]["path"], rows[2]["path"] = rows[2]["path"], rows[1]["path"]
    write_csv(path, list(rows[0]), rows)
    forge(project.root, f"{SHOTS}.csv")
    found = reproduced(project, *PATCHCORE, status=1)
    first = found["first"]
    assert (first["step"], first["output"]) == (f"{SHOTS}.manifest.json", f"{SHOTS}.csv")
    assert first["recorded"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert first["recomputed"] != first["recorded"]
    assert first["field"] == f"row 2, path: {rows[1]['path']}, now {rows[2]['path']}"
    assert first["inputs_same"]
    states = {step["kind"]: (step["same"], step["inputs_same"]) for step in found["steps"]}
    assert states["split"] == (True, True)
    assert states["shots"] == (False, True)
    assert states["metrics"] == (True, True)
    assert states["score"] == (True, False)  # the same scores, of shots that are said to be others
    assert found["number"]["same"]


@pytest.mark.engine
def test_a_forged_number_is_found_at_its_metrics(copy: Callable[[], Project]) -> None:
    project = copy()
    path = project.root / f"{METRICS}.json"
    values = json.loads(path.read_bytes())
    true, values["auroc"] = values["auroc"], 0.9
    write_json(path, values)
    map_file = project.root / "results/tables/table1.cells.json"
    table = json.loads(map_file.read_bytes())
    table["cells"]["phantom/grouped/PatchCore/K4"]["value"] = 0.9
    write_json(map_file, table)
    forge(project.root, f"{METRICS}.json")
    found = reproduced(project, *PATCHCORE, "--from", "scores", status=1)
    assert found["first"]["output"] == f"{METRICS}.json"
    assert found["first"]["field"] == f"auroc: 0.9, now {true}"
    assert found["number"] == {"recorded": 0.9, "recomputed": true, "same": False}
    text = project.medad("reproduce", *PATCHCORE, "--from", "scores", check=False)
    assert text.returncode == 1
    assert f"is {true}, the cell says 0.9" in text.stdout
    assert f"    {METRICS}.json\n" in text.stdout


@pytest.mark.engine
def test_a_forged_cell_map_alone_is_seen(copy: Callable[[], Project]) -> None:
    project = copy()
    map_file = project.root / "results/tables/table1.cells.json"
    table = json.loads(map_file.read_bytes())
    table["cells"]["phantom/grouped/PatchCore/K4"]["value"] += 1e-9
    write_json(map_file, table)
    done = project.medad("reproduce", *PATCHCORE, "--from", "scores", check=False)
    assert done.returncode == 2
    assert "table1.cells.json: changed since it was made" in done.stderr
    forge(project.root, "results/tables/table1.cells.json")
    found = reproduced(project, *PATCHCORE, "--from", "scores", status=1)
    assert (found["first"], found["number"]["same"]) == (None, False)


@pytest.mark.engine
def test_a_file_that_is_not_the_recorded_one_is_never_certified(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    path = project.root / TABLE
    path.write_bytes(path.read_bytes().replace(b"0.", b"0.9", 1))
    found = reproduced(project, TABLE, "--from", "metrics", status=1)
    assert (found["first"], found["same"]) == (None, False)
    assert [step["changed_here"] for step in found["steps"]] == [[], [TABLE]]
    for options, status, message in (
        ((TABLE, "--from", "metrics"), 1, f"{TABLE}: the file here is not the one recorded"),
        ((*CONSULT, "--from", "scores"), 2, f"{TABLE}: changed since it was made"),
    ):
        done = project.medad("reproduce", *options, check=False)
        assert done.returncode == status
        assert message in done.stdout + done.stderr


@pytest.mark.engine
@pytest.mark.slow
def test_code_whose_result_changes_every_time_is_found(copy: Callable[[], Project]) -> None:
    project = copy().without_tracking()
    edit = 'write_json(\n        task.outputs["metrics"],\n        {\n'
    project.replace("src/medad/steps/metrics.py", edit, f'{edit}            "drawn": drawn(),\n')
    project.replace(
        "src/medad/steps/metrics.py",
        "UPDATE = 32",
        "from random import SystemRandom\n\ndrawn = SystemRandom().random\nUPDATE = 32",
    )
    project.commit()
    project.snakemake(f"{METRICS}.json")
    found = reproduced(project, f"{METRICS}.json", "--from", "scores", status=1)
    assert list(found["sources"]) == [project.git("rev-parse", "HEAD").strip()]
    assert found["first"]["step"] == f"{METRICS}.manifest.json"
    assert found["first"]["field"].startswith("drawn: 0.")


@pytest.mark.engine
def test_a_table_follows_from_published_scores_and_metrics(copy: Callable[[], Project]) -> None:
    project = copy()
    for folder in ("heads", "stage1", "pairs", "weights"):
        for path in (project.root / "results" / folder).rglob("*.*"):
            if not path.name.endswith(".manifest.json"):
                path.unlink()
    for path in (project.root / "results/scores").rglob("*.npz"):
        path.unlink()
    for place in (".prov", ".dvc/cache"):
        shutil.rmtree(project.root / place)
    found = reproduced(project, TABLE, "--from", "metrics", status=0)
    assert [step["kind"] for step in found["steps"]] == ["intervals", "table"]


@pytest.mark.engine
def test_without_the_commit_the_present_modules_do_or_are_named(
    copy: Callable[[], Project],
) -> None:
    project = copy()
    commit = project.git("rev-parse", "HEAD").strip()
    shutil.rmtree(project.root / ".git")
    found = reproduced(project, *PATCHCORE, "--from", "scores", status=0)
    assert found["sources"] == {"present": 1}
    assert found["notes"] == [
        f"sources: recorded is commit {commit[:12]}, which is not here or had changes; the present "
        "ones have the same modules"
    ]
    project.edit("src/medad/evaluation/auroc.py")
    done = project.medad("reproduce", *PATCHCORE, "--from", "scores", check=False)
    assert done.returncode == 2
    assert f"commit {commit[:12]} is not in this repository" in done.stderr
    assert "the present src/medad has other versions of evaluation/auroc.py;" in done.stderr


def test_a_mean_over_shot_counts_is_taken_draw_by_draw() -> None:
    values = {f"metrics/d/s/m/k{k}/r{r}": v for k, r, v in ((2, 0, 0.1), (4, 0, 0.2), (2, 1, 0.7))}
    assert mean(values) == ((0.1 + 0.2) / 2 + 0.7) / 2
