"""Results of two methods made up without any engine: manifests and records in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medad import layout
from medad.files import digest, write_bytes, write_json
from medad.lineage import manifest

PLACE = {"dataset": "d", "split": "s"}
DRAW = {**PLACE, "k": 2, "r": 0}


def run(method: str) -> dict[str, str | int]:
    """Identity of one run."""
    return {**DRAW, "method": method}


class Small:
    """shots -> head -> score -> metrics of methods a and b, their intervals, and table t."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shots = self.step("shots", DRAW, {}, {"shots": b"shots"})["shots"]
        scores, metrics = {}, {}
        for method in ("a", "b"):
            identity = run(method)
            head = self.step("head", identity, {"shots": shots}, {"head": method.encode()})["head"]
            read = {"head": head, "shots": shots}
            scored = self.step("score", identity, read, {"scores": b"of " + method.encode()})
            scores[f"scores/{method}/k2/r0"] = scored["scores"]
            values = b'{"auroc": 0.%d}' % ord(method)
            made = self.step("metrics", identity, scored, {"metrics": values})
            metrics[f"metrics/d/s/{method}/k2/r0"] = made["metrics"]
        own = self.step("intervals", {**PLACE, "table": "t"}, scores, {"intervals": b"{}"})
        self.cells = {
            f"d/s/{name}/K2": {
                "value": 0.5,
                "decimals": 4,
                "n": 1,
                "aggregation": "mean over draws",
                "metrics": [f"metrics/d/s/{name.lower()}/k2/r0"],
                "intervals": "intervals/d/s",
            }
            for name in ("A", "B")
        }
        write_json(root / "cells", {"cells": self.cells})
        outputs = {"csv": b"csv", "markdown": b"md", "cells": (root / "cells").read_bytes()}
        read = {**metrics, "intervals/d/s": own["intervals"]}
        self.step("table", {"table": "t"}, read, outputs, {"baseline": "b"})

    def step(
        self,
        kind: str,
        identity: Mapping[str, str | int],
        inputs: Mapping[str, str],
        outputs: Mapping[str, bytes],
        params: Mapping[str, object] | None = None,
        recorded: bool = True,
    ) -> dict[str, str]:
        """Write a step's outputs, manifest and record; the paths of the outputs by their names."""
        made = {name: layout.output(kind, identity, name) for name in outputs}
        for name, path in made.items():
            write_bytes(self.root / path, outputs[name])
        found = manifest.build(
            manifest.Half(kind, {"errors.py": "00"}, params or {"seed": 0}, 1, {}),
            identity,
            {name: (path, digest(self.root / path).sha256) for name, path in inputs.items()},
            {name: (path, digest(self.root / path)) for name, path in made.items()},
            {"draw": 7},
        )
        write_json(self.root / layout.manifest(kind, identity), found)
        if recorded:
            value = {"key": found["key"], "kind": kind, "action": "computed", "started": 1.5}
            place = f"results/records/{found['key'][:2]}/{found['key']}/0001-1.json"
            write_json(self.root / place, manifest.seal(value))
        return made
