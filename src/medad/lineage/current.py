"""Whether a result is what the configuration asks for, told by manifests and never by times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from medad import layout
from medad.errors import MedadError
from medad.lineage import manifest
from medad.plan import LOOPS, Plan

CHANGED = ".prov/changed"  # an input of the jobs to plan: newer than any result
ASKED = ".prov/asked"  # the same for commands that only plan, whose times disturb no run


@dataclass(frozen=True)
class Job:
    """One job of a rule: its steps are those of ``plan.targets``."""

    kind: str
    wildcards: Mapping[str, str]

    @classmethod
    def of(cls, kind: str, identity: layout.Identity) -> Job:
        """The job that makes a step."""
        looped = LOOPS.get(kind, ())
        return cls(kind, {n: str(value) for n, value in identity.items() if n not in looped})


@dataclass(frozen=True)
class Current:
    """Answers for one plan, each manifest read once.

    ``sources``: path -> sha256 of the inputs that no step makes. ``mark``: the file that every job
    which is not current has as an input.
    """

    plan: Plan
    sources: Mapping[str, str]
    mark: str
    _halves: dict[str, manifest.Half] = field(default_factory=dict)
    _found: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def is_current(self, job: Job) -> bool:
        """Whether every step of a job, and all that they rest on, are what they should be.

        Outputs may be missing: what rests on a current step is right without them.
        """
        steps = self.plan.targets(job.kind, job.wildcards)
        return all(self._manifest(job.kind, step) is not None for step in steps)

    def jobs(self, targets: Iterable[str]) -> list[Job]:
        """The jobs that making ``targets`` takes: those not current, and those of whose outputs
        the target or another such job needs one that is not here."""
        found: list[Job] = []
        pending = [path for name in sorted(targets) for path in self.plan.target(name)]
        seen: set[str] = set()
        while pending:
            path = pending.pop()
            made = None if path in seen else layout.parse(path)
            seen.add(path)
            if made is None:
                continue
            job = Job.of(*made)
            done = self.is_current(job) and (self.plan.root / path).is_file()
            if not done and job not in found:
                found.append(job)
                tracked, big = self.plan.needs(job.kind, job.wildcards)
                pending += [*tracked, *big]
        return found

    def _manifest(self, kind: str, identity: layout.Identity) -> dict[str, Any] | None:
        """The manifest of a step whose key is the one it would get now, else None."""
        path = layout.manifest(kind, identity)
        if path not in self._found:
            self._found[path] = self._read(path, kind, identity)
        return self._found[path]

    def _read(self, path: str, kind: str, identity: layout.Identity) -> dict[str, Any] | None:
        file = self.plan.root / path
        if not file.is_file():
            return None
        try:
            known, half = manifest.read(file), self._half(kind, identity)
            inputs = layout.inputs(kind, identity, half.params)
            digests = {name: self._digest(path, known, name) for name, path in inputs.items()}
            given = {name: digest for name, digest in digests.items() if digest is not None}
            same = given.keys() == digests.keys() and known["key"] == manifest.key(
                half, identity, given
            )
        except (MedadError, KeyError, TypeError, AttributeError):
            return None  # no manifest of ours, whatever it is
        return known if same else None

    def _digest(self, path: str, reader: dict[str, Any], name: str) -> str | None:
        """Content of an input: what its current step says, or of a source what lies here."""
        made = layout.parse(path)
        if made is not None:
            maker = self._manifest(*made)
            outputs = {} if maker is None else maker["outputs"].values()
            return next((item["sha256"] for item in outputs if item["path"] == path), None)
        # A weights file is pinned by its hash, a parameter: it may be absent here.
        recorded: str | None = reader["inputs"].get(name, {}).get("sha256")
        return self.sources.get(path, recorded)

    def _half(self, kind: str, identity: layout.Identity) -> manifest.Half:
        key_file = self.plan.key_file(kind, identity)
        if key_file not in self._halves:
            self._halves[key_file] = self.plan.half(kind, identity)
        return self._halves[key_file]
