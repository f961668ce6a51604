"""Samples from a folder of images, one subfolder a class: read with Pillow, fitted to the input's size.

An image of another size is scaled, keeping its proportions, until it covers the input, and the centre is cut out.
Values stay 0..255 (uint8); a model that wants them scaled needs a Rescaling layer or an .npz.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mcuq.data import InputSpec
from mcuq.errors import DataError

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".pgm", ".ppm", ".tif", ".tiff"})
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """``values`` (n, height, width, channels) uint8; ``labels`` (n,), None for a flat folder; names in label order."""

    values: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64] | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]


def load_images(folder: Path, spec: InputSpec) -> Images:
    """The images under ``folder``: classes are the subfolders in sorted order; images without subfolders have none.

    Raises ``DataError`` when there are none, when one cannot be read, and for an input that is no image.
    """
    if len(spec.shape) not in (2, 3) or (len(spec.shape) == 3 and spec.shape[2] not in _MODES):
        raise DataError(f"{folder}: input {spec.name!r} of shape {spec.shape} does not take images")
    height, width = spec.shape[:2]
    channels = spec.shape[2] if len(spec.shape) == 3 else 1
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and _images_in(path))
    files = [(file, label) for label, path in enumerate(classes) for file in _images_in(path)]
    if not files:
        files = [(file, -1) for file in _images_in(folder)]
    if not files:
        raise DataError(f"{folder} holds no images", hint="one subfolder a class, with .png or .jpg files in it")
    values = np.empty((len(files), height, width, channels), np.uint8)
    resized: list[str] = []
    for index, (file, _) in enumerate(files):
        values[index] = _read(file, height, width, channels, resized)
    notes: tuple[str, ...] = ()
    if resized:
        notes = (
            f"{len(resized)} of {len(files)} images are not {width}x{height}: scaled to cover it, centre cut out "
            f"(first: {resized[0]})",
        )
    labels = np.array([label for _, label in files], np.int64) if classes else None
    return Images(values, labels, tuple(path.name for path in classes), notes)


def _images_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())


def _read(file: Path, height: int, width: int, channels: int, resized: list[str]) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageOps  # noqa: PLC0415

    try:
        with Image.open(file) as opened:
            image = opened.convert(_MODES[channels])
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} cannot be read as an image", details=(str(error)[:200],)) from error
    if image.size != (width, height):
        resized.append(f"{file.name}, {image.size[0]}x{image.size[1]}")
        image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    return np.asarray(image, np.uint8).reshape(height, width, channels)
