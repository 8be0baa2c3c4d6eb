"""What a collection keeps, against the graph that the test itself made."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import Project

from medad import layout
from medad.errors import MedadError
from medad.files import digest, read_json, write_json
from medad.lineage import cache, manifest
from medad.lineage.runner import cache_name
from medad.lineage.store import Store


class Steps:
    """A store of made-up steps; each reads what some earlier ones made."""

    def __init__(self, root: Path) -> None:
        self.root, self.store = root, Store(root)
        self.manifests: list[dict[str, object]] = []
        self.parents: list[set[int]] = []

    def add(self, parents: set[int], *, here: bool) -> int:
        number = len(self.manifests)
        identity = {"dataset": "d", "split": "s", "method": "m", "k": 2, "r": number}
        path = layout.output("metrics", identity, "metrics")
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"output {number}")
        half = manifest.Half("metrics", {"data/images.py": "0"}, {"number": number}, 1, {})
        inputs = {str(above): self.output(above) for above in parents}
        found = manifest.build(half, identity, inputs, {"metrics": (path, digest(file))}, {})
        self.store.put(file, digest(file))
        self.store.remember(found)
        if here:
            write_json(self.root / layout.manifest("metrics", identity), found)
        else:
            file.unlink()
        self.manifests.append(found)
        self.parents.append(parents)
        return number

    def output(self, number: int) -> tuple[str, str]:
        item = self.manifests[number]["outputs"]["metrics"]  # type: ignore[index]
        return item["path"], item["sha256"]

    def md5(self, number: int) -> str:
        return str(self.manifests[number]["outputs"]["metrics"]["md5"])  # type: ignore[index]

    def restorable(self) -> set[int]:
        """Numbers of the steps that the store can give back."""
        found = set()
        for number, step in enumerate(self.manifests):
            with tempfile.TemporaryDirectory() as folder:
                if self.store.fetch(str(step["key"]), Path(folder)) is not None:
                    found.add(number)
        return found

    def ancestry(self, numbers: set[int]) -> set[int]:
        found, pending = set(numbers), list(numbers)
        while pending:
            for above in self.parents[pending.pop()] - found:
                found.add(above)
                pending.append(above)
        return found

    def lock(self, numbers: set[int]) -> None:
        outs = [{"md5": self.md5(number)} for number in sorted(numbers)]
        (self.root / "dvc.lock").write_text(json.dumps({"stages": {"metrics": {"outs": outs}}}))

    def stray(self, content: bytes) -> Path:
        name = hashlib.md5(content, usedforsecurity=False).hexdigest()
        path = self.store.blob(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


PICKS = st.lists(st.tuples(st.sets(st.integers(0, 6)), st.booleans(), st.booleans()), max_size=7)


@settings(max_examples=20)
@given(PICKS, st.booleans())
def test_whatever_is_here_or_committed_can_be_restored_after_a_collection(
    picks: list[tuple[set[int], bool, bool]], history: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        steps = Steps(Path(folder))
        here, committed = set(), set()
        for number, (parents, is_here, is_committed) in enumerate(picks):
            steps.add({above for above in parents if above < number}, here=is_here)
            here |= {number} if is_here else set()
            committed |= {number} if is_committed else set()
        steps.lock(committed)
        strays = [steps.stray(b"stray"), steps.stray(b"")]
        part = strays[0].with_name(f"{strays[0].name}.123")
        part.write_bytes(b"half")
        cache.remove(cache.removable(cache.items(steps.root), history=history))
        kept = steps.ancestry(here) | committed
        assert steps.restorable() == (kept if history else set(range(len(picks))))
        assert not any(path.exists() for path in [*strays, part])
        blobs = {path.parent.name + path.name for path in steps.store.objects.glob("*/*")}
        assert blobs == {steps.md5(number) for number in steps.restorable()}
        assert (
            {path.stem for path in steps.store.index.iterdir()}
            == {str(steps.manifests[number]["key"]) for number in steps.restorable()}
            if picks
            else True
        )
        again = cache.items(steps.root)
        assert cache.removable(again, history=history) == []


def kinds(root: Path) -> dict[str, str]:
    """Path -> what keeps it."""
    return {item.path.name: item.kept for item in cache.items(root)}


def test_each_thing_is_counted_once_by_the_strongest_that_keeps_it(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    here, locked, past = (steps.add(set(), here=here) for here in (True, False, False))
    steps.lock({here, locked})
    lost = steps.add(set(), here=False)
    steps.store.blob(steps.md5(lost)).unlink()
    damaged = steps.store.entry("0" * 64)
    damaged.write_text("{}")
    stray = steps.stray(b"stray")
    strange = stray.with_name("README")
    strange.write_text("not DVC's")
    found = kinds(tmp_path)
    assert len(found) == len(cache.items(tmp_path)) == 9
    for number, kept in ((here, "present"), (locked, "committed"), (past, "history")):
        assert found[steps.md5(number)[2:]] == kept
        assert found[f"{steps.manifests[number]['key']}.json"] == kept
    assert found[f"{steps.manifests[lost]['key']}.json"] == found[damaged.name] == "orphan"
    assert found[stray.name] == "orphan"
    assert "README" not in found


def test_features_partials_and_what_was_left_behind(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    steps.add(set(), here=True)
    done = str(steps.manifests[0]["key"])
    used = cache_name({"data/images.py": "0", "steps/metrics.py": "1"})
    names = {
        f"cache/{used}": "present",
        "cache/0123456789abcdef": "orphan",
        f"partial/{done}": "orphan",
        "partial/unfinished": "history",
        "tmp/left": "orphan",
    }
    for name in names:
        (tmp_path / ".prov" / name).mkdir(parents=True)
        (tmp_path / ".prov" / name / "file").write_bytes(bytes(5))
    found = {
        item.path.relative_to(tmp_path / ".prov").as_posix(): (item.kept, item.bytes)
        for item in cache.items(tmp_path)
        if item.what not in ("object", "index entry")
    }
    assert found == {name: (kept, 5) for name, kept in names.items()}
    cache.remove(cache.removable(cache.items(tmp_path), history=False))
    left = {p.relative_to(tmp_path / ".prov").as_posix() for p in tmp_path.glob(".prov/*/*")}
    assert {name for name in names if name in left} == {f"cache/{used}", "partial/unfinished"}


def test_a_damaged_manifest_is_refused_as_it_may_rest_on_anything(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    steps.add(set(), here=True)
    path = tmp_path / "results/metrics/d/s/m/k2/r0.manifest.json"
    path.write_text(path.read_text().replace("metrics", "metric"))
    with pytest.raises(MedadError, match="changed since it was written"):
        cache.items(tmp_path)


@pytest.mark.parametrize(("place", "shared"), [(None, False), ("../common", True), ("c", False)])
def test_a_cache_outside_the_project_is_shared(
    tmp_path: Path, place: str | None, shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    root = tmp_path / "project"
    (root / ".dvc").mkdir(parents=True)
    if place is not None:
        (root / ".dvc/config").write_text(f"[cache]\n    dir = ../{place}\n")
    assert cache.is_shared(root) is shared


@pytest.mark.engine
def test_a_finished_project_loses_only_strays_and_restores_all(
    copy: Callable[[], Project], finished: Project, tmp_path: Path
) -> None:
    root, draw = copy().root, random.Random(0)
    store = Store(root)
    strays = []
    for _ in range(20):
        content = draw.randbytes(draw.randrange(2000))
        path = store.blob(hashlib.md5(content, usedforsecurity=False).hexdigest())
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        strays.append(path)
    found = cache.removable(cache.items(root), history=True)
    assert {item.path for item in found} == set(strays)
    cache.remove(found)
    project = Project.at(root)
    assert project.medad("verify").stdout.endswith("verified: nothing has changed\n")
    manifests = [read_json(path) for path in sorted((root / "results").rglob("*.manifest.json"))]
    shutil.rmtree(root / "results")
    assert len(manifests) == 31
    for told in manifests:
        folder = tmp_path / "restored" / told["key"]
        folder.mkdir(parents=True)
        assert store.fetch(told["key"], folder) == told
        for name, item in told["outputs"].items():
            original = (finished.root / item["path"]).read_bytes()
            assert (folder / name).read_bytes() == original
    # Without results and without a commit everything is history: kept, unless it is given up.
    assert cache.removable(cache.items(root), history=False) == []
    cache.remove(cache.removable(cache.items(root), history=True))
    assert cache.items(root) == []
    assert list(store.objects.iterdir()) == []
