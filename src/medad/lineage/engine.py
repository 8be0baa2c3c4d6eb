"""What a Snakemake rule takes from the plan, in Snakemake's own types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from snakemake.io import ancient

from medad.files import canonical_json
from medad.plan import Plan


def needs(plan: Plan, kind: str) -> Callable[[Any], dict[str, Any]]:
    """Input function of a rule: its key file and small manifests tracked, big files ancient.

    A manifest names its outputs by hash, so tracking it is tracking them, without rehashing
    gigabytes and without planning anything after a touch.
    """

    def inputs(wildcards: Any) -> dict[str, Any]:
        identity = dict(wildcards.items())
        tracked, big = plan.needs(kind, identity)
        return {
            "key": plan.key_file(kind, identity),
            "tracked": tracked,
            "files": [ancient(path) for path in big],
        }

    return inputs


def half(plan: Plan, kind: str) -> Callable[[Any], str]:
    """Parameter of a rule: its key file's content, so that a dry run, which may not write key
    files, still sees what has changed."""

    def content(wildcards: Any) -> str:
        return canonical_json(asdict(plan.half(kind, dict(wildcards.items())))).decode()

    return content
