"""Kinds of passage: what a photograph goes through to become its own content-matched fake.

Trained on galleries, a network learns subject and style: the fakes are art, the photographs are
not. Beside its own passage through a generator's last stage, only that stage's trace tells a
photograph from the fake (Rajan et al. 2024, "Aligned Datasets Improve Detection of Latent
Diffusion-Generated Images", arXiv:2410.11835). One stage leaves one trace, so there are several
kinds; in our experiments another kind helped more on strangers' pictures than more pairs of the
same.

- A latent autoencoder decodes latents that are not quite the photograph's: it is too faithful to
  teach anything otherwise. They are *perturbed* by white noise and by noise smoothed over a few
  latents, which moves small structures the way a generator invents them, weakly or strongly;
  *quantised* to a few levels, as by a codebook; or *coarse*, made smaller and larger again, so
  that the decoder invents the detail.
- A network of ESRGAN's kind (Wang et al. 2018, arXiv:1809.00219) enlarges the photograph that was
  made smaller by the same factor: *upscaled*, twice, or three or four times, whose periods differ.
  Nearest-neighbour or transposed upsampling followed by
  convolutions is what image generators of all families end with, and its periodic traces stay
  (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts", doi:10.23915/distill.00003).

Kinds that leave similar traces are a *family*, which is a source of its own in a data set, as if it
were a generator.

No kind makes a picture that a generator would: content and composition stay the photograph's.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from keras_detector.pixels import Pixels
from training.pairs.autoencoder import Autoencoder
from training.pairs.upscaler import Upscaler

Latents = npt.NDArray[np.float32]
"""Float32 (h, w, c)."""

_SMOOTHED_OVER = 2.0  # standard deviation in latents: structures about four latents wide
_SHRINKING = ("BICUBIC", "LANCZOS", "BOX")


@dataclass(frozen=True)
class Stages:
    """The networks that photographs pass through.

    Attributes:
        autoencoder: the latent autoencoder, if there is one.
        upscalers: networks that enlarge a picture; each photograph passes through one of them for
            each kind of upscaling.
    """

    autoencoder: Autoencoder | None = None
    upscalers: tuple[Upscaler, ...] = ()

    def enlarging(self, factors: Collection[int]) -> tuple[Upscaler, ...]:
        """The upscalers that enlarge by one of these factors."""
        return tuple(upscaler for upscaler in self.upscalers if upscaler.factor in factors)


@dataclass(frozen=True)
class Crop:
    """A square of a photograph, uint8 RGB (size, size, 3), and its latents once they are needed."""

    pixels: Pixels
    stages: Stages

    @cached_property
    def latents(self) -> Latents:
        """The autoencoder's latents of the crop."""
        return self.autoencoder.encode(self.pixels)

    @property
    def autoencoder(self) -> Autoencoder:
        """The autoencoder; only kinds that need it ask for it."""
        if self.stages.autoencoder is None:  # `kinds_of` leaves out kinds that would come here
            raise LookupError("no autoencoder among the stages")
        return self.stages.autoencoder


