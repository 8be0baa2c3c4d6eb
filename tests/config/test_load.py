from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from medad.config.load import load, overlay, section_with
from medad.errors import MedadError

ROOT = Path(__file__).resolve().parents[2]
PRESETS = sorted(path.stem for path in (ROOT / "workflow/presets").glob("*.yaml"))


def test_the_shipped_configuration_is_valid() -> None:
    assert load(ROOT).runs.datasets == ["phantom"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid_and_changes_something(preset: str) -> None:
    assert load(ROOT, {"preset": preset}) != load(ROOT)


def test_overlay_merges_mappings_and_replaces_the_rest() -> None:
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1}
    assert overlay(base, {"a": {"y": [3]}, "c": 2}) == {"a": {"x": 1, "y": [3]}, "b": 1, "c": 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sead": 1}, r"sead: unknown key; did you mean 'seed'\?"),
        (
            {"stage1": {"consult": {"epoch": 1}}},
            r"^--config: stage1\.consult\.epoch: unknown key; did you mean 'epochs'\?",
        ),
        ({"seed": "x"}, r"^--config: seed: got 'x'; .*integer"),
        ({"runs": {"shots": [0]}}, r"runs\.shots\.0: got 0; .*greater than or equal to 1"),
        ({"runs": {"shots": [2, 2]}}, r"runs\.shots: got \[2, 2\]; each value once"),
        ({"runs": {"datasets": ["moon"]}}, r"runs\.datasets: got 'moon'; allowed: phantom"),
        ({"preset": "moon"}, r"preset: got 'moon'; allowed: none, adfa, adfa_short"),
        (
            {"methods": {"x": {"stage1": "none", "synthesis": "none", "detector": "y"}}},
            r"methods\.x\.detector: got 'y'; allowed: patchcore, padim",
        ),
        (
            {"methods": {"padim": {"normalisation": {"moon": "half"}}}},
            r"methods\.padim\.normalisation: got 'moon'; allowed: phantom, phantom_t1",
        ),
        (
            {"detectors": {"adfa": {"cost": "batch"}}},
            r"detectors\.adfa: cost: batch needs mode: code",
        ),
        ({"backbone": {"weights": "file"}}, "needs both `file` and its `sha256`"),
        ({"splits": {"grouped": {"pool": 0.9}}}, "must be below 1"),
        (
            {"stage1": {"classification": {"batch": 5}}},
            r"stage1\.classification\.batch: got 5; .*multiple of 2",
        ),
        ({"stage1": {"segmentation": {"depth": 2}}}, r"stage1\.segmentation\.depth: got 2"),
        (
            {"synthesis": {"test_images": {"unmasked": "x"}}},
            r"synthesis\.test_images\.unmasked: got 'x'; .*'drop' or 'keep'",
        ),
        ({"datasets": {"phantom": {"duplicates": 999}}}, "duplicates must be fewer"),
        ({"methods": {"consult": {"synthesis": "none"}}}, "go together"),
    ],
)
def test_a_bad_value_is_one_line_with_the_key_and_the_remedy(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(MedadError, match=message) as caught:
        load(ROOT, change)
    assert "\n" not in str(caught.value)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MedadError, match=r"params\.yaml: not found"):
        load(tmp_path)
    (tmp_path / "params.yaml").write_text("a: [1\n")
    with pytest.raises(MedadError, match=r"params\.yaml: not valid YAML"):
        load(tmp_path)
    (tmp_path / "params.yaml").write_text("- 1\n")
    with pytest.raises(MedadError, match="a mapping of keys is needed"):
        load(tmp_path)


def test_the_line_is_that_of_the_file_that_holds_the_key(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "workflow/presets/mine.yaml").write_text("# mine\nseed: x\n")
    with pytest.raises(MedadError, match=r"mine\.yaml:2: seed"):
        load(tmp_path, {"preset": "mine"})


def test_no_key_has_a_hidden_default(tmp_path: Path) -> None:
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    del values["stage1"]["consult"]["epochs"]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(MedadError, match=r"stage1\.consult\.epochs: missing; add it"):
        load(tmp_path)


