import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector.errors import DataError, DetectorError, RunError
from keras_detector.labelled_directory import read_labelled_directory
from keras_detector.labels import Label
from keras_detector.networks.tiny_autoencoder import State
from keras_detector.pixels import Pixels
from tests.conftest import write_dataset
from tests.training.tiny_upscaler import description, write_upscaler
from training.__main__ import main
from training.pairs.autoencoder import Autoencoder, load_autoencoder
from training.pairs.matched_pairs import MANIFEST, SETTINGS, PairLines, write_matched_pairs
from training.pairs.passages import KINDS, Crop, Stages, coarsen, kinds_of, perturb, quantise
from training.pairs.upscaler import Upscaler, load_upscalers

LINES = PairLines(size=32, jpeg_quality=(60, 90), seed=3)

# position in the published stacks: C a plain convolution (out, in), B a block, P a pooled block
ENCODER = {0: (64, 3), 1: "B", 2: (64, 64), 3: "B", 4: "B", 5: "B", 6: (64, 64), 7: "B", 8: "B"}
ENCODER |= {9: "B", 10: (64, 64), 11: "P", 12: "P", 13: "P", 14: (32, 64)}
DECODER = {1: (64, 32), 3: "P", 4: "P", 5: "P", 7: (64, 64), 8: "B", 9: "B", 10: "B"}
DECODER |= {12: (64, 64), 13: "B", 14: "B", 15: "B", 17: (64, 64), 18: "B", 19: (3, 64)}
WITHOUT_BIAS = {"encoder": (2, 6, 10), "decoder": (7, 12, 17)}


def random_state(stack: dict, without_bias: tuple[int, ...]) -> State:
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.03, shape).astype(np.float32)

    state = {}
    for at, kind in stack.items():
        if isinstance(kind, tuple):
            state[f"{at}.weight"] = draw(*kind, 3, 3)
            if at not in without_bias:
                state[f"{at}.bias"] = draw(kind[0])
            continue
        for step in (0, 2, 4):
            state[f"{at}.conv.{step}.weight"] = draw(64, 64, 3, 3)
            state[f"{at}.conv.{step}.bias"] = draw(64)
        if kind == "P":
            state[f"{at}.pool.0.weight"] = draw(256, 64, 1, 1)
            state[f"{at}.pool.1.weight"], state[f"{at}.pool.1.bias"] = draw(256), draw(256)
            state[f"{at}.pool.3.weight"] = draw(64, 256, 1, 1)
    return state


@pytest.fixture(scope="module")
def states() -> tuple[State, State]:
    return (
        random_state(ENCODER, WITHOUT_BIAS["encoder"]),
        random_state(DECODER, WITHOUT_BIAS["decoder"]),
    )


@pytest.fixture(scope="module")
def autoencoder(states: tuple[State, State]) -> Autoencoder:
    return Autoencoder(*states)


@pytest.fixture(scope="module")
def upscalers(tmp_path_factory: pytest.TempPathFactory) -> tuple[Upscaler, ...]:
    folder = tmp_path_factory.mktemp("tiny")
    for factor in (2, 3, 4):
        write_upscaler(folder / "models" / f"x{factor}", description(factor))
    return load_upscalers(folder)


@pytest.fixture(scope="module")
def stages(autoencoder: Autoencoder, upscalers: tuple[Upscaler, ...]) -> Stages:
    return Stages(autoencoder, upscalers)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data", 3, size=48)


def test_the_networks_take_every_array_of_the_published_files(
    states: tuple[State, State], autoencoder: Autoencoder
) -> None:
    for state, model in zip(states, (autoencoder._encoder, autoencoder._decoder), strict=True):
        assert sum(array.size for array in state.values()) == model.count_params()


def test_a_picture_becomes_latents_and_a_picture_again(autoencoder: Autoencoder) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 24, 3), dtype=np.uint8)
    latents = autoencoder.encode(pixels)
    assert latents.shape == (4, 3, 32)
    again = autoencoder.decode(latents)
    assert again.shape == pixels.shape
    assert again.dtype == np.uint8


def test_strided_convolutions_pad_as_the_original_does(states: tuple[State, State]) -> None:
    # a constant picture has constant latents, but for the border: the same one on all four sides
    state = {name: np.ones_like(array) for name, array in states[0].items()}
    latents = Autoencoder(state, states[1]).encode(np.full((64, 64, 3), 255, np.uint8))
    np.testing.assert_allclose(latents, latents[::-1], rtol=1e-4)
    np.testing.assert_allclose(latents, latents[:, ::-1], rtol=1e-4)


