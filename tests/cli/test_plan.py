from __future__ import annotations

from collections.abc import Callable

import pytest
from project import Project

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["results/tables/table9.csv"], "table: got 'table9'; workflow/tables has: adfa_table1"),
        (
            ["results/heads/phantom/grouped/nope/k2/r0.safetensors"],
            "method: got 'nope'; params.yaml has: ",
        ),
        (["nope.csv"], "nope.csv: no step makes it; allowed: a result, all, stage_"),
        (["--cores", "0"], "--cores: got 0, allowed: 1 or more"),
    ],
)
def test_a_bad_question_is_one_line_and_status_2(
    finished: Project, arguments: list[str], message: str
) -> None:
    done = finished.medad("plan", *arguments, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_manifest_is_made_again_and_tells_nothing(copy: Callable[[], Project]) -> None:
    project = copy()
    (project.root / "results/tables/table1.manifest.json").write_text("[]")
    lines = project.medad("plan").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:2]] == ["table"]
    assert (
        "times are of past steps, whatever their images, parameters (epochs) and load were" in lines
    )
