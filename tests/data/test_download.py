"""Downloads from a server on this machine: whole and in place, or nothing at all."""

import hashlib
import io
import re
import zipfile

import pytest
from web import serving

from medad.data.download import get
from medad.errors import MedadError


def zipped(files, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


SET = {"top/normal/a b.png": b"1", "top/benign/c.png": b"22", "top/empty.txt": b""}


def left(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", ["set.zip", "moved.zip"])
def test_files_arrive_without_the_folder_they_share(tmp_path, name):
    seen = []
    content = zipped(SET)
    with serving({"set.zip": content}) as address:
        place = tmp_path / "raw" / "set"
        sha256 = hashlib.sha256(content).hexdigest()
        get(f"{address}/{name}", place, sha256, lambda *given: seen.append(given))
    assert left(tmp_path) == ["raw/set/benign/c.png", "raw/set/empty.txt", "raw/set/normal/a b.png"]
    assert (place / "benign" / "c.png").read_bytes() == b"22"
    assert seen[-1] == (len(content), len(content))


def test_folders_that_files_do_not_share_are_kept(tmp_path):
    with serving({"set.zip": zipped({"a/x.png": b"1", "b/x.png": b"2", "c/": b""})}) as address:
        (tmp_path / "set").mkdir()  # an empty folder is as good as none
        get(f"{address}/set.zip", tmp_path / "set")
    assert left(tmp_path) == ["set/a/x.png", "set/b/x.png"]


def test_an_answer_from_elsewhere_and_without_a_length(tmp_path, monkeypatch):
    content = zipped(SET)

    class Answer(io.BytesIO):
        url, headers = "ftp://a/set.zip", {"Content-Length": "many"}

    monkeypatch.setattr("medad.data.download.urlopen", lambda *_, **__: Answer(content))
    with pytest.raises(MedadError, match=r"leads to ftp://a/set.zip; allowed: http:// and https"):
        get("http://a/set.zip", tmp_path / "set")
    assert left(tmp_path) == []
    monkeypatch.setattr(Answer, "url", "https://b/set.zip")
    get("http://a/set.zip", tmp_path / "set")
    assert len(left(tmp_path)) == len(SET)


def test_what_macos_adds_is_left_out(tmp_path):
    litter = {"__MACOSX/top/._a.png": b"0", "top/.DS_Store": b"0", "top/in/.DS_Store": b"0"}
    with serving(
        {"set.zip": zipped({"top/a.png": b"1", "top/in/b.png": b"2", **litter})}
    ) as address:
        get(f"{address}/set.zip", tmp_path / "set")
    assert left(tmp_path) == ["set/a.png", "set/in/b.png"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>sign in</html>", "not a zip that can be unpacked"),
        (zipped(SET)[:-40], "not a zip that can be unpacked"),
        (zipped({}), "an empty or absurdly large zip"),
        (zipped({"a/../../evil.png": b"1"}), "holds 'a/../../evil.png', outside its folder"),
        (zipped({"/etc/evil": b"1"}), "holds '/etc/evil', outside"),
        (zipped({"a\\..\\evil": b"1"}), "outside its folder"),
        (zipped({"a": b"1", "a/b": b"2"}), "two files of one name, or one that is a folder too"),
    ],
)
def test_what_is_no_good_zip_leaves_nothing(tmp_path, content, message):
    named = "/set.zip: .*" + re.escape(message)
    with serving({"set.zip": content}) as address, pytest.raises(MedadError, match=named):
        get(f"{address}/set.zip", tmp_path / "in" / "set")
    assert left(tmp_path) == []
    assert not (tmp_path / "in" / "set").exists()


def test_what_does_not_pass_a_check_leaves_nothing(tmp_path):
    def check(folder):
        raise MedadError(f"not what was wanted: {left(folder)}")

    with (
        serving({"set.zip": zipped({"top/a.png": b"1"})}) as address,
        pytest.raises(MedadError, match=r"not what was wanted: \['a\.png'\]"),
    ):
        get(f"{address}/set.zip", tmp_path / "set", check=check)
    assert left(tmp_path) == []
    assert not (tmp_path / "set").exists()


def test_damaged_content_leaves_nothing(tmp_path):
    content = bytearray(zipped({"a.png": b"x" * 1000}, zipfile.ZIP_STORED))
    content[200] ^= 255
    damaged = pytest.raises(MedadError, match=r"not a zip that can be unpacked .*CRC")
    with serving({"set.zip": bytes(content)}) as address, damaged:
        get(f"{address}/set.zip", tmp_path / "set")
    assert left(tmp_path) == []


def test_another_hash_a_missing_file_and_a_broken_answer(tmp_path):
    content = zipped(SET)
    with serving({"set.zip": content}) as address:
        with pytest.raises(MedadError, match=r"expected 0000.*the file there has changed"):
            get(f"{address}/set.zip", tmp_path / "set", "0" * 64)
        with pytest.raises(MedadError, match=r"the server answers 404 \(Not Found\); check"):
            get(f"{address}/no.zip", tmp_path / "set")
    broken = pytest.raises(MedadError, match=r"broken off after 50 of|cannot be downloaded")
    with serving({"set.zip": content}, cut=50) as address, broken:
        get(f"{address}/set.zip", tmp_path / "set")
    with pytest.raises(MedadError, match="cannot be downloaded"):
        get(f"{address}/set.zip", tmp_path / "set")  # nobody listens there any more
    assert left(tmp_path) == []


def test_what_is_there_is_left_alone(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.png").write_bytes(b"mine")
    with pytest.raises(MedadError, match="already there; move it away"):
        get("http://127.0.0.1:9/set.zip", tmp_path / "set")
    for address in ("file:///etc/passwd", "ftp://a/b.zip", "set.zip"):
        with pytest.raises(MedadError, match="got no web address; allowed: http:// and https://"):
            get(address, tmp_path / "new")
    assert left(tmp_path) == ["set/mine.png"]
