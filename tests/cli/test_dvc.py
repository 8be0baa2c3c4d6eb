from __future__ import annotations

import pytest

from medad.cli import dvc
from medad.errors import MedadError


def test_an_unknown_stage_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        dvc.main(["commit", "heads", "moon"])
    assert stopped.value.code == 2
    assert "unknown stage 'moon'; allowed: data, draws, pretraining" in capsys.readouterr().err


def test_the_numbers_are_those_of_all_tables() -> None:
    with pytest.raises(MedadError, match="got 'heads'; it takes no stage"):
        dvc.main(["metrics", "heads"])
