from __future__ import annotations

from pathlib import Path

import pytest

from medad.files import digest
from medad.lineage import manifest
from medad.lineage.store import Store, cache_folder

HALF = manifest.Half("head", {}, {"seed": 0}, 1, {})


def stored(root: Path, content: bytes = b"bank") -> tuple[Store, str]:
    store = Store(root)
    file = root / "output"
    file.write_bytes(content)
    outputs = {"head": ("results/heads/d/s/m/k2/r0.safetensors", digest(file))}
    sealed = manifest.build(HALF, {"r": 0}, {}, outputs, {})
    store.put(file, outputs["head"][1])
    store.remember(sealed)
    return store, sealed["key"]


def test_what_was_put_is_fetched_and_is_a_copy(tmp_path: Path) -> None:
    store, key = stored(tmp_path)
    folder = tmp_path / "out"
    folder.mkdir()
    sealed = store.fetch(key, folder)
    assert sealed is not None
    assert (folder / "head").read_bytes() == b"bank"
    blob = store.blob(sealed["outputs"]["head"]["md5"])
    assert blob.stat().st_ino != (folder / "head").stat().st_ino
    assert blob.stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("damage", ["blob", "entry", "lost blob", "lost entry"])
def test_damage_is_a_miss_and_never_a_wrong_result(tmp_path: Path, damage: str) -> None:
    store, key = stored(tmp_path)
    blob = next(store.objects.glob("*/*"))
    blob.chmod(0o644)
    match damage:
        case "blob":
            blob.write_bytes(b"fake")
        case "entry":
            store.entry(key).write_text(store.entry(key).read_text().replace("head", "haed"))
        case "lost blob":
            blob.unlink()
        case _:
            store.entry(key).unlink()
    folder = tmp_path / "out"
    folder.mkdir()
    assert store.fetch(key, folder) is None
    stored(tmp_path)
    assert store.fetch(key, folder) is not None


def test_the_cache_is_where_dvc_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert cache_folder(tmp_path) == tmp_path / ".dvc" / "cache"
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text(
        "[core]\n    analytics = false\n[cache]\n    dir = ../c\n"
    )
    assert cache_folder(tmp_path) == tmp_path / "c"
    (tmp_path / ".dvc" / "config.local").write_text(f"[cache]\n    dir = {tmp_path}/mine\n")
    assert cache_folder(tmp_path) == tmp_path / "mine"
