"""What a user sees of the one error that is for users."""

from __future__ import annotations

from pathlib import Path

import pytest

from medad.cli.main import main
from medad.errors import MedadError


def test_an_error_is_one_line_and_status_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise MedadError("key: got 1, allowed: 2")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("medad.cli.verify.main", fail)
    with pytest.raises(SystemExit) as ended:
        main(["verify"])
    assert ended.value.code == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "medad: key: got 1, allowed: 2\n")
