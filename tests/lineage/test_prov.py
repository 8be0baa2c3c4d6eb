"""PROV-JSON as the `prov` library reads it, against the manifests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import prov.model as model
import pytest
from project import Project

from medad.files import read_csv, read_json
from medad.lineage import prov

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1.csv"
SHOTS = "results/shots/phantom/grouped/k4/r0.csv"


@pytest.fixture(scope="module")
def found(finished: Project) -> model.ProvDocument:
    content = json.dumps(prov.document(finished.root, TABLE))
    return model.ProvDocument.deserialize(content=content, format="json")


def named(found: model.ProvDocument, kind: type) -> dict[str, Any]:
    return {str(one.identifier): one for one in found.get_records(kind)}


def of(record: Any, name: str) -> str:
    (value,) = record.get_attribute(name)
    return str(value)


def pairs(found: model.ProvDocument, kind: type) -> set[tuple[str, str]]:
    """The first two ends of every relation of a kind, files by path, steps by key."""
    labels = {name: of(one, "prov:label") for name, one in named(found, model.ProvEntity).items()}
    ends = [[str(end) for _, end in one.formal_attributes[:2]] for one in found.get_records(kind)]
    assert len({tuple(two) for two in ends}) == len(ends)
    return {(labels.get(a, a), labels.get(b, b)) for a, b in ends}


def test_entities_activities_and_links_are_those_of_the_manifests(
    finished: Project, found: model.ProvDocument
) -> None:
    results = finished.root / "results"
    steps = [read_json(path) for path in sorted(results.rglob("*.manifest.json"))]
    steps = [step for step in steps if step["kind"] != "figure"]
    outputs = {o["path"]: o["sha256"] for step in steps for o in step["outputs"].values()}
    entities = named(found, model.ProvEntity).values()
    told = {of(one, "prov:label"): of(one, "medad:sha256") for one in entities}
    assert {path: told[path] for path in outputs} == outputs
    assert {path for path in told if path not in outputs} == {
        f"phantom: {name}" for name in images(finished)
    }
    assert set(named(found, model.ProvActivity)) == {f"step:{step['key']}" for step in steps}
    used = {(f"step:{s['key']}", i["path"]) for s in steps for i in s["inputs"].values()}
    (index,) = [f"step:{step['key']}" for step in steps if step["kind"] == "index"]
    used |= {(index, f"phantom: {name}") for name in images(finished)}
    assert pairs(found, model.ProvUsage) == used
    made = {(o["path"], f"step:{s['key']}") for s in steps for o in s["outputs"].values()}
    assert pairs(found, model.ProvGeneration) == made
    sources = {key: {path for step, path in used if step == key} for key, _ in used}
    derived = {(path, source) for path, key in made for source in sources.get(key, ())}
    assert pairs(found, model.ProvDerivation) == derived


def images(finished: Project) -> set[str]:
    """Images, and masks, of the archive that was generated."""
    import zipfile

    with zipfile.ZipFile(finished.root / "results/index/phantom/images.zip") as archive:
        return set(archive.namelist())


def test_every_step_has_its_times_its_sources_and_its_machine(
    finished: Project, found: model.ProvDocument
) -> None:
    records = {r["key"]: r for r in finished.records()}
    agents = named(found, model.ProvAgent)
    associated = pairs(found, model.ProvAssociation)
    for name, activity in named(found, model.ProvActivity).items():
        record = records[name.removeprefix("step:")]
        start, end = activity.get_startTime(), activity.get_endTime()
        assert start.timestamp() == pytest.approx(record["started"], abs=2e-3)
        assert (end - start).total_seconds() == pytest.approx(record["wall_s"], abs=2e-3)
        own = [agents[agent] for step, agent in associated if step == name]
        commits = [of(agent, "medad:commit") for agent in own if "software" in str(agent)]
        assert commits == [record["repository"]["commit"]]
        machines = [of(agent, "medad:cpu") for agent in own if "machine" in str(agent)]
        assert machines == [record["machine"]["cpu"]]
        assert json.loads(of(activity, "medad:seeds")) is not None


def test_a_draw_is_derived_from_its_images(finished: Project) -> None:
    content = json.dumps(prov.document(finished.root, SHOTS))
    found = model.ProvDocument.deserialize(content=content, format="json")
    above = {
        one: {b for a, b in pairs(found, model.ProvDerivation) if a == one} for one in (SHOTS,)
    }
    links = pairs(found, model.ProvDerivation)
    pending = [SHOTS]
    while pending:
        one = pending.pop()
        for source in {b for a, b in links if a == one} - set(above):
            above[source] = set()
            pending.append(source)
    drawn = {f"phantom: {row['path']}" for row in read_csv(finished.root / SHOTS)}
    assert drawn < set(above)


def test_names_are_valid_and_tell_equal_contents_apart(found: model.ProvDocument) -> None:
    known: dict[str, Any] = {}
    facts = {"sha256": "a" * 64, "size": 3}
    strange = prov.entity(known, 'x/"é#:\\.png', facts)
    assert strange != prov.entity(known, "other", facts)
    assert strange.isascii()
    assert set(strange.removeprefix("file:")) <= set("0123456789abcdef-")
    assert prov.entity(known, "other", {"sha256": "a" * 64}) in known
    assert len(known) == 2


def test_without_a_record_nothing_is_said_of_time_and_place(
    finished: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medad.lineage.export.record.of_key", lambda *_: [])
    told = prov.document(finished.root, SHOTS)
    assert told["agent"] == told["wasAssociatedWith"] == {}
    assert not any("prov:startTime" in one for one in told["activity"].values())
    assert len(told["activity"]) == 4


def test_written_bytes_repeat(finished: Project, tmp_path: Path) -> None:
    said = finished.medad("prov", SHOTS, "--out", str(tmp_path / "prov.json")).stdout
    assert "4 activities" in said
    assert finished.medad("prov", SHOTS).stdout == (tmp_path / "prov.json").read_text()
