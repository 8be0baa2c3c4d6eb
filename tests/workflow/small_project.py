"""Results of two methods made up without any engine: manifests and records in milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from medad import layout
from medad.files import digest, write_bytes, write_json
from medad.lineage import manifest, record

PLACE = {"dataset": "d", "split": "s"}
DRAW = {**PLACE, "k": 2, "r": 0}


def run(method: str, k: int = 2) -> dict[str, str | int]:
    """Identity of one run."""
    return {**DRAW, "k": k, "method": method}


class Small:
    """shots -> head -> score -> metrics of methods a and b at each K, their intervals, table t."""

    def __init__(self, root: Path, ks: tuple[int, ...] = (2,)) -> None:
        self.root = root
        compared, metrics, self.cells = {}, {}, {}
        for k in ks:
            draw = {**DRAW, "k": k}
            content = b"shots" if k == 2 else b"shots of %d" % k
            shots = self.step("shots", draw, {}, {"shots": content})["shots"]
            compared[f"shots/k{k}/r0"] = shots
            for method in ("a", "b"):
                identity, name = run(method, k), f"{method}/k{k}/r0"
                made = self.step("head", identity, {"shots": shots}, {"head": method.encode()})
                read = {"head": made["head"], "shots": shots}
                scored = self.step("score", identity, read, {"scores": b"of " + method.encode()})
                compared[f"scores/{name}"] = scored["scores"]
                values = b'{"auroc": 0.%d}' % ord(method)
                done = self.step("metrics", identity, scored, {"metrics": values})
                metrics[f"metrics/d/s/{name}"] = done["metrics"]
                self.cells[f"d/s/{method.upper()}/K{k}"] = {
                    "value": 0.5,
                    "decimals": 4,
                    "n": 1,
                    "aggregation": "mean over draws",
                    "metrics": [f"metrics/d/s/{name}"],
                    "intervals": "intervals/d/s",
                }
        own = self.step("intervals", {**PLACE, "table": "t"}, compared, {"intervals": b"{}"})
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
            told = {name: found[name] for name in ("key", "kind", "identity")}
            value = {**told, "action": "computed", "started": 1.5, "process": 1, "wall_s": 0.1}
            folder = f"results/records/{found['key'][:2]}/{found['key']}"
            write_json(self.root / folder / record.name(1.5, 1), manifest.seal(value))
        return made