@dataclass(frozen=True)
class Passage:
    """One way through a stage: what was drawn for it, and the way.

    Attributes:
        run: a crop's fake, of the crop's shape.
        parameters: what the manifest says of it.
    """

    run: Callable[[Crop], Pixels]
    parameters: Mapping[str, float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A kind of passage.

    Attributes:
        family: the family that it belongs to.
        possible: whether these stages can make it.
        draw: draws the parameters of one passage; whatever else is random in it comes from the
            same generator when it runs.
    """

    family: str
    possible: Callable[[Stages], bool]
    draw: Callable[[Stages, np.random.Generator], Passage]


def perturb(
    latents: Latents, strength: float, white_share: float, rng: np.random.Generator
) -> Latents:
    """Add noise to latents.

    Args:
        latents: float32 (h, w, c).
        strength: standard deviation of the noise, in standard deviations of `latents`.
        white_share: share of the noise's variance that is white, 0 to 1; the rest is smooth.
        rng: where the noise comes from.
    """
    white = rng.standard_normal(latents.shape).astype(np.float32)
    blurred = cv2.GaussianBlur(rng.standard_normal(latents.shape), (0, 0), _SMOOTHED_OVER)
    smooth = np.asarray(blurred, np.float32).reshape(latents.shape)
    smooth = smooth / max(float(smooth.std()), 1e-6)
    noise = np.sqrt(white_share) * white + np.sqrt(1 - white_share) * smooth
    return np.asarray(latents + strength * latents.std() * noise, np.float32)


def quantise(latents: Latents, step: float, offset: float) -> Latents:
    """Round latents to multiples of a step.

    Args:
        latents: float32 (h, w, c).
        step: distance of the levels, in standard deviations of `latents`.
        offset: added before the rounding, -0.5 to 0.5 steps; not taken away again.
    """
    width = max(float(latents.std()) * step, 1e-6)
    return np.asarray(np.rint(latents / width + offset) * width, np.float32)


def coarsen(latents: Latents, share: float, noise: float, rng: np.random.Generator) -> Latents:
    """Make latents smaller and as large as before, and add a little white noise.

    Half of the contrast that this costs, on a logarithmic scale, is given back.

    Args:
        latents: float32 (h, w, c).
        share: the smaller side over the side, 0 to 1.
        noise: standard deviation of the noise, in standard deviations of `latents`.
        rng: where the noise comes from.
    """
    height, width, channels = latents.shape
    smaller = (max(1, int(width * share)), max(1, int(height * share)))
    coarse = np.empty_like(latents)
    for channel in range(channels):
        small = Image.fromarray(np.ascontiguousarray(latents[..., channel])).resize(
            smaller, Image.Resampling.BILINEAR
        )
        coarse[..., channel] = cv2.resize(
            np.asarray(small), (width, height), interpolation=cv2.INTER_CUBIC
        )
    gain = np.sqrt(latents.std() / max(float(coarse.std()), 1e-3))
    white = rng.standard_normal(latents.shape)
    return np.asarray(coarse * gain + white * latents.std() * noise, np.float32)


def _perturbed(_: Stages, rng: np.random.Generator, *, strengths: tuple[float, float]) -> Passage:
    strength, share = float(rng.uniform(*strengths)), float(rng.random())
    return _through_latents(
        lambda latents: perturb(latents, strength, share, rng),
        {"strength": strength, "white_share": share},
    )


def _quantised(_: Stages, rng: np.random.Generator) -> Passage:
    step, offset = float(rng.uniform(0.8, 1.6)), float(rng.uniform(-0.5, 0.5))
    return _through_latents(
        lambda latents: quantise(latents, step, offset), {"step": step, "offset": offset}
    )


def _coarse(_: Stages, rng: np.random.Generator) -> Passage:
    share, noise = float(rng.uniform(0.5, 0.8)), float(rng.uniform(0.05, 0.3))
    return _through_latents(
        lambda latents: coarsen(latents, share, noise, rng), {"share": share, "noise": noise}
    )


def _upscaled(stages: Stages, rng: np.random.Generator, *, factors: Collection[int]) -> Passage:
    upscalers = stages.enlarging(factors)
    upscaler = upscalers[rng.integers(len(upscalers))]
    shrinking = _SHRINKING[rng.integers(len(_SHRINKING))]
    factor = upscaler.factor

    def run(crop: Crop) -> Pixels:
        height, width = crop.pixels.shape[:2]
        # Rounded up: sides that the factor does not divide come out too long, and are cut.
        small = Image.fromarray(crop.pixels).resize(
            (-(-width // factor), -(-height // factor)), Image.Resampling[shrinking]
        )
        return np.ascontiguousarray(upscaler.enlarge(np.asarray(small))[:height, :width])

    return Passage(run, {"upscaler": upscaler.name, "factor": factor, "shrunk": shrinking.lower()})


def _through_latents(
    change: Callable[[Latents], Latents], parameters: Mapping[str, float | str]
) -> Passage:
    return Passage(lambda crop: crop.autoencoder.decode(change(crop.latents)), parameters)


def _latent(family: str, draw: Callable[[Stages, np.random.Generator], Passage]) -> Kind:
    return Kind(family, lambda stages: stages.autoencoder is not None, draw)


def _upscaling(family: str, *factors: int) -> Kind:
    return Kind(
        family, lambda stages: bool(stages.enlarging(factors)), partial(_upscaled, factors=factors)
    )


KINDS: Mapping[str, Kind] = {
    "perturbed-weak": _latent("perturbed", partial(_perturbed, strengths=(0.1, 0.3))),
    "perturbed-strong": _latent("perturbed", partial(_perturbed, strengths=(0.25, 0.55))),
    "latent-quantised": _latent("latent", _quantised),
    "latent-coarse": _latent("latent", _coarse),
    "upscaled-2": _upscaling("upscaled", 2),
    "upscaled-34": _upscaling("upscaled3", 3, 4),
}
"""Every kind by its name, which is also the suffix of its files."""


def kinds_of(stages: Stages) -> dict[str, Kind]:
    """The kinds that these stages can make, in the order of `KINDS`."""
    return {name: kind for name, kind in KINDS.items() if kind.possible(stages)}
