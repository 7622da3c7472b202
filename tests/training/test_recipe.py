"""Recipes: complete, changeable line by line, refused when wrong."""

import argparse
from pathlib import Path

import msgspec
import pytest

from keras_detector.errors import RecipeError
from training.command_options import changes_of, collections_of
from training.recipe import SequentialNetwork, load_recipe, shipped_recipes
from training.recipe_table import target_accuracy

CNN32 = Path(__file__).parents[2] / "training" / "recipes" / "cnn32.toml"


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_is_valid_and_named_after_its_file(name: str) -> None:
    assert load_recipe(name).name == name


def test_cnn32_is_what_the_seed_describes() -> None:
    recipe = load_recipe("cnn32")
    assert isinstance(recipe.network, SequentialNetwork)
    assert (recipe.network.conv_blocks, recipe.network.base_channels) == (3, 16)
    assert len(recipe.network.dense_units) + 1 == 2
    assert recipe.network.dropout == 0.25
    assert recipe.data.split == (0.7, 0.2, 0.1)
    assert recipe.train.optimizer == "adam"
    assert recipe.train.target_accuracy == 0.93
    assert recipe.augment.flip
    assert recipe.augment.rotation > 0
    assert recipe.augment.zoom > 0


def test_changes_apply_to_lines_of_any_section_and_type() -> None:
    recipe = load_recipe(
        "cnn32",
        [
            "train.epochs=5",
            "data.dataset_size=100",
            "network.dense_units=[32, 16]",
            "verdict.threshold=fpr=0.05",
            "input.enhance=true",
            "train.target_accuracy=none",
        ],
    )
    assert recipe.train.epochs == 5
    assert recipe.data.dataset_size == 100
    assert recipe.network.dense_units == (32, 16)
    assert recipe.verdict.threshold == "fpr=0.05"
    assert recipe.input.enhance
    assert recipe.train.target_accuracy == "none"


@pytest.mark.parametrize(
    "change",
    [
        "epochs=5",
        "train.epoch=5",
        "train.epochs",
        "train.epochs=0",
        "train.epochs=many",
        "nothing.here=1",
        "name.x=1",
        "data.split=[0.5, 0.2, 0.1]",
        "data.split=[0.8, 0.2, 0.0]",
        "train.optimizer=magic",
        "train.learning_rate=-1",
        "network.conv_blocks=6",
        "network.kind=unknown",
        "train.target_accuracy=0.3",
        "verdict.abstain_risk=0.9",
        "input.size=7",
        "data.dataset_size=some",
    ],
)
def test_a_change_that_makes_no_sense_is_refused(change: str) -> None:
    with pytest.raises(RecipeError):
        load_recipe("cnn32", [change])


def test_pictures_are_not_shifted_out_of_sight() -> None:
    load_recipe("cnn32", ["augment.shift=32"])
    with pytest.raises(RecipeError, match=r"augment\.shift"):
        load_recipe("cnn32", ["augment.shift=33"])


def test_sources_with_any_letters_can_be_held_out() -> None:
    options = argparse.Namespace(set=[], hold_out=['\U0001f4f7 "a"', "b"])
    recipe = load_recipe("cnn32", changes_of(options))
    assert recipe.data.hold_out == tuple(options.hold_out)


def test_two_collections_of_one_name_are_refused() -> None:
    options = argparse.Namespace(collection=["web=a", "other=b"])
    assert collections_of(options) == {"web": Path("a"), "other": Path("b")}
    with pytest.raises(RecipeError, match="web twice"):
        collections_of(argparse.Namespace(collection=["web=a", "web=b"]))


def test_residual_blocks_must_match_the_channels() -> None:
    with pytest.raises(RecipeError, match="one fewer"):
        load_recipe("cnn32-plus", ["network.residual_blocks=[1]"])


