from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_project import Small, run

from medad import layout
from medad.errors import MedadError
from medad.files import Digest, canonical_json, write_json
from medad.lineage import manifest

HALF = manifest.Half("head", {"detectors/padim.py": "ab"}, {"seed": 0, "x": 1}, 1, {})
IDENTITY: dict[str, str | int] = {"dataset": "d", "split": "s", "method": "m", "k": 2, "r": 0}


def build(**changes: Any) -> dict[str, Any]:
    half = manifest.Half(**{**HALF.__dict__, **changes})
    inputs = {"shots": ("results/shots/d/s/k2/r0.csv", "00")}
    outputs = {"head": ("results/heads/d/s/m/k2/r0.safetensors", Digest("1", "2", 3))}
    return manifest.build(half, IDENTITY, inputs, outputs, {"start": 7})


def test_every_part_of_the_half_the_identity_and_the_inputs_is_in_the_key() -> None:
    shipped = build()["key"]
    changes = [
        {"params": {"seed": 0, "x": 2}},
        {"code": {"detectors/padim.py": "cd"}},
        {"threads": 2},
        {"environment": {"torch": "2"}},
        {"kind": "score"},
    ]
    keys = [build(**change)["key"] for change in changes]
    keys.append(manifest.key(HALF, {**IDENTITY, "r": 1}, {"shots": "00"}))
    keys.append(manifest.key(HALF, IDENTITY, {"shots": "01"}))
    assert manifest.key(HALF, IDENTITY, {"shots": "00"}) == shipped
    assert len({shipped, *keys}) == 8


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, at: int, by: int
) -> None:
    path = tmp_path_factory.mktemp("m") / "m.json"
    write_json(path, build())
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= by
    path.write_bytes(content)
    with pytest.raises(MedadError, match=r"changed since it was written|not valid JSON"):
        manifest.read(path)


def test_a_resealed_lie_is_inconsistent() -> None:
    assert manifest.consistent(build())
    assert not manifest.consistent(manifest.seal({**build(), "threads": 4}))


def test_what_makes_a_path_has_its_manifest_beside_it() -> None:
    assert manifest.beside("results/tables/table1.csv") == "results/tables/table1.manifest.json"
    assert manifest.beside("params.yaml") is None


def test_a_key_file_is_read_back_whole(tmp_path: Path) -> None:
    write_json(tmp_path / "key.json", dict(HALF.__dict__))
    assert manifest.Half.read(tmp_path / "key.json") == HALF


def test_what_was_never_written_is_no_manifest(tmp_path: Path) -> None:
    for text in ('{"digest": NaN}', "[]", '{"digest": "x"}'):
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(MedadError, match="changed since it was written"):
            manifest.read(tmp_path / "m.json")


def changed(value: dict[str, Any], place: str, new: Any) -> bytes:
    """A sealed manifest in which what is at a dotted place is another."""
    parts, found = place.split("."), json.loads(json.dumps(value))
    inner = found
    for part in parts[:-1]:
        inner = inner[part]
    inner[parts[-1]] = new
    return canonical_json(manifest.seal(found))


@pytest.mark.parametrize(
    ("place", "new", "fault"),
    [
        ("kind", "head", "another step's"),
        ("identity", {"dataset": "../settings"}, "another step's"),
        ("identity.k", 4, "another step's"),
        ("outputs.scores.path", "results/../../planted", "a file of another step"),
        ("outputs.scores.path", "results/scores/d/s/b/k2/r0.parquet", "a file of another step"),
        ("outputs.more", {"path": "x", "sha256": "0" * 64, "md5": "0" * 32, "size": 1}, "output"),
        ("outputs.scores.sha256", "0" * 63, "no size and digests"),
        ("outputs.scores.size", -1, "no size and digests"),
        ("outputs.scores.size", True, "no size and digests"),
        ("outputs.scores", [], "no size and digests"),
        ("inputs.head.sha256", "<b>", "no path and digest"),
        ("inputs.head.path", 3, "no path and digest"),
        ("inputs", [], "its inputs is missing"),
        ("seeds.draw", "<b>", "a seed in it"),
        ("code.a", 3, "a version in it"),
        ("threads", "1", "its threads is missing"),
        ("schema", True, "its schema is missing"),
        ("params", None, "its params is missing"),
    ],
)
def test_a_sealed_lie_is_not_believed(tmp_path: Path, place: str, new: Any, fault: str) -> None:
    Small(tmp_path)
    path = layout.manifest("score", run("a"))
    content = (tmp_path / path).read_bytes()
    value = manifest.of_step(content, path, "it")
    assert value == json.loads(content)
    with pytest.raises(MedadError, match=f"it: no manifest of this step .*{fault}"):
        manifest.of_step(changed(value, place, new), path, "it")


@pytest.mark.parametrize("content", [b"[" * 200_000, b"{", b"[]", b"\xff"])
def test_what_is_no_json_object_is_one_line(content: bytes) -> None:
    with pytest.raises(MedadError, match=r"^it: ") as caught:
        manifest.of_step(content, "results/index/d/index.manifest.json", "it")
    assert "\n" not in str(caught.value)
