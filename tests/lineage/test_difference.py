from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from medad.files import write_bytes, write_npz, write_parquet, write_safetensors
from medad.lineage.difference import first


def compared(
    tmp_path: Path, name: str, write: Callable[[Path, object], None], *both: object
) -> str:
    files = [tmp_path / f"{number}.{name}" for number in range(2)]
    for file, content in zip(files, both, strict=True):
        write(file, content)
    return str(first(*files, f"results/x/{name}"))


def text(path: Path, content: object) -> None:
    write_bytes(path, str(content).encode())


def array(path: Path, content: object) -> None:
    write_npz(path, {"a": np.zeros(2), "maps": np.array(content, np.float32)})


def table(path: Path, content: object) -> None:
    write_parquet(path, {"path": ["a.png", "b.png"], "score": content})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "m.json",
            '{"b": 1, "a": {"x": [1, 2]}}',
            '{"b": 2, "a": {"x": [1, 3]}}',
            "a.x[1]: 2, now 3",
        ),
        ("m.json", '{"a": 1}', '{"a": 1.0}', "a: 1, now 1.0"),
        ("m.json", '{"a": 1}', "{}", "a: 1, now nothing"),
        ("m.json", '{"a": [1]}', '{"a": [1, 2]}', "length of a: 1, now 2"),
        ("m.json", '{"a": null}', '{"a": "x"}', "a: null, now x"),
        ("m.json", '{"a": 1, "b": 2}', '{"b": 2,"a": 1}', "None"),
        ("e.events.jsonl", '{"v": 1}\n{"v": 2}\n', '{"v": 1}\n{"v": 4}\n', "lines[1].v: 2, now 4"),
        ("t.csv", "k,v\na,1\nb,2\n", "k,v\na,1\nb,3\n", "row 2, v: 2, now 3"),
        ("t.csv", "k,v\na,1\n", "k,w\na,1\n", "header: v, now w"),
        ("t.csv", "k,v\na,1\n", "k,v\na,1\nb,2\n", "rows: 1, now 2"),
        ("t.csv", "k,v\na\n", "k,v\na,1\n", "row 1, v: nothing, now 1"),
        ("t.md", "a", "b", "None"),
    ],
)
def test_the_first_field_of_a_text(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    assert compared(tmp_path, name, text, old, new) == said


def test_the_first_row_of_a_parquet_file(tmp_path: Path) -> None:
    nan = float("nan")
    said = compared(tmp_path, "s.parquet", table, [nan, 0.5], [nan, 0.25])
    assert said == "row 2 (b.png), score: 0.5, now 0.25"
    assert compared(tmp_path, "s.parquet", table, [nan, 0.5], [nan, 0.5]) == "None"


def test_the_first_element_of_an_array(tmp_path: Path) -> None:
    nan = float("nan")
    said = compared(tmp_path, "r0.maps.npz", array, [[1, 2], [nan, 4]], [[1, 2], [nan, 8]])
    assert said == "maps[1, 1]: 4.0, now 8.0 (1 of 4 differ)"
    said = compared(tmp_path, "r0.maps.npz", array, [[1, 2]], [1, 2])
    assert said == "maps: float32 (1, 2), now float32 (2,)"


def test_the_first_element_of_a_tensor(tmp_path: Path) -> None:
    def tensors(path: Path, content: object) -> None:
        write_safetensors(path, {"bank": torch.tensor(content)}, {})

    said = compared(tmp_path, "r0.safetensors", tensors, [1, 2, 3], [1, 5, 6])
    assert said == "bank[1]: 2, now 5 (2 of 3 differ)"


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    said = compared(tmp_path, "m.json", text, '{"a": "' + "x" * 200 + '"}', '{"a": 1}')
    assert said == "a: " + "x" * 77 + "..., now 1"
