from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medad.data import leakage
from medad.data.leakage import connected, dhash, leakage_groups, report, similar_pairs, thumbnail


def colour(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2)


def smooth(seed: int, side: int = 72) -> np.ndarray:
    """A picture with structure: 8 x 9 random cells, enlarged."""
    cells = np.random.default_rng(seed).integers(20, 230, (8, 9)).astype(np.uint8)
    return np.asarray(Image.fromarray(cells).resize((side, side), Image.Resampling.BICUBIC))


def slow_groups(sources: list[str], thumbnails: np.ndarray, threshold: float) -> list[int]:
    """Oracle: pairwise correlations, then labels spread until nothing changes."""
    count = len(sources)
    flat = thumbnails.reshape(count, -1).astype(float)
    group = list(range(count))
    changed = True
    while changed:
        changed = False
        for i in range(count):
            for j in range(count):
                a, b = flat[i] - flat[i].mean(), flat[j] - flat[j].mean()
                length = np.sqrt((a @ a) * (b @ b))
                close = length > 0 and (a @ b) / length >= threshold
                if (close or sources[i] == sources[j]) and group[i] != group[j]:
                    group[i] = group[j] = min(group[i], group[j])
                    changed = True
    order: dict[int, int] = {}
    return [order.setdefault(name, len(order)) for name in group]


@given(st.integers(0, 10**6), st.integers(1, 12), st.sampled_from([0.3, 0.5, 0.9]))
def test_groups_equal_the_slow_oracle(seed, count, threshold):
    generator = np.random.default_rng(seed)
    prototypes = generator.integers(0, 256, (4, 3, 3))
    noise = generator.normal(0, 30, (count, 3, 3))
    stack = np.clip(prototypes[generator.integers(0, 4, count)] + noise, 0, 255).astype(np.uint8)
    sources = [str(value) for value in generator.integers(0, 8, count)]
    assert leakage_groups(sources, stack, threshold) == slow_groups(sources, stack, threshold)


def test_blocks_do_not_change_the_pairs(monkeypatch):
    stack = np.stack([smooth(seed // 3, 16) for seed in range(30)])
    whole = similar_pairs(stack, 0.9)
    monkeypatch.setattr(leakage, "_BLOCK", 7)
    assert similar_pairs(stack, 0.9) == whole
    assert whole == [(i, j) for i in range(30) for j in range(i + 1, 30) if i // 3 == j // 3]


def test_memory_is_not_quadratic():
    count = 6000
    stack = np.random.default_rng(0).integers(0, 256, (count, 8, 8), dtype=np.uint8)
    tracemalloc.start()
    similar_pairs(stack, 0.99)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.5 * 4 * count**2


def test_the_threshold_itself_counts():
    stack = np.stack([smooth(0, 16), smooth(1, 16)])
    value = float(np.corrcoef(stack[0].ravel(), stack[1].ravel())[0, 1])
    assert similar_pairs(stack, value) == [(0, 1)]
    assert similar_pairs(stack, np.nextafter(value, 2)) == []


def test_constant_images_resemble_nothing_but_their_bytes():
    stack = np.zeros((3, 8, 8), np.uint8)
    assert leakage_groups(["a", "b", "a"], stack, 0.99) == [0, 1, 0]


def test_brightness_and_size_do_not_hide_a_copy():
    original = smooth(3, 200)
    darker = (original * 0.7 + 20).astype(np.uint8)
    smaller = np.asarray(Image.fromarray(original).resize((90, 130)))
    pictures = [original, darker, smaller, smooth(4, 200)]
    stack = np.stack([thumbnail(colour(picture), 64) for picture in pictures])
    assert leakage_groups(list("abcd"), stack, 0.99) == [0, 0, 0, 1]


def test_groups_chain():
    assert connected(5, [(0, 3), (3, 4)]) == [0, 1, 2, 0, 0]
    assert connected(0, []) == []


@given(st.integers(1, 15), st.data())
def test_connected_ignores_the_order_of_pairs(count, data):
    index = st.integers(0, count - 1)
    pairs = data.draw(st.lists(st.tuples(index, index), max_size=20))
    groups = connected(count, pairs)
    assert all(groups[a] == groups[b] for a, b in pairs)
    assert groups == connected(count, [(b, a) for a, b in reversed(pairs)])
    first = [groups.index(name) for name in range(max(groups) + 1)]
    assert first == sorted(first)


def test_dhash_says_where_it_gets_brighter():
    ramp = np.tile(np.arange(0, 252, 28, dtype=np.uint8), (8, 1)).repeat(4, 0).repeat(4, 1)
    assert dhash(colour(ramp)) == "f" * 16
    assert dhash(colour(ramp[:, ::-1])) == "0" * 16
    half = np.hstack([ramp[:, :20], np.full((32, 16), 112, np.uint8)])
    assert dhash(colour(half)) == "f0" * 8


def test_dhash_survives_what_copies_suffer():
    original = smooth(5, 180)
    copy = np.asarray(Image.fromarray((original * 0.8).astype(np.uint8)).resize((135, 135)))
    distance = int(dhash(colour(original)), 16) ^ int(dhash(colour(copy)), 16)
    assert distance.bit_count() <= 4
    other = int(dhash(colour(original)), 16) ^ int(dhash(colour(smooth(6, 180))), 16)
    assert other.bit_count() > 12


PATHS = ["a", "b", "c", "d", "e"]
LABELS = [0, 0, 0, 1, 1]
GROUPS = [0, 0, 1, 2, 1]


def test_report_counts_roles_and_copies():
    roles = {
        "pool": [True, False, False, False, False],
        "validation": [False] * 5,
        "test": [False, True, True, True, True],
    }
    found = report(PATHS, LABELS, GROUPS, roles)
    assert found["sizes"]["test"] == {"images": 4, "healthy": 2, "anomalous": 2, "groups": 3}
    assert found["sizes"]["pool"] == {"images": 1, "healthy": 1, "anomalous": 0, "groups": 1}
    assert found["across"] == {"pool/validation": 0, "pool/test": 1, "validation/test": 0}
    assert found["within"]["test"] == {"groups": 1, "images": 2}
    assert found["repeated"] == [
        {"group": 0, "paths": ["a", "b"]},
        {"group": 1, "paths": ["c", "e"]},
    ]
    assert found["conflicting"] == [1]
    assert found["groups"] == {"all": 3, "healthy": 2, "anomalous": 2, "largest": 2}
    assert found["unused"] == 0


@pytest.mark.parametrize(("groups", "crossing"), [([0, 1, 2], 0), ([0, 0, 2], 1)])
def test_an_image_in_two_roles_is_not_its_own_copy(groups, crossing):
    both = {"pool": [True, True, False], "test": [True, True, True]}
    assert report(PATHS[:3], [0, 0, 1], groups, both)["across"] == {"pool/test": crossing}
