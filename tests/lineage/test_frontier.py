from __future__ import annotations

from medad.lineage.frontier import circumstances, paired

SPLIT = "results/splits/phantom/{}.parquet"


def metrics(*, split: str = "grouped", ks: tuple[int, ...] = (2, 4)) -> dict[str, str]:
    stem = f"phantom/{split}/padim"
    return {f"metrics/{stem}/k{k}/r0": f"results/metrics/{stem}/k{k}/r0.json" for k in ks}


def test_inputs_of_one_name_stand_for_each_other() -> None:
    old, new = {"split": SPLIT.format("grouped")}, {"split": SPLIT.format("paper")}
    assert paired(old, new) == [("split", "split")]
    assert paired({**old, "file": "a.pt"}, {"file": "b.pt"}) == [("file", "file")]


def test_what_is_another_everywhere_stands_for_what_it_replaces() -> None:
    old, new = metrics(), metrics(split="paper")
    assert paired(old, new) == list(zip(old, new, strict=True))
    one, other = metrics(ks=(4,)), metrics(ks=(2,))
    assert paired(one, other) == [(next(iter(one)), next(iter(other)))]


def test_what_is_there_on_one_side_alone_stands_for_nothing() -> None:
    old, new = metrics(ks=(2, 4)), metrics(ks=(2, 6))
    assert paired(old, new) == [("metrics/phantom/grouped/padim/k2/r0",) * 2]
    assert paired(old, {}) == []
    assert paired({"a": "a.pt"}, {"b": "b.pt"}) == []


def test_circumstances_are_libraries_machine_and_device() -> None:
    found = {"libraries": {"numpy": "2.4"}, "machine": {"cpu": "x"}, "device": "cuda"}
    assert circumstances(found) == {
        ("library", "numpy"): "2.4",
        ("machine", "cpu"): "x",
        ("machine", "device"): "cuda",
    }
