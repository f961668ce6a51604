"""Samples from a Python function, such as a TFLite representative dataset. This runs the user's own file, on purpose.

The function takes no arguments and yields (or returns a sequence of) samples: a list or tuple with one array for each
input, a bare array for a single input, or a dictionary by input name, each with or without a batch axis.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mcuq.data import InputSpec, fit, input_map
from mcuq.errors import DataError

MAX_SAMPLES = 10_000


def load_function(
    path: Path, name: str, input_specs: Sequence[InputSpec]
) -> tuple[tuple[npt.NDArray[Any], ...], tuple[str, ...]]:
    """One array (n, ...) for each input, from calling ``name`` in the file ``path``, and notes.

    At most 10,000 samples are taken, since a generator may never end. Raises ``DataError`` for whatever goes wrong.
    """
    source = f"{path}:{name}"
    rows: list[tuple[npt.NDArray[Any], ...]] = []
    samples = _samples(path, name, source)
    for sample in itertools.islice(samples, MAX_SAMPLES):
        rows.append(_row(sample, input_specs, f"{source}, sample {len(rows)}"))
    if not rows:
        raise DataError(f"{source} yields no samples")
    notes = (f"the first {MAX_SAMPLES:,} samples of {source} are used",) if len(rows) == MAX_SAMPLES else ()
    return tuple(np.concatenate([row[i] for row in rows]) for i in range(len(input_specs))), notes


def _samples(path: Path, name: str, source: str) -> Iterator[Any]:
    """Runs the file and the function; an error in them is the user's, so it is told with its place in the file."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec = importlib.util.spec_from_file_location(f"_mcuq_data_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise DataError(f"{path} cannot be run as Python")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        function = getattr(module, name, None)
        if not callable(function):
            raise DataError(f"{path.name} has no function {name}")
        yield from function()
    except DataError:
        raise
    except Exception as error:
        line = _line_in(path, error)
        raise DataError(
            f"{source} failed: {type(error).__name__}: {error}", details=(f"{path.name}, line {line}",) if line else ()
        ) from error
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _line_in(path: Path, error: BaseException) -> int | None:
    """The last line of ``path`` that the error went through."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if Path(trace.tb_frame.f_code.co_filename) == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _row(sample: Any, input_specs: Sequence[InputSpec], source: str) -> tuple[npt.NDArray[Any], ...]:
    if isinstance(sample, Mapping):
        values = input_map(sample, input_specs, source)
    elif isinstance(sample, list | tuple) and len(sample) == len(input_specs):
        values = tuple(sample)
    elif len(input_specs) == 1 and not isinstance(sample, list | tuple):
        values = (sample,)
    else:
        raise DataError(
            f"{source}: the model has {len(input_specs)} inputs, the sample is {type(sample).__name__} "
            f"of {len(sample) if isinstance(sample, list | tuple) else 1}"
        )
    return tuple(_batched(value, spec, source) for value, spec in zip(values, input_specs, strict=True))


def _batched(value: Any, spec: InputSpec, source: str) -> npt.NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{source}: not an array: {error}") from error
    return fit(array[np.newaxis] if array.shape == spec.shape else array, spec, source)
