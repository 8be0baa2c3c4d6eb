"""Step: deal the images of an index to pool, validation and test, and say what leaks."""

from __future__ import annotations

import numpy as np

from medad.data.leakage import report
from medad.data.splits import POLICIES
from medad.errors import MedadError
from medad.files import read_parquet, write_json, write_parquet
from medad.task import Task


def run(task: Task) -> None:
    """Write ``split`` (roles of every image) and ``leakage`` (the report)."""
    options = {key: value for key, value in task.params.items() if key not in {"seed", "policy"}}
    policy = str(task.params["policy"])
    if policy not in POLICIES:
        raise MedadError(f"split policy {policy!r}; allowed: {', '.join(sorted(POLICIES))}")
    index = read_parquet(task.inputs["index"])
    if options.get("files") == "parts":
        options["parts"] = index["part"]
    generator = np.random.default_rng(task.seed("split", "dataset", "split"))
    roles = POLICIES[policy](index["label"], index["group"], generator, **options)
    flags = {"pool": roles.pool, "validation": roles.validation, "test": roles.test}
    columns = {name: index[name] for name in ("path", "sha256", "label", "group")}
    write_parquet(task.outputs["split"], {**columns, **flags})
    findings = report(index["path"], index["label"], index["group"], flags)
    write_json(task.outputs["leakage"], {"policy": policy, **findings})
