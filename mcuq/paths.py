"""Where mcuq's own data live: templates, firmware sources and board files, in a checkout or in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _data_folder(name: str) -> Path:
    """The folder ``name`` inside the installed package, else beside the package in a checkout."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


TEMPLATES = _data_folder("templates")
FIRMWARE = _data_folder("firmware")
BOARDS = _data_folder("boards")
