"""Folders made whole or not at all: written under a temporary name beside the goal, then moved into place."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mcuq.errors import RunError, UsageError


@contextmanager
def replaced_folder(goal: Path, marker: str) -> Iterator[Path]:
    """A new empty folder that takes the place of ``goal`` when the block ends without an error, and goes when not.

    An existing ``goal`` is replaced only if it is empty or holds a file ``marker``: nobody's other files are lost.
    Raises ``UsageError`` for another folder or a file, ``RunError`` when the disk refuses.
    """
    goal = goal.absolute()
    check_replaceable(goal, marker)
    missing = [folder for folder in goal.parents if not folder.exists()]
    temporary: Path | None = None
    try:
        try:
            goal.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{goal.name}-", dir=goal.parent))
            temporary.chmod(0o755)
        except OSError as error:
            raise UsageError(f"cannot write to {goal.parent}: {error.strerror}") from error
        yield temporary
        check_replaceable(goal, marker)
        _move(temporary, goal)
    except OSError as error:
        raise RunError(f"cannot write {error.filename or goal}: {error.strerror}") from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        _remove_empty(missing)


def check_writable(path: Path) -> None:
    """Raises ``UsageError`` when ``write_file`` cannot write ``path``: to be known before hours of work, not after."""
    folder = path.absolute().parent
    if path.is_dir() or not os.access(folder, os.W_OK):
        why = "it is a folder" if path.is_dir() else f"there is no folder {folder}, or you may not write to it"
        raise UsageError(f"cannot write {path}: {why}", hint="give another file with -o")


def write_file(path: Path, content: str | bytes) -> None:
    """Write ``content`` to ``path`` so that a reader sees the old file or the new one, never half of it."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RunError(f"cannot write {path}: {error.strerror}") from error


def _remove_empty(folders: Iterable[Path]) -> None:
    """Those of ``folders``, the innermost first, that hold nothing."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def check_replaceable(goal: Path, marker: str) -> None:
    """Raises ``UsageError`` when ``replaced_folder`` would not write to ``goal``."""
    if not goal.exists():
        return
    if not goal.is_dir():
        raise UsageError(f"{goal} is a file; a folder is to be written there", hint="give another folder with -o")
    if any(goal.iterdir()) and not (goal / marker).is_file():
        raise UsageError(
            f"{goal} holds other files than an earlier build, which mcuq does not replace",
            hint="give another folder with -o",
        )


def _move(temporary: Path, goal: Path) -> None:
    """Move into place; the old folder is out of the way only for the moment between two renames."""
    if not goal.exists():
        temporary.rename(goal)
        return
    old = temporary.with_name(f"{temporary.name}-old")
    goal.rename(old)
    try:
        temporary.rename(goal)
    except OSError:
        old.rename(goal)
        raise
    shutil.rmtree(old, ignore_errors=True)
