from __future__ import annotations

from pathlib import Path

import pytest

from medad.lineage import failure


def test_a_message_is_shown_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failure.show(tmp_path)
    assert capsys.readouterr().err == ""
    failure.keep(tmp_path, "the disk is full")
    failure.show(tmp_path)
    failure.show(tmp_path)
    assert capsys.readouterr().err == "medad: the disk is full\n"
