from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from small_project import Small, run
from small_publication import HEADS, METRICS

from medad import layout
from medad.errors import MedadError
from medad.files import digest
from medad.lineage import checked


def test_a_step_is_told_by_its_manifest_at_its_path_alone(tmp_path: Path) -> None:
    root = Small(tmp_path).root
    path = layout.manifest("metrics", run("b"))
    content = (root / path).read_bytes()
    found = checked.step(content, path, "it")
    assert (found.kind, found.identity) == ("metrics", run("b"))
    assert found.outputs == {METRICS: digest(root / METRICS)}
    with pytest.raises(MedadError, match=r"^it: refused: not the manifest"):
        checked.step(content, path.replace("/k2/", "/k02/"), "it")
    spaced = content.replace(b'"seed": 0', b'"seed":  0')
    with pytest.raises(MedadError, match=r"^it: changed since it was written"):
        checked.step(spaced, path, "it")


def test_numbers_and_text_that_json_cannot_hold_are_no_manifest(tmp_path: Path) -> None:
    path = layout.manifest("metrics", run("b"))
    content = (Small(tmp_path).root / path).read_bytes()
    at = content.index(b'\n "digest": "')
    for other in (b"NaN", b'"\\ud800"'):
        body = content.replace(b'"seed": 0', b'"seed": ' + other)
        rest = body[at:].partition(b'",')[2]
        seal = hashlib.sha256(body[:at] + rest).hexdigest().encode()
        with pytest.raises(MedadError, match=r"^it: refused: not the manifest"):
            checked.step(body[:at] + b'\n "digest": "' + seal + b'",' + rest, path, "it")


def test_paths_are_those_of_the_layout() -> None:
    assert checked.output(METRICS) == ("metrics", "metrics")
    assert checked.output(HEADS[0]) == ("head", "head")
    assert checked.output("results/tables/t.manifest.json") == ("table", "")
    for path in ("", "results/tables/t.txt", METRICS.replace("k2", "k02"), f"{METRICS}\n"):
        assert checked.output(path) is None


def test_five_paths_are_named() -> None:
    assert str(checked.refusal(["a", "b"], "refused")) == "refused: a, b"
    assert str(checked.refusal(list("abcdefg"), "refused")) == "refused: a, b, c, d, e and 2 more"