def test_a_foreign_state_is_refused(states: tuple[State, State], tmp_path: Path) -> None:
    lacking = {name: array for name, array in states[0].items() if name != "0.weight"}
    with pytest.raises(KeyError):
        Autoencoder(lacking, states[1])
    with pytest.raises(DataError, match=r"encoder\.pth"):
        load_autoencoder(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_noise_has_the_strength_that_was_asked_for(share: float) -> None:
    latents = np.random.default_rng(1).normal(5, 2, (64, 64, 8)).astype(np.float32)
    noise = perturb(latents, 0.3, share, np.random.default_rng(2)) - latents
    assert noise.std() == pytest.approx(0.3 * latents.std(), rel=0.1)
    neighbours = np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]
    assert neighbours == pytest.approx((1 - share) * 0.94, abs=0.05)


def test_quantised_latents_have_few_levels() -> None:
    latents = np.random.default_rng(1).normal(5, 2, (64, 64, 8)).astype(np.float32)
    quantised = quantise(latents, 1.2, 0.3)
    step = 1.2 * latents.std()
    levels = np.unique(np.rint(quantised / step))
    assert len(levels) < 12
    np.testing.assert_allclose(quantised / step, np.rint(quantised / step), atol=1e-3)
    assert np.abs(quantised - latents - 0.3 * step).max() <= 0.5 * step + 1e-3


def test_coarse_latents_lose_detail_and_keep_structure() -> None:
    rng = np.random.default_rng(1)
    structure = np.sin(np.arange(64) / 8)[:, None, None] * np.ones((64, 48, 4))
    latents = (structure + 0.5 * rng.standard_normal(structure.shape)).astype(np.float32)
    coarse = coarsen(latents, 0.5, 0.0, rng)
    assert coarse.shape == latents.shape
    detail, left = (np.diff(value, axis=1).std() for value in (latents, coarse))
    assert left < 0.6 * detail
    assert np.corrcoef(coarse.ravel(), structure.ravel())[0, 1] > 0.9
    noisy = coarsen(latents, 0.5, 0.3, np.random.default_rng(2))
    assert (noisy - coarse).std() == pytest.approx(0.3 * latents.std(), rel=0.05)


def test_featureless_latents_stay_finite() -> None:
    flat = np.zeros((4, 4, 8), np.float32)
    rng = np.random.default_rng(0)
    for changed in (perturb(flat, 0.5, 0.5, rng), quantise(flat, 1, 0), coarsen(flat, 0.5, 1, rng)):
        assert np.isfinite(changed).all()


def test_each_stage_makes_its_kinds(stages: Stages) -> None:
    assert list(kinds_of(stages)) == list(KINDS)
    double, triple, _ = stages.upscalers
    assert list(kinds_of(Stages(upscalers=stages.upscalers))) == ["upscaled-2", "upscaled-34"]
    assert list(kinds_of(Stages(upscalers=(double,)))) == ["upscaled-2"]
    assert list(kinds_of(Stages(upscalers=(triple,)))) == ["upscaled-34"]
    assert {kind.family for kind in kinds_of(Stages(stages.autoencoder)).values()} == {
        "perturbed",
        "latent",
    }
    assert not kinds_of(Stages())


def read_rows(out: Path) -> list[dict[str, str]]:
    with (out / MANIFEST).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def quantisation(path: Path) -> dict:
    with Image.open(path) as image:
        return image.quantization


