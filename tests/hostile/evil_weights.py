"""Weights in HDF5 that lie elsewhere, are announced and not there, or have no end."""

import io
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from tests.model_files import Members, rezip, sealed


def weights(write: Callable[[h5py.File], object]) -> Callable[[Path, Members], object]:
    """A model whose weights are an HDF5 file of its own."""

    def make(path: Path, members: Members) -> None:
        file = io.BytesIO()
        with h5py.File(file, "w") as hdf5:
            write(hdf5.create_group("layers/dense/vars"))
        rezip(path, sealed(members | {"model.weights.h5": file.getvalue()}))

    return make


def external_storage(group: h5py.Group) -> None:
    group.create_dataset("0", (100,), "u1", external=[("/etc/passwd", 0, 100)])


def external_link(group: h5py.Group) -> None:
    group["0"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(group: h5py.Group) -> None:
    group["0"] = h5py.SoftLink("/somewhere/else")


def virtual(group: h5py.Group) -> None:
    layout = h5py.VirtualLayout((100,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (100,))
    group.create_virtual_dataset("0", layout)


def shape_bomb(group: h5py.Group) -> None:
    group.create_dataset("0", (2**20, 2**20), "f4", chunks=(64, 64), compression="gzip")


def gzip_bomb(group: h5py.Group) -> None:
    zeros = np.zeros(2**24, np.float32)
    group.create_dataset("0", data=zeros, chunks=(2**24,), compression="gzip", compression_opts=9)


def circle(group: h5py.Group) -> None:
    group["again"] = group


def objects_in_arrays(group: h5py.Group) -> None:
    kind = h5py.special_dtype(vlen=str)
    group.create_dataset("0", (3,), kind)
