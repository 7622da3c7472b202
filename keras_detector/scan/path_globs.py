"""Which files of a folder are asked for, by globs."""

import fnmatch
import os
import re
from collections.abc import Sequence


class PathGlobs:
    """Globs to include and to skip; letter case plays no part.

    A glob without a slash is held against the name of a file or folder, one with a slash against
    its whole path; `*` also matches slashes, so that `drafts/*` is everything in drafts at any
    depth. A folder that is skipped is not entered.

    Args:
        include: where there are any, a file must match one.
        skip: what matches one of these is left out, also where it is included.
    """

    def __init__(self, include: Sequence[str] = (), skip: Sequence[str] = ()) -> None:
        self._include = _compiled(include)
        self._skip = _compiled(skip)

    def wants(self, path: str, is_folder: bool) -> bool:
        """Whether to look at a file, or to enter a folder.

        Args:
            path: of the file or folder, relative to where the search began.
            is_folder: which of the two it is.
        """
        path = path.replace(os.sep, "/")
        name = path.rpartition("/")[2]
        if _matches(self._skip, path, name):
            return False
        return is_folder or not any(self._include) or _matches(self._include, path, name)


_Patterns = tuple[re.Pattern[str] | None, re.Pattern[str] | None]


def _compiled(globs: Sequence[str]) -> _Patterns:
    """One pattern for whole paths, and one for names."""
    of_paths = [glob.removeprefix("/") for glob in globs if "/" in glob]
    of_names = [glob for glob in globs if "/" not in glob]
    return _one_of(of_paths), _one_of(of_names)


def _one_of(globs: Sequence[str]) -> re.Pattern[str] | None:
    if not globs:
        return None
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs), re.IGNORECASE)


def _matches(patterns: _Patterns, path: str, name: str) -> bool:
    of_paths, of_names = patterns
    return bool((of_paths and of_paths.match(path)) or (of_names and of_names.match(name)))
