from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medad.errors import MedadError
from medad.files import Digest, write_json
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
