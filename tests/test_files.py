from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medad import files
from medad.errors import MedadError

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_digests_are_those_of_hashlib(tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = bytes(range(256)) * 9000
    path.write_bytes(content)
    found = files.digest(path)
    assert found.sha256 == hashlib.sha256(content).hexdigest() == files.sha256(path)
    assert found.md5 == hashlib.md5(content).hexdigest()
    assert found.size == len(content)


@given(st.dictionaries(st.text(), json_values))
def test_canonical_json_ignores_the_order_of_keys(value: dict[str, object]) -> None:
    turned = dict(reversed(value.items()))
    assert files.canonical_json(value) == files.canonical_json(turned)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_canonical_json_refuses_what_json_cannot_hold(bad: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.canonical_json({"x": bad})


def test_a_failed_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.write_bytes(path, b"old")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_damaged_or_absent_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(MedadError, match=r"absent\.json: no such file"):
        files.read_json(tmp_path / "absent.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(MedadError, match=r"bad\.json: not valid JSON"):
        files.read_json(tmp_path / "bad.json")


def test_csv_keeps_order_and_awkward_text(tmp_path: Path) -> None:
    rows = [{"b": 'a "quoted", name', "a": "1"}, {"b": "x\ny", "a": "2"}]
    files.write_csv(tmp_path / "t.csv", ["b", "a"], rows)
    assert files.read_csv(tmp_path / "t.csv") == rows
    assert (tmp_path / "t.csv").read_bytes().startswith(b"b,a\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n3\n", r"t\.csv, line 3: not 2 columns"),
        (b"a,b\n1,2,3\n", r"t\.csv, line 2: not 2 columns"),
        (b"a,b\n1,\xff\n", r"t\.csv, line \d+: cannot be read as CSV \(.*utf-8"),
        (b'a,b\n1,"2\n', r"t\.csv, line \d+: cannot be read as CSV"),
    ],
)
def test_a_damaged_csv_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(MedadError, match=message):
        files.read_csv(tmp_path / "t.csv")


def test_parquet_round_trip_and_damage(tmp_path: Path) -> None:
    columns = {"path": ["b", "a"], "score": [0.1, 1e-300]}
    path = tmp_path / "t.parquet"
    files.write_parquet(path, columns)
    assert files.read_parquet(path) == columns
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(MedadError, match="cannot be read as Parquet"):
        files.read_parquet(path)


READ = """
import os, sys
from pathlib import Path
from medad import files
files.write_parquet(Path("t.parquet"), {name: list(range(9)) for name in "abc"})
import pyarrow.parquet
before = len(os.listdir("/proc/self/task"))
files.read_parquet(Path("t.parquet"))
assert files.parse_parquet(Path("t.parquet").read_bytes(), "t", ["b"]) == {"b": list(range(9))}
print(len(os.listdir("/proc/self/task")) - before)
"""


def test_reading_parquet_starts_no_thread_that_could_outlive_python(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", READ], cwd=tmp_path, capture_output=True, text=True
    )
    assert (told.stdout, told.stderr) == ("0\n", "")


def test_npz_bytes_repeat_and_objects_are_refused(tmp_path: Path) -> None:
    arrays = {"x": np.arange(5), "y": np.ones((2, 2), np.float16)}
    for name in ("a.npz", "b.npz"):
        files.write_npz(tmp_path / name, arrays)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = files.read_npz(tmp_path / "a.npz")
    assert all(np.array_equal(back[name], arrays[name]) for name in arrays)
    with pytest.raises(ValueError, match=r"[Oo]bject arrays"):
        files.write_npz(tmp_path / "c.npz", {"x": np.array([{}], dtype=object)})
    assert not (tmp_path / "c.npz").exists()


def test_safetensors_round_trip_repeats_and_damage(tmp_path: Path) -> None:
    tensors = {"w": torch.arange(6.0).reshape(2, 3).T, "n": torch.tensor([3])}
    about = {"b": 1, "a": [1.5, "x"]}
    for name in ("a.safetensors", "b.safetensors"):
        files.write_safetensors(tmp_path / name, tensors, about)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    back, metadata = files.read_safetensors(tmp_path / "a.safetensors")
    assert metadata == about
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)
    (tmp_path / "a.safetensors").write_bytes(b"short")
    with pytest.raises(MedadError, match="cannot be read as safetensors"):
        files.read_safetensors(tmp_path / "a.safetensors")
    with pytest.raises(MedadError, match="float64"):
        files.write_safetensors(tmp_path / "c", {"w": torch.zeros(1, dtype=torch.float64)}, {})
