"""Globs that include and skip."""

import pytest

from keras_detector.scan.path_globs import PathGlobs


@pytest.mark.parametrize(
    ("include", "skip", "path", "is_folder", "wanted"),
    [
        ([], [], "a/b.jpg", False, True),
        (["*.jpg"], [], "a/b.JPG", False, True),
        (["*.jpg"], [], "a/b.png", False, False),
        (["*.jpg"], [], "a", True, True),
        (["*.jpg", "*.png"], [], "a/b.png", False, True),
        ([], ["*.png"], "a/b.png", False, False),
        (["*.png"], ["draft*"], "a/draft.png", False, False),
        ([], ["drafts"], "a/drafts", True, False),
        ([], ["drafts"], "drafts.png", False, True),
        (["a/*.jpg"], [], "a/b/c.jpg", False, True),
        (["a/*.jpg"], [], "b/a/c.jpg", False, False),
        (["/a/*"], [], "a/c.jpg", False, True),
        ([], ["a/b"], "a/b", True, False),
        ([], ["a/b"], "c/a/b", True, True),
        (["[ab]?.jpg"], [], "x/b1.jpg", False, True),
        (["*.jpg"], [], "new\nline.jpg", False, True),
        (["*.jpg"], [], "a\udcff.jpg", False, True),
    ],
)
def test_what_is_wanted(
    include: list[str], skip: list[str], path: str, is_folder: bool, wanted: bool
) -> None:
    assert PathGlobs(include, skip).wants(path, is_folder) is wanted