@pytest.mark.parametrize("line", ["epochs = 60", "enhance = false", 'kind = "sequential"'])
def test_a_recipe_without_one_of_its_lines_is_refused(line: str, tmp_path: Path) -> None:
    text = CNN32.read_text(encoding="utf-8")
    assert line in text
    shorter = tmp_path / "mine.toml"
    shorter.write_text(text.replace(line, ""), encoding="utf-8")
    with pytest.raises(RecipeError):
        load_recipe(str(shorter))


def test_a_recipe_file_of_ones_own_is_used(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(CNN32.read_text(encoding="utf-8").replace('"cnn32"', '"mine"'))
    assert load_recipe(str(mine)).name == "mine"


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = ", b""])
def test_a_file_that_is_no_recipe_is_refused(content: bytes, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_bytes(content)
    with pytest.raises(RecipeError):
        load_recipe(str(broken))


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(RecipeError, match="cnn32, cnn32-plus"):
        load_recipe("cnn64")


def test_every_backbone_is_a_recipe_with_the_lines_it_needs() -> None:
    from keras_detector.networks.backbones import BACKBONES
    from training.recipe import TransferRecipe

    for name, backbone in BACKBONES.items():
        recipe = load_recipe(name)
        assert isinstance(recipe, TransferRecipe)
        assert recipe.network.backbone == recipe.name == name
        assert recipe.input.size == recipe.stands.min_side == backbone.size
        # Without trained weights a frozen backbone knows nothing: all of it has to be trained.
        assert (recipe.network.weights == "none") == (recipe.head.kind == "none")
        assert (recipe.fine_tune.epochs > 0) == (recipe.head.kind == "none")


def test_every_line_for_a_backbone_belongs_to_one_that_there_is() -> None:
    import tomllib

    from keras_detector.networks.backbones import BACKBONES

    lines = tomllib.loads((CNN32.parents[1] / "backbone_recipes.toml").read_text("utf-8"))
    assert set(lines) <= set(BACKBONES)


@pytest.mark.parametrize(
    ("recipe", "change", "read"),
    [
        ("seed-cnn", "train.epochs=5", "fine_tune.epochs"),
        ("seed-cnn", "train.target_accuracy=0.93", "fine_tune.target_accuracy"),
        ("transfer", "train.patience=2", "fine_tune.patience"),
        ("transfer", "train.optimizer=sgd", "Use --set head.kind=trained"),
    ],
)
def test_a_train_line_that_is_not_read_is_refused_with_the_one_that_is(
    recipe: str, change: str, read: str
) -> None:
    with pytest.raises(RecipeError, match=read):
        load_recipe(recipe, [change])
    load_recipe("transfer", [change, "head.kind=trained"])
    load_recipe(recipe, ["train.seed=2", "train.class_weights=[1.0, 2.0]"])


def test_the_target_of_a_report_is_that_of_the_phase_that_trains_by_epochs() -> None:
    def target(recipe: str, *changes: str) -> float | None:
        return target_accuracy(msgspec.to_builtins(load_recipe(recipe, changes)))

    assert target("cnn32") == target("seed-cnn") == 0.93
    assert target("transfer") is None
    trained = ("head.kind=trained", "train.target_accuracy=0.8")
    assert target("transfer", *trained) == 0.8
    tuned = ("fine_tune.epochs=1", "fine_tune.target_accuracy=0.9")
    assert target("transfer", *trained, *tuned) == 0.9
    assert target("transfer", "fine_tune.target_accuracy=0.9") is None


@pytest.mark.parametrize(
    "changes",
    [
        ["head.hidden_units=[8]"],
        ["head.kind=none"],
        ["views.plain=false", "views.augmented=0"],
        ["network.pooling=sum"],
        ["network.pooling=max"],
        ["fine_tune.learning_rate=0"],
        ["train.balance=galleries"],
        ["train.precision=float8"],
        ["data.split=[0.5, 0.1, 0.1]"],
    ],
)
def test_lines_of_a_backbone_recipe_that_contradict_each_other_are_refused(
    changes: list[str],
) -> None:
    with pytest.raises(RecipeError):
        load_recipe("transfer", changes)
