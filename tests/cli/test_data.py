from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from shutil import copy

import pytest
from PIL import Image
from web import serving

from medad.cli.data import main
from medad.data.sources import SOURCES
from medad.errors import MedadError

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
    with pytest.raises(MedadError, match="phantom: is made, not downloaded; leave --url and"):
        main(["get", "phantom", "--sha256", "0" * 64])
    assert "nothing to get" in capsys.readouterr().out


def copied(folder: Path) -> Path:
    """A project of no code whose images lie below it."""
    for name in ("Snakefile", "params.yaml"):
        copy(ROOT / name, folder / name)
    return folder


def xrays(less: int = 0) -> dict[str, bytes]:
    counts = {"train": 74, "test": 20}
    return {
        f"xray_dataset_covid19/{part}/{kind}/{number}.jpeg": b"no image, which nobody opens"
        for part, count in counts.items()
        for kind in ("NORMAL", "PNEUMONIA")
        for number in range(count - less * (part == "test"))
    }


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_a_zip_from_an_address_is_put_in_place_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied(tmp_path))
    with pytest.raises(MedadError, match=r"data/raw/covid_xray: not there yet; place it, or give"):
        main(["get", "covid_xray"])
    with serving({"set.zip": zipped(xrays())}) as address:
        assert main(["get", "covid_xray", "--url", f"{address}/set.zip"]) == 0
    assert "complete: it has the images expected" in capsys.readouterr().out
    assert (tmp_path / "data/raw/covid_xray/test/NORMAL/19.jpeg").is_file()
    assert main(["get", "covid_xray"]) == 0  # what is there is not fetched again
    (tmp_path / "data/raw/covid_xray/test/NORMAL/19.jpeg").unlink()
    assert main(["get", "covid_xray"]) == 2
    with pytest.raises(
        MedadError, match="already there; move it away to get it anew, or leave --url and"
    ):
        main(["get", "covid_xray", "--url", "http://127.0.0.1:9/set.zip"])
    assert "93 healthy and 94 anomalous images; 94 and 94 expected" in capsys.readouterr().out


def test_a_source_that_its_authors_give_is_fetched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied(tmp_path))
    files = {"set/normal/a.png": b"1", "set/benign/b.png": b"2", "set/malignant/c.png": b"3"}
    with serving({"set.zip": zipped(files)}) as address:
        given = replace(SOURCES["busi"], url=f"{address}/set.zip")
        monkeypatch.setitem(SOURCES, "busi", given)
        assert main(["get", "busi"]) == 2
    assert "1 healthy and 2 anomalous images; 133 and 647 expected" in capsys.readouterr().out


def test_a_zip_of_something_else_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copied(tmp_path))
    other = zipped({"set/readme.txt": b"1"})
    with (
        serving({"set.zip": other}) as address,
        pytest.raises(MedadError, match="normal"),
    ):
        main(["get", "busi", "--url", f"{address}/set.zip"])
    assert not (tmp_path / "data/raw/busi").exists()