def test_pairs_are_a_data_directory_with_the_same_content(
    stages: Stages, photographs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "pairs"
    written = write_matched_pairs(photographs, stages, out, LINES)
    assert (written.photographs, written.fakes, written.left_out) == (3, 3 * len(KINDS), 0)
    pictures = read_labelled_directory(out).pictures
    assert [p.label for p in pictures].count(Label.REAL) == 3
    assert [p.label for p in pictures].count(Label.FAKE) == 3 * len(KINDS)
    for picture in pictures:
        with Image.open(picture.path) as image:
            assert image.size == (32, 32)
            assert image.format == "JPEG"
    for row in read_rows(out):
        real = out / "real" / "pairs" / f"{row['pair']}.jpg"
        family = KINDS[row["kind"]].family
        assert row["file"] == f"fake/pairs-{family}/{row['pair']}_{row['kind']}.jpg"
        assert quantisation(real) == quantisation(out / row["file"])
        assert (photographs / row["original"]).is_file()


def test_sources_are_the_families_and_not_the_cameras(stages: Stages, tmp_path: Path) -> None:
    photographs, long = tmp_path / "data", "x" * 200
    write_dataset(photographs / "a", 1, size=48)
    for source, seed in (("Nikon_D90", 1), ("a camera", 2), (long, 3)):
        write_dataset(tmp_path / source, 1, size=48, seed=seed)
        (photographs / "a" / "real" / source).mkdir()
        file = tmp_path / source / "real" / "0000.png"
        file.rename(photographs / "a" / "real" / source / "0000.png")
    (photographs / "a" / "real" / "0000.png").unlink()
    out = tmp_path / "pairs"
    write_matched_pairs(photographs, stages, out, LINES)
    pictures = read_labelled_directory(out).pictures
    assert {p.source for p in pictures if p.label is Label.REAL} == {"pairs"}
    assert {p.source for p in pictures if p.label is Label.FAKE} == {
        "pairs-perturbed",
        "pairs-latent",
        "pairs-upscaled",
        "pairs-upscaled3",
    }
    rows = read_rows(out)
    assert {row["source"] for row in rows} == {"Nikon_D90", "a camera", long}
    for row in rows:
        front = "Nikon_D90__" if row["source"] == "Nikon_D90" else ""
        assert (out / "real" / "pairs" / f"{front}{row['pair']}.jpg").is_file()
        assert Path(row["file"]).name == f"{front}{row['pair']}_{row['kind']}.jpg"
        assert (out / row["file"]).is_file()


def test_the_manifest_says_how_each_fake_was_made(
    stages: Stages, photographs: Path, tmp_path: Path
) -> None:
    write_matched_pairs(photographs, stages, tmp_path / "pairs", LINES)
    spans = {
        "perturbed-weak": {"strength": (0.1, 0.3), "white_share": (0, 1)},
        "perturbed-strong": {"strength": (0.25, 0.55), "white_share": (0, 1)},
        "latent-quantised": {"step": (0.8, 1.6), "offset": (-0.5, 0.5)},
        "latent-coarse": {"share": (0.5, 0.8), "noise": (0.05, 0.3)},
    }
    rows = read_rows(tmp_path / "pairs")
    assert {row["kind"] for row in rows} == set(KINDS)
    for row in rows:
        parameters = json.loads(row["parameters"])
        if row["kind"].startswith("upscaled"):
            assert str(parameters["factor"]) in row["kind"].removeprefix("upscaled-")
            assert parameters["upscaler"] == stages.upscalers[parameters["factor"] - 2].name
            assert parameters["shrunk"] in ("bicubic", "lanczos", "box")
            continue
        assert parameters.keys() == spans[row["kind"]].keys()
        for name, (low, high) in spans[row["kind"]].items():
            assert low <= parameters[name] <= high


@dataclass(frozen=True)
class Repeating:
    """Stands for an upscaler that repeats pixels."""

    factor: int
    name: str = "nearest"

    def enlarge(self, pixels: Pixels) -> Pixels:
        return pixels.repeat(self.factor, axis=0).repeat(self.factor, axis=1)


def test_the_kind_of_three_and_four_draws_among_both() -> None:
    stages = Stages(upscalers=tuple(map(Repeating, (2, 3, 4))))
    rng = np.random.default_rng(0)
    crop = Crop(np.zeros((40, 40, 3), np.uint8), stages)
    for name, factors in (("upscaled-2", {2}), ("upscaled-34", {3, 4})):
        passages = [KINDS[name].draw(stages, rng) for _ in range(20)]
        assert {passage.parameters["factor"] for passage in passages} == factors
        assert {passage.run(crop).shape for passage in passages} == {(40, 40, 3)}


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_an_upscaled_fake_shows_its_own_photograph(tmp_path: Path, factor: int) -> None:
    photographs = write_dataset(tmp_path / "data", 4, size=64)
    lines = PairLines(size=32, jpeg_quality=(95, 95), seed=0)
    stages = Stages(upscalers=(Repeating(factor),))
    write_matched_pairs(photographs, stages, tmp_path / "pairs", lines)
    fakes = sorted((tmp_path / "pairs" / "fake").rglob("*.jpg"))
    assert len(fakes) == 4
    for fake in fakes:
        real = tmp_path / "pairs" / "real" / "pairs" / f"{fake.name.split('_')[0]}.jpg"
        small = [
            np.asarray(Image.open(path).convert("L").resize((8, 8), Image.Resampling.BOX), float)
            for path in (fake, real)
        ]
        assert np.abs(small[0] - small[1]).mean() < 6


def test_pairs_are_not_written_among_the_photographs(photographs: Path) -> None:
    stages = Stages(upscalers=(Repeating(2),))
    before = sorted(photographs.rglob("*"))
    for out in (photographs, photographs / "pairs", photographs / "real" / "pairs"):
        with pytest.raises(RunError, match="outside the data directory for --out"):
            write_matched_pairs(photographs, stages, out, LINES)
    assert sorted(photographs.rglob("*")) == before


@pytest.mark.parametrize("name", ["n" * 300, "file", "file/inside"])
def test_an_out_that_cannot_be_is_refused(name: str, photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    stages = Stages(upscalers=(Repeating(2),))
    with pytest.raises(DetectorError):
        write_matched_pairs(photographs, stages, tmp_path / name, LINES)


@pytest.mark.parametrize("seed", ["-1", "4294967296", "1.5", "x"])
def test_a_seed_that_is_none_is_refused_by_every_command(
    seed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for call in (
        ["matched-pairs", "d", "--out", "o"],
        ["audit", "d"],
        ["calibrate", "m.keras", "d", "--out", "o.keras"],
    ):
        with pytest.raises(SystemExit) as left:
            main([*call, f"--seed={seed}"])
        assert left.value.code == 2
        assert "0 to 4,294,967,295" in capsys.readouterr().err


def test_a_second_call_makes_only_what_is_missing(
    stages: Stages, photographs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "pairs"
    write_matched_pairs(photographs, stages, out, LINES)
    files = sorted(out.rglob("*.jpg"))
    before = {file: file.read_bytes() for file in files}
    manifest = (out / MANIFEST).read_bytes()
    stamps = {file: file.stat().st_mtime_ns for file in files}
    missing = {
        next(file for file in files if file.name.endswith(f"_{kind}.jpg"))
        for kind in ("perturbed-strong", "latent-coarse", "upscaled-34")
    }
    for file in missing:
        file.unlink()
    (out / MANIFEST).unlink()
    write_matched_pairs(photographs, stages, out, LINES)
    assert all(file.read_bytes() == before[file] for file in files)
    assert {file for file in files if file.stat().st_mtime_ns != stamps[file]} == missing
    assert (out / MANIFEST).read_bytes() == manifest


def test_a_new_photograph_leaves_the_others_pairs_as_they_are(
    stages: Stages, photographs: Path, tmp_path: Path
) -> None:
    out, upscaled = tmp_path / "pairs", Stages(upscalers=stages.upscalers)
    write_matched_pairs(photographs, upscaled, out, LINES)
    before = {tuple(row.values()) for row in read_rows(out)}
    first = photographs / "real" / "0000.png"
    (first.parent / "000.png").write_bytes(first.read_bytes())
    assert write_matched_pairs(photographs, upscaled, out, LINES).photographs == 4
    assert before < {tuple(row.values()) for row in read_rows(out)}


def test_refusals(stages: Stages, photographs: Path, tmp_path: Path) -> None:
    for lines in (PairLines(30, (60, 90), 1), PairLines(32, (60, 90), -1)):
        with pytest.raises(DataError, match="multiple of 8"):
            write_matched_pairs(photographs, stages, tmp_path / "a", lines)
    with pytest.raises(DataError, match="neither"):
        write_matched_pairs(photographs, Stages(), tmp_path / "a", LINES)
    with pytest.raises(RunError, match="something else"):
        write_matched_pairs(photographs, stages, photographs.parent, LINES)
    assert not (tmp_path / "a").exists()


def test_pairs_made_in_another_way_are_not_mixed(
    stages: Stages, photographs: Path, tmp_path: Path
) -> None:
    out, upscaled = tmp_path / "pairs", Stages(upscalers=stages.upscalers)
    with pytest.raises(DataError, match="at least 64 pixels"):
        write_matched_pairs(photographs, upscaled, out, PairLines(64, (60, 90), 1))
    write_matched_pairs(photographs, upscaled, out, LINES)  # there was no picture yet
    assert json.loads((out / SETTINGS).read_text())["size"] == 32
    with pytest.raises(RunError, match="begun with"):
        write_matched_pairs(photographs, upscaled, out, PairLines(32, (60, 90), 4))
    with pytest.raises(RunError, match="begun with"):
        write_matched_pairs(photographs, stages, out, LINES)


def test_the_command(photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_upscaler(tmp_path / "one")
    write_upscaler(tmp_path / "two" / "models" / "x4", description(4), seed=1)
    call = ["matched-pairs", str(photographs), "--out", str(tmp_path / "pairs"), "--size", "32"]
    assert main(call) == 2
    assert "--autoencoder, --upscaler" in capsys.readouterr().err
    call += ["--upscaler", str(tmp_path / "one"), "--upscaler", str(tmp_path / "two")]
    assert main(call) == 0
    assert "3 photographs, 6 fakes" in capsys.readouterr().out
    assert main([*call[:-1], str(tmp_path / "three")]) == 2
    assert "layers model" in capsys.readouterr().err
