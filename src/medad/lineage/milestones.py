"""DVC's milestone stages, and when one may be committed without running it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from medad.config.load import load
from medad.errors import MedadError
from medad.lineage import manifest, summary
from medad.plan import STAGES, Plan

# The milestones and, made from the last of them, the numbers that DVC itself shows.
ALL = (*STAGES, summary.STAGE)


def require_finished(root: Path, stage: str) -> None:
    """MedadError unless Snakemake has nothing to do for a stage with params.yaml as it is."""
    command = [sys.executable, "-m", "snakemake", f"stage_{stage}", "-n", "--cores", "1"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    text = done.stdout + done.stderr
    if done.returncode:
        raise MedadError(f"stage {stage}: {text.strip().splitlines()[-1]}")
    if "Nothing to be done" not in text:
        raise MedadError(
            f"stage {stage} is not finished for this params.yaml; run `snakemake "
            f"stage_{stage} --cores 8` first (options given with --config are not in params.yaml)"
        )
    for path in Plan(root, load(root)).stage(STAGES[stage]):
        for item in manifest.read(root / path)["outputs"].values():
            if not (root / item["path"]).is_file():
                raise MedadError(
                    f"stage {stage}: {item['path']} is missing; make it with "
                    f"`snakemake --cores 8 {item['path']}`"
                )


def commit(root: Path, stages: list[str]) -> None:
    """`dvc commit` of finished stages; nothing is committed unless all of them are finished."""
    for stage in dict.fromkeys("tables" if one == summary.STAGE else one for one in stages):
        require_finished(root, stage)
    if summary.STAGE in stages:
        summary.write(root)
    command = [sys.executable, "-m", "dvc", "commit", "--force", "--quiet", *stages]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        raise MedadError(f"dvc commit: {done.stderr.strip()}")
