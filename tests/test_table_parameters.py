from __future__ import annotations

from pathlib import Path

import pytest

from medad.config.load import load
from medad.errors import MedadError
from medad.parameters import Parameters
from medad.table_parameters import of_intervals, of_sizes, of_table

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def asked() -> Parameters:
    return Parameters(ROOT, load(ROOT, {"preset": "adfa"}))


def test_a_table_depends_on_its_entry_on_what_it_spans_and_on_how_methods_stand(
    asked: Parameters,
) -> None:
    found, runs = of_table(asked, "adfa_table1"), asked.config.runs
    assert found["rows"] == asked.tables["adfa_table1"]["rows"]
    assert (found["shots"], found["draws"]) == (runs.shots, runs.draws)
    assert (found["datasets"], found["splits"]) == (runs.datasets, runs.splits)
    assert found["baseline"] == asked.tables["adfa_table1"]["baseline"]
    assert set(found["standings"]) == set(found["methods"])
    left = [row["method"] for row in found["rows"] if row["method"] in found["obstacles"]]
    assert not set(left) & set(found["methods"])


def test_intervals_depend_on_the_methods_compared_and_not_on_what_is_published(
    asked: Parameters,
) -> None:
    found = of_intervals(asked, "adfa_table1")
    assert found["methods"] == asked.table_methods("adfa_table1")
    assert (found["resamples"], found["confidence"]) == (
        asked.config.evaluation.resamples,
        asked.config.evaluation.confidence,
    )
    assert not {"rows", "datasets", "title"} & set(found)


def test_sizes_depend_on_the_splits_told_of(asked: Parameters) -> None:
    found = of_sizes(asked, "adfa_table2")
    assert found["datasets"] == asked.config.runs.datasets
    assert found["kind"] == "sizes"


@pytest.mark.parametrize("made", [of_table, of_intervals])
def test_an_unknown_table_lists_those_there_are(asked: Parameters, made) -> None:
    with pytest.raises(MedadError, match=r"table: got 'moon'; workflow/tables has: .*adfa_table1"):
        made(asked, "moon")
