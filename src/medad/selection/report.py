"""The README of a study: tables, decision, and what they cannot show."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medad.selection import tested
from medad.selection.protocol import Protocol
from medad.selection.rule import Decision
from medad.selection.statistics import resampled_mean
from medad.selection.summary import Line, decision, lines
from medad.selection.text import table

INDENT: dict[str, Any] = {"subsequent_indent": "  ", "break_on_hyphens": False}
PITFALLS = """\
- A net trained on {bank} shots overfits more easily than one trained on {shots}, so this judges
  stage 1 a little too harshly at K = {shots} and says nothing of other K.
- The development draws of a dataset together use more of its healthy images than any one K; only
  on the phantom, which is generated, is that free. They come from the pool of split `grouped`: no
  test image of that split is scored.
{seen}
- Contrasts are far above what a radiologist needs: with two images in the bank, weaker lesions
  drown in the variation between subjects, whatever the candidate.
{rotated}
- Lesions are pasted. Their edges are soft, but an edge is still a cue that a tumour need not have.
- Copies of a shot share its leakage group and cannot be held out against it; near copies below
  the threshold of the leakage groups can.
- Some healthy images of `brain_mri` (N11, N16, N17) show bright spots; they may be held out here.
- Winner's curse: the best of several candidates looks better here than it is. Its S2 is no
  estimate of an AUROC on tumours.
- Few draws: the bootstrap over n draws understates the standard error by about sqrt((n - 1) / n),
  and each S2 rests on {held_out} held-out images. It resamples draws and not images, which draws
  share, so errors are too small for that reason too."""


def markdown(
    protocol: Protocol,
    studies: Sequence[Mapping[str, Any]],
    test: Mapping[str, Any] | None = None,
) -> str:
    """README.md of the sources that have run, deciding on all of them together.

    ``test``: what ``medad.selection.judgement.read_test`` found, once the test has been scored.
    """
    chosen = decision(protocol, studies)
    missing = sorted(set(protocol.sources) - {study["source"] for study in studies})
    parts = [
        f"# {protocol.title}, judged on healthy shots alone",
        f"{protocol.shots} shots a draw, {protocol.held_out} held out and scored, with and without "
        f"{protocol.lesions} lesions a family; the others train stage 1 and fill PatchCore's bank. "
        "S1 = P(score with lesion > score of the same image without), S2 = P(score with lesion > "
        "score of the *other* held-out image). Every number is a mean over draws; "
        "`se` is the bootstrap standard error over draws. `norm` and `rank` are the least over "
        "draws, relative to step 0; `cosine` is to the unadapted backbone's features. "
        "Candidates are listed nearest to the backbone first. Made by `medad select`; "
        "no anomalous image was opened.",
        *(_source(protocol, study) for study in studies),
        "## Decision",
        *([f"Not run yet: {', '.join(missing)}."] if missing else []),
        " ".join(protocol.rule.split()),
        _decision(protocol, chosen),
        _verdict(protocol, chosen),
        *_of_stage1(protocol, studies),
        *([] if test is None else tested.section(protocol, studies, test)),
        "## What this cannot show",
        PITFALLS.format(
            bank=protocol.shots - protocol.held_out,
            shots=protocol.shots,
            held_out=protocol.held_out,
            rotated=textwrap.fill(_rotated(protocol), 99, **INDENT),
            seen=textwrap.fill(f"- What was seen before: {protocol.seen}", 99, **INDENT),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _source(protocol: Protocol, study: Mapping[str, Any]) -> str:
    found = lines(protocol, study)
    first = next(iter(found.values()))
    families = list(first.families)
    backbone, draws = study["backbone"], {draw["draw"] for draw in study["draws"]}
    rows = [_row(protocol, name, one, first) for name, one in found.items()]
    head = ["candidate", "S1", "S2", "se", "gain", "se", "S2 min", *families]
    head += ["Bezier S1", "norm", "rank", "cosine", "trained"]
    return "\n".join(
        [
            f"## {study['source']}: {len(draws)} draw{'s'[: len(draws) > 1]}, {study['side']} px, "
            f"{backbone['name']} ({backbone['weights']})",
            "",
            table(head, rows),
            "",
            "S2 by family from `blob` on; `S2 min` is the mean over draws of the least family; "
            f"`gain` is S2 less that of `{next(iter(found))}`, paired.",
        ]
    )


def _row(protocol: Protocol, name: str, one: Line, first: Line) -> list[str]:
    def spread(draws: Sequence[float]) -> tuple[float, float]:
        return resampled_mean({"": draws}, protocol.resamples, protocol.seed)

    mean, error = spread(one.s2)
    gain, gain_error = spread([a - b for a, b in zip(one.s2, first.s2, strict=True)])
    return [
        f"`{name}`",
        f"{np.mean(one.s1):.3f}",
        f"{mean:.3f}",
        f"{error:.3f}",
        f"{gain:+.3f}",
        f"{gain_error:.3f}",
        f"{np.mean(one.s2_min):.3f}",
        *(f"{np.mean(draws):.3f}" for draws in one.families.values()),
        f"{np.mean(one.logged):.3f}",
        f"{min(one.norm):.2f}",
        f"{min(one.rank):.2f}",
        f"{np.mean(one.cosine):.3f}",
        f"{one.trained:,}",
    ]


def _decision(protocol: Protocol, chosen: Decision) -> str:
    rows = []
    for name in protocol.candidates:
        gain, behind = chosen.gains[name], chosen.behind[name]
        status = chosen.rejected.get(name, "within one se" if name in chosen.near else "behind")
        rows.append(
            [
                f"`{name}`",
                f"{gain.mean:+.3f}",
                f"{gain.error:.3f}",
                f"{0 - behind.mean:+.3f}",
                f"{behind.error:.3f}",
                status,
            ]
        )
    return table(["candidate", "gain", "se", "to the best", "se", "status"], rows)


def _verdict(protocol: Protocol, chosen: Decision) -> str:
    first = next(iter(protocol.candidates))
    if chosen.chosen == first:
        return (
            f"**Chosen: `{first}`.** No candidate that passed is more than one standard error "
            "better than the unadapted backbone, so nothing here speaks for stage 1."
        )
    gain = chosen.gains[chosen.chosen]
    return (
        f"**Chosen: `{chosen.chosen}`**, {gain.mean:+.3f} (se {gain.error:.3f}) over `{first}`; "
        f"the best is `{chosen.best}`."
    )


def _of_stage1(protocol: Protocol, studies: Sequence[Mapping[str, Any]]) -> list[str]:
    """The verdict on stage 1 alone, where other candidates have another stage 2."""
    names = protocol.published()
    if len(names) in (1, len(protocol.candidates)):
        return []
    chosen = decision(protocol, studies, names)
    gain = chosen.gains[chosen.chosen]
    return [
        f"The same rule among the {len(names)} candidates whose stage 2 is the published PatchCore "
        f"chooses `{chosen.chosen}` ({gain.mean:+.3f}, se {gain.error:.3f}); the best of them is "
        f"`{chosen.best}`."
    ]


def _rotated(protocol: Protocol) -> str:
    if not protocol.rotate:
        return (
            "- Pairs of held-out images are not rotated within a draw: one training a draw and "
            "candidate."
        )
    return (
        f"- Every shot of a draw is held out once, in {protocol.shots // protocol.held_out} banks, "
        "whose S1 and S2 are averaged. A draw is one value: its banks share images."
    )
