"""Run a data set on a target over its link, hold the answers to the host's bytes, and count or time a run.

Knows nothing of how the target was started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mcuq.errors import MismatchError
from mcuq.link import Identity, Link, RunResult

Array = npt.NDArray[np.generic]


class RunsModel(Protocol):
    """A link, or what stands for one."""

    def run(self, inputs: Sequence[bytes]) -> RunResult:
        """One inference."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Streamed:
    """What a target answered for n samples: ``outputs`` one array (n, ...) for each output of the model."""

    outputs: tuple[Array, ...]
    mismatched_bytes: int
    mismatched_samples: int
    compared_bytes: int


@dataclass(frozen=True, slots=True)
class Ticks:
    """One run's counter ticks, without what it costs to count them; layers are None where they were not counted."""

    total: int
    layers: tuple[int | None, ...]


def check_identity(link: Link, build_id: str, name: str, number: int = 0) -> Identity:
    """Who answers, turned to the model ``name``, which has this ``number`` in its image.

    Raises ``MismatchError`` when the target runs another build than ``build_id`` (hex).
    """
    identity = link.identify()
    if identity.build_id.hex() != build_id:
        raise MismatchError(
            f"the target does not run this build of {name}",
            details=(f"target: {identity.model}, {identity.build_id.hex()}", f"build:  {name}, {build_id}"),
            hint="build again, or load this build's image",
        )
    return link.select(number)


def stream(
    link: RunsModel, inputs: Sequence[Array], expected: Sequence[Array], progress: Callable[[int, int], None]
) -> Streamed:
    """Run every sample and compare each output byte with ``expected``; arrays are (n, ...)."""
    count = len(inputs[0])
    answers: list[list[Array]] = [[] for _ in expected]
    bad_bytes = bad_samples = compared = 0
    for sample in range(count):
        result = link.run([array[sample].tobytes() for array in inputs])
        bad = 0
        for kept, wanted, raw in zip(answers, expected, result.outputs, strict=True):
            want = wanted[sample]
            kept.append(np.frombuffer(raw, want.dtype).reshape(want.shape))
            differs = np.frombuffer(raw, np.uint8) != np.frombuffer(want.tobytes(), np.uint8)
            bad += int(differs.sum())
            compared += len(raw)
        bad_bytes += bad
        bad_samples += bad > 0
        progress(sample + 1, count)
    return Streamed(tuple(np.stack(kept) for kept in answers), bad_bytes, bad_samples, compared)


def count_run(link: Link, inputs: Sequence[Array]) -> Ticks:
    """Ticks of one run of the first sample, layer by layer."""
    result = link.run([array[0].tobytes() for array in inputs])
    layers = link.layer_ticks()
    return Ticks(result.ticks - layers.hook_ticks * len(layers.ticks), layers.ticks)
