from __future__ import annotations

import pytest
from forge import IMAGES, Forged, small_root

from medad.errors import MedadError
from medad.lineage.consequences import of_artifact
from medad.lineage.frontier import Side
from medad.lineage.places import read_json
from medad.lineage.targets import Target

STEM = "phantom/grouped/padim/k2/r0"
CHANGE = {"detectors": {"padim": {"dimensions": 30}}}


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, Side]:
    root = small_root(tmp_path_factory.mktemp("root"))
    return Side("A", Forged(root)), Side("B", Forged(root, config=CHANGE))


def test_values_and_ranks_follow_the_kind_of_result(sides: tuple[Side, Side]) -> None:
    one, two = sides

    def found(path: str) -> dict[str, object]:
        return of_artifact(one, Target(one.place, path, None), two, Target(two.place, path, None))

    metrics = f"results/metrics/{STEM}.json"
    measured = found(metrics)
    values = [read_json(side.place, metrics)["auroc"] for side in sides]
    assert measured["values"] == {"auroc": values}  # what is equal is not said
    scored = found(f"results/scores/{STEM}.parquet")
    assert scored == {"ranks": measured["ranks"]}
    assert isinstance(scored["ranks"], dict)
    assert scored["ranks"]["common"] == len(IMAGES)
    assert found(f"results/heads/{STEM}.safetensors") == {}
    cells = found("results/tables/table1.csv")["cells"]
    assert isinstance(cells, list)
    assert [cell["cell"] for cell in cells] == [f"phantom/grouped/PaDiM/K{k}" for k in (2, 4)]


def test_scores_that_are_equal_or_away_have_no_ranks(sides: tuple[Side, Side]) -> None:
    one, _ = sides
    path = f"results/scores/{STEM}.parquet"
    target = Target(one.place, path, None)
    assert of_artifact(one, target, one, target) == {"ranks": None}


@pytest.mark.parametrize("path", [f"results/metrics/{STEM}.json", f"results/scores/{STEM}.parquet"])
def test_a_falsified_file_is_refused_not_shown(
    sides: tuple[Side, Side], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = sides
    read = two.place.read

    def falsified(asked: str) -> bytes:
        return read(asked) + b" " if asked == path else read(asked)

    monkeypatch.setattr(two.place, "read", falsified)
    metrics = f"results/metrics/{STEM}.json"
    with pytest.raises(MedadError, match=f"{path} in .*changed since it was made"):
        of_artifact(one, Target(one.place, metrics, None), two, Target(two.place, metrics, None))
