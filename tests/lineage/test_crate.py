"""The crate as a stranger finds it, by plain JSON, by the validator and by `rocrate`."""

from __future__ import annotations

import csv
import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project import Project

from medad.errors import MedadError
from medad.files import read_json, write_json
from medad.lineage import crate, manifest

pytestmark = pytest.mark.engine
TABLE = "results/tables/table1.csv"
METRICS = "results/metrics/phantom/grouped/consult/k4/r0.json"
# Of the context of RO-Crate 1.1, the words a crate uses; no test may need the network.
SCHEMA = """
    about additionalProperty additionalType actionStatus codeRepository Collection
    CompletedActionStatus ComputerLanguage contentSize ControlAction CreateAction CreativeWork
    Dataset datePublished description encodingFormat endTime exampleOfWork hasPart HowTo
    HowToStep identifier instrument license mainEntity mentions name object OrganizeAction
    position programmingLanguage propertyID PropertyValue result softwareVersion
    SoftwareApplication SoftwareSourceCode startTime step unitCode url value version workExample
"""
BIOSCHEMAS = "https://bioschemas.org/"
CONTEXT = {
    **{word: f"http://schema.org/{word}" for word in SCHEMA.split()},
    "File": "http://schema.org/MediaObject",
    "ComputationalWorkflow": f"{BIOSCHEMAS}ComputationalWorkflow",
    "FormalParameter": f"{BIOSCHEMAS}FormalParameter",
    "input": f"{BIOSCHEMAS}ComputationalWorkflow#input",
    "output": f"{BIOSCHEMAS}ComputationalWorkflow#output",
    "conformsTo": "http://purl.org/dc/terms/conformsTo",
}


