"""Who may be a shot, who sets thresholds and who is tested: the split policies.

A policy is a function of the labels and leakage groups of an index, in its order, and a random
generator. Anomalous images are always and only test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medad.errors import MedadError


@dataclass(frozen=True)
class Roles:
    """One flag an image and role: ``pool`` (may be a shot), ``validation``, ``test``."""

    pool: list[bool]
    validation: list[bool]
    test: list[bool]


def largest_remainder(total: int, fractions: Sequence[float]) -> list[int]:
    """Whole parts of ``total`` nearest to ``fractions`` (which sum to 1): Hamilton's method.

    Every part gets its floor; what is left goes to the largest remainders, the first on a tie.
    """
    exact = [total * fraction for fraction in fractions]
    parts = [int(np.floor(round(value, 9))) for value in exact]
    order = sorted(range(len(parts)), key=lambda i: (-round(exact[i] - parts[i], 9), i))
    for index in order[: total - sum(parts)]:
        parts[index] += 1
    return parts


def grouped(
    labels: Sequence[int],
    groups: Sequence[int],
    generator: np.random.Generator,
    *,
    pool: float,
    validation: float,
) -> Roles:
    """Healthy leakage groups are dealt to pool, validation and test: copies never straddle.

    ``pool`` and ``validation`` are fractions of the healthy groups, the test has the rest; sizes
    by ``largest_remainder`` (76 groups at .3 and .15: 23, 11, 42). A group with both labels is
    test altogether, outside the fractions. Raises MedadError when a part would be empty.
    """
    if not (pool > 0 and validation >= 0 and pool + validation < 1):
        raise MedadError(
            f"splits.grouped: pool {pool} and validation {validation} must be fractions, pool "
            "above 0, that leave a part for the test"
        )
    anomalous = {group for group, label in zip(groups, labels, strict=True) if label != 0}
    healthy = sorted(set(groups) - anomalous)
    sizes = largest_remainder(len(healthy), [pool, validation, 1 - pool - validation])
    if sizes[0] == 0 or sizes[2] == 0 or (validation > 0 and sizes[1] == 0):
        raise MedadError(
            f"splits.grouped: {len(healthy)} healthy leakage groups make pool, validation and test "
            f"of {sizes[0]}, {sizes[1]} and {sizes[2]} groups; each needs one: change the "
            "fractions or add healthy images"
        )
    dealt = [healthy[i] for i in generator.permutation(len(healthy))]
    in_pool, in_validation = set(dealt[: sizes[0]]), set(dealt[sizes[0] : sizes[0] + sizes[1]])
    return Roles(
        pool=[group in in_pool for group in groups],
        validation=[group in in_validation for group in groups],
        test=[group not in in_pool and group not in in_validation for group in groups],
    )


def paper(labels: Sequence[int], groups: Sequence[int], generator: np.random.Generator) -> Roles:
    """CONSULT (arXiv 2410.11307, section 4.1): K shots of all healthy images, the rest is test.

    That part is not literal: the paper discards "the rest" and does not say which healthy images it
    tests. Healthy images are pool and test at once; scoring leaves a draw's shots, not their
    copies, out of its test. There is no validation, and nothing is random here.
    """
    return Roles(
        pool=[label == 0 for label in labels],
        validation=[False] * len(labels),
        test=[True] * len(labels),
    )


def adfa(
    labels: Sequence[int],
    groups: Sequence[int],
    generator: np.random.Generator,
    *,
    pool: int,
    test: int,
    anomalous: int | None = None,
    files: str = "apart",
    parts: Sequence[str] = (),
) -> Roles:
    """ADFA's table 2: numbers of healthy images for training and test.

    Which files its authors took is published for one dataset alone. ``files``: healthy images are
    drawn ``apart``, whole leakage groups to either side and none beside its anomalous copies, or
    ``drawn`` one by one, copies and all, or the ``first`` of the index, or those of its published
    ``parts``, whose numbers must then be these. Healthy images beyond ``pool + test`` are not used.
    ``anomalous``: how many are tested, drawn where there are more; all without it. Raises
    MedadError when there are fewer, or the groups do not fit the numbers.
    """
    healthy = [index for index, label in enumerate(labels) if label == 0]
    lesions = [index for index, label in enumerate(labels) if label != 0]
    if files == "parts":
        in_pool = {i for i in healthy if parts[i] == "train"}
        in_test = {i for i in healthy if parts[i] == "test"}
        lesions = [i for i in lesions if parts[i] == "test"]
        found, wanted = (len(in_pool), len(in_test), len(lesions)), (pool, test, anomalous)
        if found != wanted:
            raise MedadError(
                f"splits.adfa: its parts train and test have {found[0]} and {found[1]} healthy and "
                f"{found[2]} anomalous images, not {pool}, {test} and {anomalous}; complete the "
                "dataset or change splits.adfa.numbers"
            )
    else:
        if pool < 1 or test < 1 or pool + test > len(healthy):
            raise MedadError(
                f"splits.adfa: pool {pool} and test {test} need {pool + test} healthy images and "
                f"each at least 1; the dataset has {len(healthy)}: change splits.adfa.numbers"
            )
        drawn = [healthy[i] for i in generator.permutation(len(healthy))]
        if files == "apart":
            in_pool, in_test = _apart(drawn, lesions, groups, (pool, test), generator)
        else:
            ordered = healthy if files == "first" else drawn
            in_pool, in_test = set(ordered[:pool]), set(ordered[pool : pool + test])
        if anomalous is not None:
            if anomalous > len(lesions):
                raise MedadError(
                    f"splits.adfa: anomalous {anomalous}; the dataset has {len(lesions)}: change "
                    "splits.adfa.numbers"
                )
            if anomalous < len(lesions):
                lesions = [lesions[i] for i in generator.permutation(len(lesions))[:anomalous]]
    tested = in_test | set(lesions)
    return Roles(
        pool=[index in in_pool for index in range(len(labels))],
        validation=[False] * len(labels),
        test=[index in tested for index in range(len(labels))],
    )


def _apart(
    drawn: Sequence[int],
    lesions: Sequence[int],
    groups: Sequence[int],
    sizes: tuple[int, int],
    generator: np.random.Generator,
) -> tuple[set[int], set[int]]:
    """Healthy images of the pool and of the test, as many as ``sizes`` say, whole groups each.

    A group goes to a side, or to neither, with odds of the room that is left there: the largest
    first, so that single images fill what they leave.
    """
    anomalous = {groups[index] for index in lesions}
    members: dict[int, list[int]] = {}
    for index in drawn:
        members.setdefault(groups[index], []).append(index)
    sides: tuple[list[int], ...] = ([], [], [])
    room = np.array([*sizes, len(drawn) - sum(sizes)])
    for group in sorted(members, key=lambda g: (g not in anomalous, -len(members[g]))):
        odds = np.where(room >= len(members[group]), room, 0)
        if group in anomalous:
            odds[0] = 0  # its anomalous images may be tested
        if not odds.any():
            raise MedadError(
                f"splits.adfa: {len(members)} healthy leakage groups, the largest of "
                f"{max(map(len, members.values()))} images, cannot be dealt whole to pool "
                f"{sizes[0]} and test {sizes[1]}: change splits.adfa.numbers, or its files to drawn"
            )
        side = int(generator.choice(len(room), p=odds / odds.sum()))
        sides[side].extend(members[group])
        room[side] -= len(members[group])
    return set(sides[0]), set(sides[1])


POLICIES: dict[str, Callable[..., Roles]] = {"grouped": grouped, "paper": paper, "adfa": adfa}
