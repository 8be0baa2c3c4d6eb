from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from medad.cli.data import main

ROOT = Path(__file__).resolve().parents[2]


def test_a_folder_is_reported_and_a_bad_one_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, place in enumerate(("healthy", "healthy", "anomalous")):
        (tmp_path / place).mkdir(exist_ok=True)
        pixels = bytes((i * (number + 3)) % 256 for i in range(64 * 64))
        Image.frombytes("L", (64, 64), pixels).save(tmp_path / place / f"{number}.png")
    assert main(["check", str(tmp_path)]) == 0
    assert "healthy" in capsys.readouterr().out
    (tmp_path / "healthy" / "0.png").write_bytes(b"no image")
    assert main(["check", str(tmp_path)]) == 2
    assert "healthy/0.png" in capsys.readouterr().out


def test_where_the_papers_images_come_from(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["get", "phantom"]) == 0
    assert "nothing to get" in capsys.readouterr().out
