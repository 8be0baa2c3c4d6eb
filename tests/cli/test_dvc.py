from __future__ import annotations

import pytest

from medad.cli import dvc


def test_an_unknown_stage_is_refused_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as stopped:
        dvc.main(["commit", "heads", "moon"])
    assert stopped.value.code == 2
    assert "unknown stage 'moon'; allowed: data, draws, pretraining" in capsys.readouterr().err
