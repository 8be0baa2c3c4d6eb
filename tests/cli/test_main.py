from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from medad import __version__
from medad.cli.main import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(import_module(f"medad.cli.{name}").main)
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"medad {name}" in capsys.readouterr().out


def test_the_version_and_the_list_of_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert __version__ in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["moon"])
    assert ended.value.code == 2


# What a process imports is what a user waits for: mlflow, torchvision and scikit-learn in no
# step, torch only where tensors are.
HEAVY = {"torch", "torchvision", "sklearn", "mlflow", "pandas", "snakemake", "dvc", "matplotlib"}
ALLOWED = {
    **{name: set() for name in ("phantom", "index", "split", "shots", "pairs")},
    **{name: set() for name in ("metrics", "intervals", "table", "figure")},
    **{name: {"torch"} for name in ("weights", "stage1", "head", "score")},
}


@pytest.mark.parametrize("kind", ALLOWED)
def test_a_step_imports_only_what_it_needs(kind: str) -> None:
    code = f"import sys, medad.cli.step, medad.steps.{kind}; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & {name.partition(".")[0] for name in found.stdout.split()} <= ALLOWED[kind]
