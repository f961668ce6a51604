"""How far an output may lie over its input, by the order in which kernels read and write. No kernel.

A kernel that says more than is true overwrites what it has yet to read; every case of the tests runs in such an arena.
"""

from __future__ import annotations

from mcuq.ir import Layer, Tensor
from mcuq.ir.kernel_call import Overlap
from mcuq.ops.conv_geometry import Axis


def in_place(layer: Layer, *inputs: int) -> tuple[Overlap, ...]:
    """For kernels that read an element of ``inputs`` last when they write the same element of the output.

    Inputs that are constant, or of another size than the output (broadcast), stay clear.
    """
    size = layer.output.type.bytes
    tensors = [layer.input(index) for index in inputs]
    return tuple(Overlap(t.name, 0) for t in tensors if not t.constant and t.type.bytes == size)


def by_rows(layer: Layer, rows: Axis, *, rows_are_copied: bool) -> tuple[Overlap, ...]:
    """For kernels of one NHWC image that write output rows in order and read the window's input rows for each.

    ``rows_are_copied``: all input rows of an output row's window have been copied elsewhere before it is written;
    otherwise they are read while it is written.
    """
    x, y = layer.input(0), layer.output
    if x.shape[0] != 1 or x.constant:
        return ()
    distances = [
        (row + 1) * _row_bytes(y) - unread * _row_bytes(x)
        for row, unread in enumerate(_first_unread(rows, rows_are_copied))
        if unread < rows.input
    ]
    distance = max([0, *distances])
    return (Overlap(x.name, distance),) if distance < y.type.bytes else ()


def without_gaps(layer: Layer) -> bool:
    """Are the windows of a convolution one pixel each, and its output pixels those of the input in the same order?"""
    axes = (layer.attributes.height, layer.attributes.width)
    return all((a.window, a.stride, a.pad_before, a.pad_after) == (1, 1, 0, 0) for a in axes)


def goes_backwards(layer: Layer) -> bool:
    """Should a convolution compute pixels from the last to the first? It then grows into memory behind its input."""
    return without_gaps(layer) and layer.output.type.bytes > layer.input(0).type.bytes


def by_pixels(layer: Layer) -> tuple[Overlap, ...]:
    """For convolutions ``without_gaps`` that copy pixels before they write theirs, in the order ``goes_backwards``."""
    x = layer.input(0)
    return () if x.constant else (Overlap(x.name, 0, after=goes_backwards(layer)),)


def _first_unread(rows: Axis, copied: bool) -> list[int]:
    """For each output row, the first input row that is still to be read while it is written."""
    reach = (rows.window - 1) * rows.dilation + 1 if copied else 0
    return [max(0, row * rows.stride - rows.pad_before + reach) for row in range(rows.output)]


def _row_bytes(tensor: Tensor) -> int:
    return tensor.type.bytes // tensor.shape[1]