def test_what_was_given_on_the_command_line_is_not_blamed_on_a_file() -> None:
    change = {"preset": "folder", "backbone": {"weights": "imagnet"}}
    with pytest.raises(MedadError, match=r"^--config: backbone\.weights: got 'imagnet'"):
        load(ROOT, change)
    with pytest.raises(MedadError, match=r"^--config: runs\.splits: got 'x'; allowed: grouped"):
        load(ROOT, {"runs": {"splits": ["x"]}})
    with pytest.raises(MedadError, match=r"^--config: runs\.shots: got \[2, 2\]; each value once"):
        load(ROOT, {"runs": {"shots": [2, 2]}})


def test_keys_that_do_not_go_together_are_not_drowned_in_their_section() -> None:
    with pytest.raises(MedadError) as caught:
        load(ROOT, {"detectors": {"adfa": {"kernel": 4}}})
    assert str(caught.value) == (
        "--config: detectors.adfa: kernel: got 4, allowed: odd sizes, or adaptive"
    )


def test_a_method_like_another_takes_what_it_does_not_say() -> None:
    mine = {"mine": {"like": "loss_tritanh", "because": "x", "override": {"stage1": {"epochs": 7}}}}
    methods = load(ROOT, {"methods": mine}).methods
    adapted, chosen = methods["consult_adapted"], methods["mine"]
    assert (chosen.detector, chosen.standing, chosen.because) == ("patchcore", "reading", "x")
    assert chosen.override.stage1 == {
        **adapted.override.stage1,
        "contrast": "tritanh",
        "similarity": "none",
        "koleo": "none",
        "epochs": 7,
    }


@pytest.mark.parametrize("like", ["moon", "mine", "other"])
def test_a_method_cannot_be_like_itself_or_nothing(like: str) -> None:
    methods = {"mine": {"like": like}, "other": {"like": "mine"}}
    with pytest.raises(MedadError, match=r"methods\.\w+\.like: got '\w+'; allowed: another method"):
        load(ROOT, {"methods": methods})


def test_presets_add_up_and_the_later_wins() -> None:
    both = load(ROOT, {"preset": "brain_mri+consult_literal"})
    assert both.runs.datasets == ["brain_mri"]
    assert both.synthesis.consult.fill == "literal"
    assert load(ROOT, {"preset": "quick+brain_mri"}).image.side == 256
    assert load(ROOT, {"preset": "brain_mri+quick"}).image.side == 64
    with pytest.raises(MedadError, match="preset: got 'moon'; allowed: none, adfa, adfa_short"):
        load(ROOT, {"preset": "quick+moon"})


def test_the_literal_preset_trains_consult_and_says_so() -> None:
    config = load(ROOT, {"preset": "consult_literal"})
    consult = config.methods["consult"]
    assert consult.standing == "literal"
    stage1 = section_with(config.stage1.consult, consult.override.stage1, "consult")
    told = {"epochs": 50, "interpolate": 1.0, "attention": "block", "similarity": "l2"}
    assert told.items() <= stage1.items()


def test_consult_ships_as_the_reading_study_chose_it() -> None:
    config = load(ROOT)
    study = yaml.safe_load((ROOT / "workflow/selection/reading.yaml").read_text())
    decided = (ROOT / "docs/results/selection_reading/README.md").read_text()
    assert "**Chosen: `all_patches_smooth`**" in decided
    assert "whose stage 2 is the published PatchCore chooses `quarter`" in decided
    consult, ours = config.methods["consult"], config.methods["patchcore_whole_smooth"]
    stage1 = section_with(config.stage1.consult, consult.override.stage1, "consult")
    assert study["candidates"]["quarter"].items() <= stage1.items()
    assert (consult.detector, consult.override.detector) == ("patchcore", {})
    assert (ours.stage1, ours.detector) == ("none", "patchcore")
    assert ours.override.detector == study["detectors"]["all_patches_smooth"]


def test_the_literal_preset_makes_the_rows_of_the_ablations_literal_but_for_what_they_name() -> (
    None
):
    config = load(ROOT, {"preset": "consult_literal"})
    chosen = {
        name: section_with(config.stage1.consult, config.methods[name].override.stage1, name)
        for name in ("consult", "consult_adapted", "loss_anchor", "r18_attention_relu")
    }
    literal = chosen["consult"]
    assert chosen["consult_adapted"] == literal
    differing = {
        name: {key for key, value in stage1.items() if value != literal[key]}
        for name, stage1 in chosen.items()
    }
    assert differing["loss_anchor"] == {"contrast", "similarity", "koleo"}
    assert differing["r18_attention_relu"] == {"activation"}
