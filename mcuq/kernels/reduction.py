"""The loops of a reduction: axes that are kept and axes that are reduced. No kernel."""

from __future__ import annotations

import math

Loop = tuple[int, int]
"""Size, and step in the input in elements."""

LOOPS = 3
"""How many kept axes, and how many reduced ones, the C functions have loops for: enough for any six axes."""


def loops(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[tuple[Loop, ...], tuple[Loop, ...]]:
    """Kept and reduced axes, outermost first; neighbours of one kind are merged, axes of size 1 dropped."""
    kinds: dict[bool, list[Loop]] = {False: [], True: []}
    last: bool | None = None
    for axis, size in enumerate(shape):
        if size == 1:
            continue
        reduced, step = axis in axes, math.prod(shape[axis + 1 :])
        outer = kinds[reduced].pop()[0] if reduced == last else 1
        kinds[reduced].append((outer * size, step))
        last = reduced
    return tuple(kinds[False]), tuple(kinds[True])


def loop_fields(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[tuple[str, int], ...]:
    """The loops as fields of a C struct, those that are not needed outside, with one step."""
    fields: list[tuple[str, int]] = []
    for kind, found in zip(("kept", "reduced"), loops(shape, axes), strict=True):
        padded = ((1, 0),) * (LOOPS - len(found)) + found
        fields += [(f"{kind}_size_{i}", size) for i, (size, _) in enumerate(padded)]
        fields += [(f"{kind}_step_{i}", step) for i, (_, step) in enumerate(padded)]
    return tuple(fields)
