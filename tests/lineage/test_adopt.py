from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project
from small_project import Small, run
from small_publication import HEADS, METRICS, publication, rewrite, snapshot
from small_publication import TABLE as SMALL_TABLE

from medad import layout
from medad.errors import MedadError
from medad.files import read_json, write_json
from medad.lineage import manifest
from medad.lineage.adopt import Adopted, adopt
from medad.lineage.publish import publish
from medad.lineage.verify import UNPUBLISHED, verify

TABLE = "results/tables/table1.csv"


def forget(project: Project) -> None:
    """As after a fresh clone: no results, no state of any engine."""
    for name in ("results", ".prov", ".snakemake", ".dvc/cache", "logs"):
        shutil.rmtree(project.root / name, ignore_errors=True)


@pytest.fixture(scope="module")
def published(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    publish(finished.root, [TABLE], folder)
    return folder


@pytest.mark.engine
def test_published_bytes_repeat(finished: Project, published: Path, tmp_path: Path) -> None:
    publish(finished.root, [TABLE], tmp_path)
    for file in published.rglob("*.*"):
        assert file.read_bytes() == (tmp_path / file.relative_to(published)).read_bytes()
    assert (published / "table1.csv").read_bytes() == finished.table()


@pytest.mark.engine
def test_a_table_and_a_figure_share_their_evidence(
    copy: Callable[[], Project], finished: Project, published: Path, tmp_path: Path
) -> None:
    figure = "results/figures/phantom/grouped/figure1.png"
    publish(finished.root, [TABLE, figure], tmp_path)
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


@pytest.mark.engine
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


@pytest.mark.engine
def test_no_image_no_model_and_no_map_is_published(published: Path) -> None:
    names = [n for f in published.glob("evidence/*.zip") for n in zipfile.ZipFile(f).namelist()]
    assert names
    assert not [n for n in names if n.endswith((".safetensors", ".zip", ".npz", ".png"))]


@pytest.mark.engine
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


@pytest.mark.engine
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


def test_a_refused_publication_leaves_all_as_it_was_and_the_good_one_is_taken(
    tmp_path: Path,
) -> None:
    folder, root = publication(tmp_path), tmp_path / "root"
    shutil.copytree(folder, tmp_path / "bad")
    rewrite(tmp_path / "bad", {METRICS: b'{"auroc": 0.1}'})
    root.mkdir()
    with pytest.raises(MedadError, match=f"refused: not what their manifests say: {METRICS}$"):
        adopt(root, tmp_path / "bad")
    assert snapshot(root) == {}
    assert adopt(root, folder) == Adopted(27, 7, 2)
    assert verify(root) == ([], ["2 files were not published with the table; known by hash"])
    assert len(list((root / ".prov/index").iterdir())) == 7
    before = snapshot(root)
    assert adopt(root, folder) == Adopted(0, 7, 2)
    assert snapshot(root) == before


def test_another_version_is_never_overwritten(tmp_path: Path) -> None:
    """Be it of a file that is published, or of one that is left out."""
    folder = publication(tmp_path)
    for path in (SMALL_TABLE, HEADS[0]):
        root = tmp_path / path.split("/")[1]
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text("mine")
        before = snapshot(root)
        with pytest.raises(MedadError, match=f"another version is here.*: {path}$"):
            adopt(root, folder)
        assert snapshot(root) == before


def test_a_wrong_file_of_this_project_is_refused_before_a_publication_is_placed(
    tmp_path: Path,
) -> None:
    folder, root = publication(tmp_path), tmp_path / "root"
    made = Small(root).step("head", run("c"), {}, {"head": b"c"})["head"]
    shutil.rmtree(root / "results/metrics")
    (root / made).write_text("d")
    before = snapshot(root)
    with pytest.raises(MedadError, match=f"refused: not what their manifests say: {made}$"):
        adopt(root, folder)
    assert snapshot(root) == before


def test_without_a_folder_nothing_is_stored_before_all_is_verified(tmp_path: Path) -> None:
    root = Small(tmp_path).root
    assert adopt(root) == Adopted(0, 9, 0)
    assert len(list((root / ".prov/index").iterdir())) == 9
    assert not (root / UNPUBLISHED).exists()
    shutil.rmtree(root / ".prov")
    shutil.rmtree(root / ".dvc")
    (root / SMALL_TABLE).write_text("other")
    before = snapshot(root)
    with pytest.raises(MedadError, match=f"refused: not what their manifests say: {SMALL_TABLE}"):
        adopt(root)
    assert snapshot(root) == before
    Small(root)
    path = layout.manifest("table", {"table": "t"})
    found = json.loads((root / path).read_text())
    write_json(root / path, manifest.seal({**found, "key": "0" * 64}))
    with pytest.raises(MedadError, match=f"{path}: refused: not the manifest"):
        adopt(root)
    assert not (root / ".prov").exists()


def test_only_what_a_publication_leaves_out_is_excused(tmp_path: Path) -> None:
    """Not a file of other results, and none that was here before."""
    folder, root = publication(tmp_path), tmp_path / "root"
    made = Small(root)
    lost = made.step("head", run("c"), {}, {"head": b"c"})["head"]
    (root / lost).unlink()
    (root / HEADS[1]).unlink()
    adopt(root, folder)
    assert list(read_json(root / UNPUBLISHED)) == [HEADS[1]]
    assert [one.path for one in verify(root)[0]] == [lost]
    (root / HEADS[0]).unlink()
    assert [one.path for one in verify(root)[0]] == [HEADS[0], lost]
    adopt(root)
    assert [one.path for one in verify(root)[0]] == [HEADS[0], lost]


def test_entries_of_earlier_adoptions_stay_until_the_file_comes(tmp_path: Path) -> None:
    folder, root = publication(tmp_path, (METRICS,)), tmp_path / "root"
    root.mkdir()
    adopt(root, folder)
    assert list(read_json(root / UNPUBLISHED)) == [HEADS[1]]
    write_json(root / UNPUBLISHED, {**read_json(root / UNPUBLISHED), "results/x": "0" * 64})
    publish(tmp_path / "made", [METRICS.replace("/b/", "/a/")], tmp_path / "other")
    adopt(root, tmp_path / "other")
    assert list(read_json(root / UNPUBLISHED)) == [*HEADS, "results/x"]
    (root / HEADS[1]).parent.mkdir(parents=True, exist_ok=True)
    (root / HEADS[1]).write_bytes(b"b")
    adopt(root)
    assert list(read_json(root / UNPUBLISHED)) == [HEADS[0], "results/x"]


def test_a_folder_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    folder, root = publication(tmp_path), tmp_path / "root"
    (root / "results").mkdir(parents=True)
    (root / "results/tables").write_text("a file")
    with pytest.raises(MedadError, match="results/tables"):
        adopt(root, folder)
    assert [path.name for path in (root / "results").iterdir()] == ["tables"]
    assert not (root / ".prov").exists()


def test_the_listing_of_a_dataset_comes_back_if_it_is_one(tmp_path: Path) -> None:
    made = Small(tmp_path / "made")
    figure = {"dataset": "d", "split": "s", "figure": "f"}
    for listing in (b'{"files": {"a.png": "00"}}', b'{"files": ["a.png"]}', b"[]", b"{"):
        outputs = {"index": b"", "skipped": b"", "listing": listing}
        index = made.step("index", {"dataset": "d"}, {}, outputs)["index"]
        picture = made.step("figure", figure, {"index": index}, {"figure": b"png"})["figure"]
        publish(made.root, [picture], tmp_path / "published")
        root = tmp_path / str(len(listing))
        root.mkdir()
        if b'": "' in listing:
            adopt(root, tmp_path / "published")
            assert (root / ".prov/raw/d.json").read_bytes() == listing
            assert (root / picture).read_bytes() == b"png"
        else:
            with pytest.raises(MedadError, match=r"listing\.json: refused: not a list"):
                adopt(root, tmp_path / "published")
            assert snapshot(root) == {}
