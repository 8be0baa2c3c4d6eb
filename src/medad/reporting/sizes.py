"""Numbers of images that splits hold, beside a paper's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medad.errors import MedadError
from medad.reporting.text import header, line

COLUMNS = (
    *("dataset", "split", "row", "train_healthy", "test_healthy", "test_anomalous"),
    *("paper_train_healthy", "paper_test_healthy", "paper_test_anomalous", "verdict"),
    *("train_groups", "test_groups", "copies_across", "conflicting_groups", "unused"),
    *("files", "files_used"),
)


def rows(
    entries: Sequence[Mapping[str, Any]],
    datasets: Sequence[str],
    splits: Sequence[str],
    leakage: Mapping[str, Mapping[str, Any]],
    counts: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, str]]:
    """Lines with ``COLUMNS``, one a data set and split, and one of each that is published alone.

    ``entries``: rows of workflow/tables, ``published`` being training, healthy and anomalous test
    images. ``leakage``: "<dataset>/<split>" to the split's report; ``counts``: data set to what
    became of its files. ``copies_across``: leakage groups with images in training and test.
    """
    found = []
    for dataset in datasets:
        entry = next((one for one in entries if one["dataset"] == dataset), None)
        published = _published(entry) if entry else []
        used = sum(int(counts[dataset][f"used_as_{what}"]) for what in ("images", "masks"))
        for split in splits:
            report = leakage[f"{dataset}/{split}"]
            sizes = [int(report["sizes"][role][label]) for role, label in _SIZES]
            same = "not printed" if not published else _VERDICTS[sizes == published]
            values = (
                *(dataset, split, entry["label"] if entry else dataset, *sizes),
                *(*(published or [""] * len(_SIZES)), same),
                *(report["sizes"]["pool"]["groups"], report["sizes"]["test"]["groups"]),
                *(report["across"]["pool/test"], len(report["conflicting"]), report["unused"]),
                *(counts[dataset]["files"], used),
            )
            found.append(dict(zip(COLUMNS, map(str, values), strict=True)))
    for entry in entries:
        if entry["dataset"] not in datasets:
            paper = _published(entry) or [""] * len(_SIZES)
            known = dict(zip(COLUMNS[6:9], map(str, paper), strict=True))
            known |= {"dataset": entry["dataset"], "row": entry["label"], "verdict": "not here"}
            found.append({name: known.get(name, "") for name in COLUMNS})
    return found


_SIZES = (("pool", "healthy"), ("test", "healthy"), ("test", "anomalous"))
_VERDICTS = {True: "as published", False: "other numbers"}


SHOWN = (
    *("train", "test, healthy", "test, anomalous", "paper", "verdict"),
    *("groups: train, test", "groups across", "files: seen, used"),
)


def shown(one: Mapping[str, str]) -> list[str]:
    """What a line of ``rows`` says under ``SHOWN``."""
    paper = [one[name] for name in COLUMNS[6:9]]
    return [
        *(one[name] for name in COLUMNS[3:6]),
        *(", ".join(paper) if all(paper) else "", one["verdict"]),
        _both(one, "train_groups", "test_groups"),
        *(one["copies_across"], _both(one, "files", "files_used")),
    ]


def _published(entry: Mapping[str, Any]) -> list[Any]:
    values = list(entry["published"])
    if values and len(values) != len(_SIZES):
        raise MedadError(f"{entry['dataset']}: published {values}; allowed: three numbers, or none")
    return values


def _both(one: Mapping[str, str], *names: str) -> str:
    return ", ".join(one[name] for name in names if one[name])


def name(one: Mapping[str, str]) -> str:
    """Which images a line of ``rows`` is of."""
    return f"{one['row']}, split {one['split']}" if one["split"] else one["row"]


def render(title: str, lines: Sequence[Mapping[str, str]]) -> str:
    """Markdown of ``rows``."""
    text = [f"# {title}", "", *header("images", SHOWN)]
    text += [line(f"**{name(one)}**", shown(one)) for one in lines]
    return "\n".join(
        [
            *(*text, ""),
            "Groups are leakage groups: byte copies and near copies of each other. Those across "
            "have images in training and in test. Files used are images and lesion masks; "
            "`results/index/<dataset>/index.counts.json` says what became of the others.",
            "",
        ]
    )