@pytest.fixture(scope="module")
def of_table(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("crate") / "of a table"
    said = finished.medad("crate", TABLE, str(folder)).stdout
    assert said.startswith(f"{folder}: ")
    return folder


def graph(folder: Path) -> dict[str, Any]:
    found = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    assert len({entity["@id"] for entity in found}) == len(found)
    return {entity["@id"]: entity for entity in found}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_a_stranger_finds_images_commit_command_and_numbers(
    finished: Project, of_table: Path
) -> None:
    entities = graph(of_table)
    with zipfile.ZipFile(finished.root / "results/index/phantom/images.zip") as archive:
        images = {
            f"phantom/{name}": hashlib.sha256(archive.read(name)).hexdigest()
            for name in archive.namelist()
        }
        sizes = {f"phantom/{one.filename}": str(one.file_size) for one in archive.infolist()}
    told = {e["name"]: e for e in entities.values() if e.get("name", "") in images}
    assert {name: entity["sha256"] for name, entity in told.items()} == images
    stated = {name: e["contentSize"] for name, e in told.items() if "contentSize" in e}
    assert stated == {name: size for name, size in sizes.items() if "/masks/" not in name}

    run = entities["#workflow-run"]
    commit = finished.git("rev-parse", "HEAD").strip()
    assert run["description"] == f"medad reproduce {TABLE} (at commit {commit})"
    assert entities["Snakefile"]["version"] == commit
    assert {one["@id"] for one in run["result"]} == {
        f"results/tables/table1.{suffix}" for suffix in ("csv", "md", "cells.json")
    }
    draw = finished.root / "results/shots/phantom/grouped/k4/r0.csv"
    with draw.open() as stream:
        shots = {row["sha256"] for row in csv.DictReader(stream)}
    name = "heads/phantom/grouped/consult/k4/r0"
    head = next(entity for entity in entities.values() if entity.get("name") == name)
    (collection,) = [o["@id"] for o in listed(head["object"]) if o["@id"].startswith("#images-")]
    assert {
        entities[part["@id"]]["sha256"] for part in listed(entities[collection]["hasPart"])
    } == shots


def test_every_step_is_an_action_that_says_what_its_manifest_says(
    finished: Project, of_table: Path
) -> None:
    entities = graph(of_table)
    results = finished.root / "results"
    manifests = [read_json(path) for path in sorted(results.rglob("*.manifest.json"))]
    above = [found for found in manifests if found["kind"] != "figure"]
    assert len(above) == 30
    for found in above:
        action = entities[f"#step-{found['key']}"]
        assert action["@type"] == "CreateAction"
        assert action["instrument"] == {"@id": f"#medad.steps.{found['kind']}"}
        assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
        objects = [entities[one["@id"]] for one in listed(action["object"])]
        read = {one["name"]: one["sha256"] for one in objects if one["@type"] == "File"}
        assert read == {item["path"]: item["sha256"] for item in found["inputs"].values()}
        given = {
            entities[one["exampleOfWork"]["@id"]]["name"]: one["value"]
            for one in objects
            if one["@type"] == "PropertyValue"
        }
        assert given == {
            name: value if isinstance(value, str) else json.dumps(value, sort_keys=True)
            for name, value in found["params"].items()
        }
        made = {
            entities[one["@id"]]["name"]: entities[one["@id"]] for one in listed(action["result"])
        }
        for name, item in found["outputs"].items():
            assert made[item["path"]]["sha256"] == item["sha256"]
            assert made[item["path"]]["contentSize"] == str(item["size"])
            roles = [entities[one["@id"]] for one in listed(made[item["path"]]["exampleOfWork"])]
            assert f"output {name}" in {role["name"] for role in roles}
    told = [e for e in entities.values() if e["@type"] == "CreateAction"]
    assert len(told) == len(above) + 1
    facts = entities[told[0]["additionalProperty"][0]["@id"]]
    assert facts["@type"] == "PropertyValue"


def test_images_and_models_stay_out_and_the_rest_is_as_hashed(of_table: Path) -> None:
    files = {p.relative_to(of_table).as_posix(): p for p in of_table.rglob("*") if p.is_file()}
    del files["ro-crate-metadata.json"]
    allowed = {"", ".csv", ".json", ".jsonl", ".md", ".parquet", ".smk", ".yaml"}
    assert {path.suffix for path in files.values()} <= allowed
    entities = graph(of_table)
    inside = {
        name: e for name, e in entities.items() if "File" in listed(e["@type"]) and ":" not in name
    }
    assert inside.keys() == files.keys()
    for name, path in files.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == inside[name]["sha256"]
    kept_out = [name for name in entities if name.startswith("ni:///sha-256;")]
    assert {Path(entities[name]["name"]).suffix for name in kept_out} == {
        *(".png", ".zip", ".safetensors", ".npz")
    }


def test_equal_projects_give_equal_crates(
    finished: Project, of_table: Path, tmp_path: Path
) -> None:
    crate.write(finished.root, TABLE, tmp_path / "again")
    name = "ro-crate-metadata.json"
    assert (tmp_path / "again" / name).read_bytes() == (of_table / name).read_bytes()


def test_rocrate_reads_it_back(of_table: Path) -> None:
    from rocrate.rocrate import ROCrate

    found = ROCrate(of_table)
    assert found.mainEntity.id == "Snakefile"
    assert found.mainEntity["programmingLanguage"]["name"] == "Snakemake"
    actions = found.get_by_type("CreateAction")
    assert len(actions) == 31
    (organised,) = found.get_by_type("OrganizeAction")
    assert len(organised["object"]) == 30
    assert {control["object"].type for control in organised["object"]} == {"CreateAction"}
    assert {type(entity).__name__ for entity in found.root_dataset["hasPart"]} == {
        *("File", "ComputationalWorkflow")
    }


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The one document that the validator may ask for, given without a network; what was asked."""
    import requests
    from rocrate_validator.utils import http

    asked: list[str] = []

    def get(_: http.HttpRequester, url: str, **__: Any) -> requests.Response:
        asked.append(url)
        response = requests.Response()
        response.status_code = 200
        response.headers["Content-Type"] = "application/ld+json"
        response._content = json.dumps({"@context": CONTEXT}).encode()
        return response

    monkeypatch.setattr(http.HttpRequester, "get", get, raising=False)
    return asked


def problems(folder: Path, cache: Path) -> list[str]:
    from rocrate_validator import services
    from rocrate_validator.models import Severity, ValidationSettings

    settings = ValidationSettings(
        rocrate_uri=str(folder),
        profile_identifier="provenance-run-crate-0.5",
        requirement_severity=Severity.REQUIRED,
        offline=True,
        cache_path=cache,
    )
    found = services.validate(settings)
    return [f"{issue.check.identifier}: {issue.message}" for issue in found.get_issues()]


def test_the_validator_finds_nothing_and_is_not_blind(
    finished: Project, tmp_path: Path, offline: list[str]
) -> None:
    folder = tmp_path / "crate"
    crate.write(finished.root, METRICS, folder)
    assert problems(folder, tmp_path / "cache") == []
    assert set(offline) == {"https://w3id.org/ro/crate/1.1/context"}

    metadata = folder / "ro-crate-metadata.json"
    whole = json.loads(metadata.read_text())
    for entity in whole["@graph"]:
        if entity["@type"] == "OrganizeAction":
            del entity["instrument"]
    metadata.write_text(json.dumps(whole))
    (found,) = problems(folder, tmp_path / "cache")
    assert "OrganizeAction must reference an entity representing the workflow engine" in found


def test_a_folder_that_holds_something_is_refused(finished: Project, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(MedadError, match="is there already"):
        crate.write(finished.root, TABLE, tmp_path)
    with pytest.raises(MedadError, match="is there already"):
        crate.write(finished.root, TABLE, tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_is_not_as_recorded_is_refused_and_nothing_is_left(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    root, out = copy().root, tmp_path / "out"
    with (root / TABLE).open("a") as stream:
        stream.write("PatchCore,1.0\n")
    with pytest.raises(MedadError, match=r"table1.csv: changed since it was made"):
        crate.write(root, TABLE, out)
    path = root / "results/scores/phantom/grouped/consult/k4/r0.manifest.json"
    found = read_json(path)
    found["inputs"]["shots"]["sha256"] = "0" * 64
    write_json(path, manifest.seal(found))
    with pytest.raises(MedadError, match=r"r0.csv: another version was read from it"):
        crate.write(root, METRICS, out)
    assert not out.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["copy"]


def test_no_password_of_a_remote_gets_into_a_crate(
    copy: Callable[[], Project], tmp_path: Path
) -> None:
    project = copy()
    project.git("remote", "add", "origin", "https://me:secret@example.org/me/medad.git")
    crate.write(project.root, METRICS, tmp_path / "out")
    entities = graph(tmp_path / "out")
    assert entities["Snakefile"]["codeRepository"] == "https://example.org/me/medad.git"
    assert "secret" not in (tmp_path / "out/ro-crate-metadata.json").read_text()
