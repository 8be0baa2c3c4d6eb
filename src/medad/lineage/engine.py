"""What a Snakemake rule takes from the plan, in Snakemake's own types."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

from snakemake.io import ancient

from medad.errors import MedadError
from medad.lineage.current import Current, Job


def part_of_run(current: Current, workflow: Any) -> Callable[[Job], bool]:
    """Whether a job is one of those that making Snakemake's targets takes."""

    @cache
    def jobs() -> list[Job]:
        return current.jobs(_targets(workflow.dag_settings))

    def asked(job: Job) -> bool:
        settings = workflow.dag_settings  # known only after the Snakefile has been read
        forced = settings.forceall or settings.forcerun or settings.forcetargets
        return bool(forced) or job in jobs()

    return asked


def require_settled(current: Current, settings: Any) -> None:
    """MedadError when a finished run has left jobs to do.

    That is so when a step above finished results was made again (its outputs were missing) and
    came to other bytes than before, as on another machine: they still rest on the old ones.
    """
    if settings.until or settings.omit_from:
        return
    left = Current(current.plan, current.sources, current.mark).jobs(_targets(settings))
    if left:
        names = sorted({job.kind for job in left})
        raise MedadError(
            f"a step that was made again came to other bytes than before, so {', '.join(names)} "
            "must be too; run the same command again"
        )


def _targets(settings: Any) -> list[str]:
    return [os.path.normpath(target) for target in settings.targets] or ["all"]


def needs(
    current: Current, runs: Callable[[Job], bool], kind: str
) -> Callable[[Any], dict[str, Any]]:
    """Input function of a rule: its key file, and the manifests and files it reads.

    A job is planned because of what its manifests say, not of times. One that is not current has
    an input more, which is newer than any result. All inputs of one that is current are ancient,
    so that neither a touch nor a job above that is made again (to equal bytes) sets it off; and
    where it is not one that ``runs``, it does without those that are missing (models of a published
    table, say), so nothing is made on its behalf.
    """
    plan = current.plan

    def inputs(wildcards: Any) -> dict[str, Any]:
        job = Job(kind, dict(wildcards.items()))
        tracked, big = plan.needs(kind, job.wildcards)
        if not runs(job):
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
