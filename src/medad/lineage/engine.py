"""What a Snakemake rule takes from the plan, in Snakemake's own types."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from snakemake.io import ancient

from medad.lineage.current import Current, Job


def needs(
    current: Current, planned: Callable[[], Collection[Job]], kind: str
) -> Callable[[Any], dict[str, Any]]:
    """Input function of a rule: its key file, and the manifests and files it reads.

    A job is planned because of what its manifests say, not of times. One that is not current has
    an input more, which is newer than any result. All inputs of one that is current are ancient,
    so that neither a touch nor a job above that is made again (to equal bytes) sets it off; and
    where it is not ``planned``, it does without those that are missing (models of a published
    table, say), so nothing is made on its behalf.
    """
    plan = current.plan

    def inputs(wildcards: Any) -> dict[str, Any]:
        job = Job(kind, dict(wildcards.items()))
        tracked, big = plan.needs(kind, job.wildcards)
        if job not in planned():
            big = [path for path in big if (plan.root / path).is_file()]
        done = current.is_current(job)
        return {
            "key": ancient(plan.key_file(kind, job.wildcards)),
            # Snakemake looks for changes of its own only above the first job it plans: below, it
            # goes on from input to input, and passes over those that are ancient.
            "tracked": [ancient(path) if done else path for path in tracked],
            "files": [ancient(path) for path in big],
            "changed": [] if done else [current.mark],
        }

    return inputs
