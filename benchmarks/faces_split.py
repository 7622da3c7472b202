"""Splits ciplab's edited faces so that no edit lies apart from the photograph it was made of.

An expert's edit keeps most of a photograph, but moves, scales and repaints enough of it that
perceptual hashes do not see the copy. SIFT keypoints that one similarity transform carries over
(RANSAC) do: on 1,555 pictures they join 42 groups that hold an edit beside its original. A group
goes whole into one of the three parts, as symbolic links `train/`, `val/`, `test/`, which
`python -m training fit` respects.

    uv run --all-extras python benchmarks/faces_split.py ../shared/data/faces_edited OUT
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

KEYPOINTS = 300  # per picture
CANDIDATES = 8  # pictures that share the most keypoints are checked
MIN_INLIERS = 12  # unrelated aligned faces reach 8 here
PARTS = {"train": 0.7, "val": 0.1, "test": 0.2}


def main() -> None:
    """Group, split, link."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()

    paths = sorted(p for p in options.directory.rglob("*.jpg") if p.is_file())
    kinds = np.array([p.relative_to(options.directory).parts[0] for p in paths])
    groups = _groups(paths)
    mixed = sum(len(set(kinds[groups == group])) > 1 for group in np.unique(groups))
    print(f"{len(paths)} pictures, {len(np.unique(groups))} groups, {mixed} hold both classes")

    part_of = _parts(groups, options.seed)
    for path, kind, part in zip(paths, kinds, part_of, strict=True):
        link = options.out / part / kind / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve())
    for part in PARTS:
        here = part_of == part
        print(part, {kind: int(np.sum(here & (kinds == kind))) for kind in sorted(set(kinds))})


def _groups(paths: list[Path]) -> np.ndarray:
    """A group number for each path."""
    sift = cv2.SIFT_create(KEYPOINTS)
    points, descriptors = [], []
    for path in tqdm(paths, desc="keypoints"):
        found, described = sift.detectAndCompute(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), None)
        if described is None:  # nothing to hold on to, as in a blurred picture
            described = np.zeros((0, 128), np.float32)
        points.append(np.array([p.pt for p in found], np.float32).reshape(-1, 2))
        described = described / np.maximum(described.sum(axis=1, keepdims=True), 1e-9)
        descriptors.append(np.sqrt(described).astype(np.float32))  # RootSIFT
    owner = np.repeat(np.arange(len(paths)), [len(d) for d in descriptors])
    every = np.concatenate(descriptors)
    place = np.concatenate([np.arange(len(d)) for d in descriptors])
    index = cv2.flann_Index(every, {"algorithm": 1, "trees": 4})  # randomised k-d trees
    left, right = [], []
    for i in tqdm(range(len(paths)), desc="copies"):
        if not len(descriptors[i]):
            continue
        near, _ = index.knnSearch(descriptors[i], 6, params={"checks": 64})
        keys = np.repeat(np.arange(len(near)), near.shape[1])
        hits = near.ravel()
        keep = owner[hits] != i
        keys, hits = keys[keep], hits[keep]
        votes = np.bincount(owner[hits], minlength=len(paths))
        for j in np.argsort(-votes)[:CANDIDATES]:
            if votes[j] < MIN_INLIERS:
                break
            here = owner[hits] == j
            _, inliers = cv2.estimateAffinePartial2D(
                points[i][keys[here]], points[j][place[hits[here]]], ransacReprojThreshold=4
            )
            if inliers is not None and inliers.sum() >= MIN_INLIERS:
                left.append(i)
                right.append(j)
    links = coo_matrix((np.ones(len(left)), (left, right)), shape=(len(paths), len(paths)))
    print(f"{len(left)} links")
    return connected_components(links, directed=False)[1]


def _parts(groups: np.ndarray, seed: int) -> np.ndarray:
    """A part's name for each picture: whole groups, drawn until each part has its share."""
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    sizes = np.array([np.sum(groups == group) for group in order])
    done = np.cumsum(sizes) / len(groups)
    edges = np.cumsum(list(PARTS.values()))
    names = np.array(list(PARTS))[np.minimum(np.searchsorted(edges, done - 1e-9), len(PARTS) - 1)]
    return names[np.argsort(order)][np.unique(groups, return_inverse=True)[1]]


if __name__ == "__main__":
    main()
