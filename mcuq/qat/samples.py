"""Samples given in Python, as arrays that fit a model's inputs. Files are read by ``mcuq.data``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mcuq.data import InputSpec, fit
from mcuq.errors import DataError
from mcuq.quantize.scheme import Array


def arrays_for(specs: Sequence[InputSpec], samples: Any) -> tuple[Array, ...]:
    """One array (n, ...) for each input. ``samples`` is an array, or a list or tuple of them for several inputs.

    Raises ``DataError`` for other shapes than the model takes, for what are no finite numbers, and for no samples.
    """
    given = samples if isinstance(samples, list | tuple) else [samples]
    if len(given) != len(specs):
        raise DataError(
            f"{len(given)} arrays of samples do not fit a model with {len(specs)} inputs",
            hint="np.stack makes one array of a list of samples" if len(specs) == 1 else "give an array for each input",
        )
    arrays = tuple(fit(_array(one), spec, "the samples") for one, spec in zip(given, specs, strict=True))
    if len({len(array) for array in arrays}) != 1:
        counts = ", ".join(str(len(array)) for array in arrays)
        raise DataError(f"the inputs have different numbers of samples: {counts}")
    return arrays


def _array(given: Any) -> Array:
    try:
        return np.asarray(given)
    except Exception as error:  # lists of different lengths, tensors of any library
        raise DataError(f"a {type(given).__name__} is no array of samples", details=(str(error)[:200],)) from error
