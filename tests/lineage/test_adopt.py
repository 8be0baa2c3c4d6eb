from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project

from medad.errors import MedadError
from medad.files import read_json, write_json
from medad.lineage import adopt
from medad.lineage.verify import UNPUBLISHED

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1.csv"


def forget(project: Project) -> None:
    """As after a fresh clone: no results, no state of any engine."""
    for name in ("results", ".prov", ".snakemake", ".dvc/cache", "logs"):
        shutil.rmtree(project.root / name, ignore_errors=True)


@pytest.fixture(scope="module")
def published(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    adopt.publish(finished.root, [TABLE], folder)
    return folder


def test_published_bytes_repeat(finished: Project, published: Path, tmp_path: Path) -> None:
    adopt.publish(finished.root, [TABLE], tmp_path)
    for file in published.rglob("*.*"):
        assert file.read_bytes() == (tmp_path / file.relative_to(published)).read_bytes()
    assert (published / "table1.csv").read_bytes() == finished.table()


def test_a_table_and_a_figure_share_their_evidence(
    copy: Callable[[], Project], finished: Project, published: Path, tmp_path: Path
) -> None:
    figure = "results/figures/phantom/grouped/figure1.png"
    adopt.publish(finished.root, [TABLE, figure], tmp_path)
    picture = (tmp_path / "figure1.png").read_bytes()
    assert picture == (finished.root / figure).read_bytes()
    for name in ("table1.csv", "evidence/scores.zip", "evidence/metrics.zip"):
        assert (tmp_path / name).read_bytes() == (published / name).read_bytes()
    packed = zipfile.ZipFile(tmp_path / "evidence/figures.zip").namelist()
    assert packed == [figure.replace(".png", ".manifest.json")]
    project = copy()
    forget(project)
    project.medad("adopt", str(tmp_path))
    assert (project.root / figure).read_bytes() == picture
    assert project.table() == finished.table()
    other = project.root / figure.replace("grouped", "paper")
    other.parent.mkdir()
    manifest = (project.root / figure).with_name("figure1.manifest.json")
    shutil.copy(manifest, other.with_name(manifest.name))
    with pytest.raises(MedadError, match="results of the same name"):
        adopt.publish(project.root, [figure, figure.replace("grouped", "paper")], tmp_path)


def test_a_picture_that_was_touched_up_is_refused(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    project = copy()
    figure = "results/figures/phantom/grouped/figure1.png"
    project.medad("publish", figure, str(tmp_path))
    forget(project)
    with (tmp_path / "figure1.png").open("ab") as stream:
        stream.write(b"brighter")
    refused = project.medad("adopt", str(tmp_path), check=False)
    assert refused.returncode == 2
    assert f"refused: not what their manifests say: {figure}" in refused.stderr


def test_no_image_no_model_and_no_map_is_published(published: Path) -> None:
    names = [n for f in published.glob("evidence/*.zip") for n in zipfile.ZipFile(f).namelist()]
    assert names
    assert not [n for n in names if n.endswith((".safetensors", ".zip", ".npz", ".png"))]


def test_a_published_table_is_rendered_again_without_images_or_models(
    copy: Callable[[], Project], finished: Project, published: Path
) -> None:
    project = copy()
    forget(project)
    assert "known by their manifest alone" in project.medad("adopt", str(published)).stdout
    before = len(project.records())
    (project.root / TABLE).unlink()
    project.snakemake(TABLE)
    assert project.table() == finished.table()
    assert set(project.actions(before)) <= {("restored", "table"), ("computed", "table")}
    said = project.medad("verify").stdout
    assert "files were not published with the table; known by hash" in said
    # Another version of a file that was left out is no longer excused.
    away = read_json(project.root / UNPUBLISHED)
    head = "results/heads/phantom/grouped/padim/k2/r0.safetensors"
    write_json(project.root / UNPUBLISHED, {**away, head: "0" * 64})
    assert f"{head}: missing" in project.medad("verify", check=False).stdout
    write_json(project.root / UNPUBLISHED, away)
    (project.root / "results/scores/phantom/grouped/padim/k2/r0.parquet").unlink()
    lost = project.medad("verify", check=False)
    assert lost.returncode == 1
    assert lost.stdout.count("missing") == 1


def test_a_later_run_makes_only_what_its_change_needs(
    copy: Callable[[], Project], finished: Project, published: Path
) -> None:
    """Models and images are not published: those the change needs are made again, no others."""
    project = copy()
    forget(project)
    project.medad("adopt", str(published))
    count = len(project.records())
    project.change({"detectors": {"padim": {"regularisation": 0.02}}})
    project.snakemake(TABLE)
    made = {"phantom", "weights", "head:padim", "score:padim", "metrics:padim"}
    expected = {("computed", step) for step in made | {"intervals", "table"}}
    assert set(project.actions(count)) == expected
    for step in ("weights", "shots"):
        assert project.contents(step).items() <= finished.contents(step).items()


def test_a_changed_file_is_refused_by_name(copy: Callable[[], Project]) -> None:
    project = copy()
    target = project.root / "results/scores/phantom/grouped/padim/k2/r0.parquet"
    target.write_bytes(target.read_bytes()[:-1])
    done = project.medad("adopt", check=False)
    assert done.returncode == 2
    assert "refused: not what their manifests say: results/scores/phantom" in done.stderr


def test_archives_may_not_leave_results(tmp_path: Path) -> None:
    (tmp_path / "evidence").mkdir()
    for name in ("results/../../x", "src/medad/x.py", "/etc/x"):
        with zipfile.ZipFile(tmp_path / "evidence" / "x.zip", "w") as archive:
            archive.writestr(name, "x")
        with pytest.raises(MedadError, match="only hold files below results/"):
            adopt.unpack(tmp_path, tmp_path / "root")
    with pytest.raises(MedadError, match=r"no evidence/\*\.zip"):
        adopt.unpack(tmp_path / "evidence", tmp_path)


def test_another_version_is_never_overwritten(published: Path, tmp_path: Path) -> None:
    (tmp_path / "results/tables").mkdir(parents=True)
    (tmp_path / TABLE).write_text("mine")
    with pytest.raises(MedadError, match="another version is here"):
        adopt.unpack(published, tmp_path)
    assert (tmp_path / TABLE).read_text() == "mine"
