"""Calibration and test data: .npz, .npy and .csv files, folders of images, and Python functions that yield samples.

Values are real values, as the float model takes them, in the type they have in the file. One exception: an int8 array
for an int8 input is taken as quantized already. Whatever does not fit the model ends in one ``DataError``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.errors import DataError

Array = npt.NDArray[Any]
FORMATS = ".npz, .npy, .csv, a folder of images in class subfolders, or file.py:function"
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """An input of a model: its name, shape without the batch, element type by numpy name, and range if known."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None

    @property
    def elements(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Samples for a model: one array (n, ...) for each input, in the model's order, and a class for each sample.

    ``labels`` is int64 (n,), negative where a sample has no label, or None. ``notes`` says what was done to make the
    data fit; the caller prints them.
    """

    inputs: tuple[Array, ...]
    labels: npt.NDArray[np.int64] | None
    source: str
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        return len(self.inputs[0])

    def head(self, limit: int) -> Dataset:
        """The first ``limit`` samples."""
        labels = None if self.labels is None else self.labels[:limit]
        inputs = tuple(array[:limit] for array in self.inputs)
        return Dataset(inputs, labels, self.source, self.class_names, self.notes)


def load_data(spec: str, input_specs: Sequence[InputSpec]) -> Dataset:
    """The data that ``spec`` (a path, or ``file.py:function``) names, made to fit ``input_specs``.

    Raises ``DataError`` for data that are missing, malformed, or of another shape or type than the model takes.
    """
    path, function = check_data_exists(spec)
    if function is not None:
        from mcuq.data_function import load_function  # noqa: PLC0415

        arrays, notes = load_function(path, function, input_specs)
        return _dataset(arrays, None, input_specs, spec, notes=notes)
    if path.is_dir():
        from mcuq.data_images import load_images  # noqa: PLC0415

        images = load_images(path, _only_input(path, input_specs))
        return _dataset(
            (images.values,), images.labels, input_specs, spec, class_names=images.class_names, notes=images.notes
        )
    suffix = path.suffix.lower()
    if suffix == ".npz":
        arrays, labels = _load_npz(path, input_specs)
    elif suffix == ".npy":
        arrays, labels = (_load_npy(path, _only_input(path, input_specs)),), None
    elif suffix == ".csv":
        from mcuq.data_csv import load_csv  # noqa: PLC0415

        table = load_csv(path, _only_input(path, input_specs))
        return _dataset((table.values,), table.labels, input_specs, spec, class_names=table.class_names)
    elif suffix == ".py":
        raise DataError(f"{path} is a Python file: which function yields the samples?", hint=f"give {path}:function")
    else:
        raise DataError(f"{path.name}: mcuq does not read {suffix or 'files without a suffix'} as data", hint=FORMATS)
    return _dataset(arrays, labels, input_specs, spec)


def check_data_exists(spec: str) -> tuple[Path, str | None]:
    """The path that ``spec`` names, which is there, and the function where it names one."""
    function = re.fullmatch(r"(.+\.py):(\w+)", spec)
    path = Path(function.group(1) if function else spec)
    if not path.exists():
        raise DataError(f"data not found: {path}", hint=f"give {FORMATS}")
    return path, function.group(2) if function else None


def synthetic_data(input_specs: Sequence[InputSpec], count: int, seed: int = 0) -> Dataset:
    """``count`` uniform random samples in each input's range, 0..1 where it is not known: enough to build, no more.

    Accuracy on them, and of a model calibrated on them, means nothing; saying so is up to the caller.
    """
    generator = np.random.default_rng(seed)
    arrays = []
    for spec in input_specs:
        low = 0.0 if spec.low is None else spec.low
        high = 1.0 if spec.high is None else spec.high
        arrays.append(generator.uniform(low, high, (count, *spec.shape)).astype(np.float32))
    return Dataset(tuple(arrays), None, "synthetic data")


def _only_input(path: Path, input_specs: Sequence[InputSpec]) -> InputSpec:
    if len(input_specs) == 1:
        return input_specs[0]
    names = ", ".join(spec.name for spec in input_specs)
    raise DataError(
        f"{path.name} can feed one input; the model has {len(input_specs)}: {names}",
        hint="give an .npz with one array for each input, or file.py:function",
    )


def _load_npy(path: Path, spec: InputSpec) -> Array:
    try:
        loaded = np.load(path, allow_pickle=False)
    except Exception as error:  # a damaged file ends in any error that numpy has
        raise _unreadable(path, error) from error
    if not isinstance(loaded, np.ndarray):
        raise DataError(f"{path.name} does not hold one array", hint=f"save one array of shape (n, *{spec.shape})")
    return loaded


def _load_npz(path: Path, input_specs: Sequence[InputSpec]) -> tuple[tuple[Array, ...], Array | None]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{path.name} is not an .npz archive")
            names = _npz_names(path, archive.files, input_specs)
            arrays = tuple(archive[name] for name in names)
            labels = archive["y"] if "y" in archive.files and "y" not in names else None
    except DataError:
        raise
    except Exception as error:  # a damaged archive ends in any error that numpy, zipfile and zlib have
        raise _unreadable(path, error) from error
    return arrays, labels


def _npz_names(path: Path, found: Sequence[str], input_specs: Sequence[InputSpec]) -> tuple[str, ...]:
    """Which array of the archive feeds which input: x alone, or the inputs' names, or x0, x1 and so on."""
    by_name = tuple(spec.name for spec in input_specs)
    by_number = tuple(f"x{i}" for i in range(len(input_specs)))
    for names in ((("x",),) if len(input_specs) == 1 else ()) + (by_name, by_number):
        if all(name in found for name in names):
            return names
    wanted = "x" if len(input_specs) == 1 else " and ".join(by_name)
    raise DataError(
        f"{path.name} has no array {wanted}; it has {', '.join(found) or 'none'}",
        hint="np.savez(file, x=samples, y=labels)"
        if len(input_specs) == 1
        else f"name the arrays like the inputs, or {', '.join(by_number)}",
    )


def _unreadable(path: Path, error: Exception) -> DataError:
    if "Object arrays" in str(error):
        return DataError(
            f"{path.name} holds Python objects (pickle), which mcuq does not load: they can run code",
            hint="save plain numeric arrays of one shape",
        )
    foreign = "pickle" in str(error)  # what numpy takes a file for that begins as none of its own
    reason = "it begins neither as an .npz nor as an .npy file" if foreign else str(error)[:200]
    return DataError(f"{path.name} cannot be read as {path.suffix} data", details=(reason,))


def _dataset(
    arrays: Sequence[Array],
    labels: Array | None,
    input_specs: Sequence[InputSpec],
    source: str,
    *,
    class_names: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Dataset:
    """Checks everything that data from any source have to satisfy, and shapes it for the model."""
    shaped = tuple(fit(array, spec, source) for array, spec in zip(arrays, input_specs, strict=True))
    counts = {len(array) for array in shaped}
    if len(counts) > 1:
        listed = ", ".join(f"{spec.name}: {len(array)}" for spec, array in zip(input_specs, shaped, strict=True))
        raise DataError(f"{source}: the inputs have different numbers of samples ({listed})")
    if labels is None:
        return Dataset(shaped, None, source, class_names, notes)
    if labels.ndim == 0 or len(labels) != len(shaped[0]):
        raise DataError(f"{source}: {len(shaped[0])} samples, but labels y of shape {labels.shape}")
    classes = _classes(labels, source)
    if classes is None:
        notes = (*notes, f"y of shape {labels.shape} is not one class a sample: accuracy is not computed")
    return Dataset(shaped, classes, source, class_names, notes)


def fit(array: Array, spec: InputSpec, source: str) -> Array:
    """``array`` with the shape (n, *spec.shape), its values checked.

    Dimensions of size one may be missing, and samples may be flat; nothing is transposed or cut.
    """
    wanted = ", ".join(str(size) for size in spec.shape)
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"{source}: input {spec.name!r} needs numbers, the data are {array.dtype.name} of shape {array.shape}"
        )
    if array.ndim == 0 or array.size == 0:
        raise DataError(f"{source}: no samples: the data for input {spec.name!r} have the shape {array.shape}")
    squeezed = tuple(size for size in array.shape[1:] if size != 1)
    fits = squeezed == tuple(size for size in spec.shape if size != 1) or squeezed == (spec.elements,)
    if not fits:
        hint = "add the batch axis: x[None]" if array.shape == spec.shape else None
        raise DataError(
            f"{source}: input {spec.name!r} takes samples of shape (n, {wanted}), the data are {array.shape}",
            hint=hint,
        )
    if array.dtype.kind == "f":
        finite = np.isfinite(array)
        if not finite.all():
            bad = int(np.argmin(finite.reshape(len(array), -1).all(axis=1)))
            raise DataError(
                f"{source}: the data for input {spec.name!r} hold NaN or infinity, first in sample {bad}",
                details=(f"{int((~finite).sum()):,} of {array.size:,} values",),
            )
        if np.abs(array).max() > _LARGEST:
            raise DataError(f"{source}: the data for input {spec.name!r} exceed what float32 holds")
    return array.reshape(len(array), *spec.shape)


def _classes(labels: Array, source: str) -> npt.NDArray[np.int64] | None:
    """Class numbers from integers (n,) or (n, 1), or one-hot rows (n, k); None for labels that are no classes."""
    if labels.dtype.kind not in "biuf":
        raise DataError(f"{source}: labels y need numbers, found {labels.dtype.name}", hint="use class numbers 0, 1, …")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise DataError(f"{source}: labels y hold NaN or infinity")
    rows = labels.reshape(len(labels), -1)
    if rows.shape[1] > 1:
        one_hot = labels.ndim == 2 and ((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()
        return rows.argmax(axis=1).astype(np.int64) if one_hot else None
    column = rows[:, 0]
    return column.astype(np.int64) if (column == np.trunc(column)).all() else None


def input_map(arrays: Mapping[str, Array], input_specs: Sequence[InputSpec], source: str) -> tuple[Array, ...]:
    """The arrays of a sample given by name, in the model's order."""
    missing = [spec.name for spec in input_specs if spec.name not in arrays]
    if missing:
        raise DataError(f"{source}: no array for input {missing[0]!r}; found {', '.join(map(str, arrays))}")
    return tuple(arrays[spec.name] for spec in input_specs)
