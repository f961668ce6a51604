"""Kernels whose weights can be decoded into scratch memory first: where weights stand in their streams. No kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Lowering
from mcuq.kernels import mcuq_conv_2d as conv_2d
from mcuq.kernels import mcuq_conv_2d_columns as columns
from mcuq.kernels import mcuq_conv_2d_mve as conv_2d_mve
from mcuq.kernels import mcuq_conv_2d_narrow as narrow
from mcuq.kernels import mcuq_conv_2d_triples as triples
from mcuq.kernels import mcuq_depthwise_conv_2d as depthwise_conv_2d
from mcuq.kernels import mcuq_fully_connected as fully_connected
from mcuq.kernels import mcuq_fully_connected_dsp as fully_connected_dsp
from mcuq.kernels import mcuq_fully_connected_fours as fours
from mcuq.kernels import mcuq_fully_connected_mve as fully_connected_mve
from mcuq.kernels import mcuq_transpose_conv as transpose_conv
from mcuq.kernels.base import Kernel, Target
from mcuq.kernels.gemm_params import weight_rows
from mcuq.kernels.mcuq_gemm_mve import vectors
from mcuq.kernels.narrow_weights import lanes
from mcuq.kernels.triples import UNROLLED
from mcuq.ops.base import Array
from mcuq.ops.fully_connected import FullyConnected

HALVES = "halves"
BYTES = "bytes"
OFFSET = "offset"

TILE_BYTES = 4096
"""Of a stream, or at least one group: what is decoded at once of a fully connected layer."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a stream: in each group ``seeds`` words as they are, ``words`` of weights in ``form``, others as they are.

    A group has ``channels`` output channels.
    """

    form: str
    channels: int
    words: int
    seeds: int = 0

    def split(self, stream: Array) -> tuple[Array, Array]:
        """The weights of ``stream`` (groups, words), a flat int8 array in their order, and the words as they are."""
        before, words, behind = np.split(stream, [self.seeds, self.seeds + self.words], axis=1)
        octets = np.ascontiguousarray(words.astype("<i4")).view(np.int8)
        weights = lanes(words.astype(np.int64)).astype(np.int8) if self.form == HALVES else octets
        if self.form == OFFSET:
            weights = octets ^ np.int8(-128)
        return weights.reshape(-1), np.concatenate([before, behind], axis=1).reshape(-1).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Base:
    """``kernel`` reads a stream of ``shape``, weights ``in_rows``, or weights in an order of their own, ``flat``.

    ``channels`` is its parameters' member for outputs; ``tile`` says how many groups of a layer are decoded at once.
    """

    kernel: Kernel
    channels: str
    shape: Callable[[Layer], Shape]
    tile: Callable[[Layer, Target, Shape], int]
    in_rows: bool = False
    flat: bool = False

    @property
    def plain(self) -> bool:
        """Does the kernel read weights as they are, and tables of its own?"""
        return self.in_rows or self.flat

    def stream(self, layer: Layer, lowering: Lowering) -> Array:
        """(groups, words), int32, of ``lowering``; rows of weights are filled up with their last."""
        if self.flat:
            return flat_stream(lowering)
        if not self.in_rows:
            (constant,) = lowering.constants
            values: Array = constant.values.reshape(groups_of(layer, self.shape(layer)), -1)
            return values
        return _words(weight_rows(layer).astype(np.int8))


def flat_stream(lowering: Lowering) -> Array:
    """The first of the constants, weights, as one group of words."""
    return _words(lowering.constants[0].values.reshape(1, -1))


def _words(rows: Array) -> Array:
    """Rows of bytes as words, filled up with their last."""
    filled = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)), mode="edge")
    words: Array = np.ascontiguousarray(filled).view("<i4")
    return words


def groups_of(layer: Layer, shape: Shape) -> int:
    return -(-layer.output.shape[-1] // shape.channels)


def _whole(layer: Layer, _target: Target, shape: Shape) -> int:
    return groups_of(layer, shape)


def _one(_layer: Layer, _target: Target, _shape: Shape) -> int:
    return 1


def _by_bytes(layer: Layer, _target: Target, shape: Shape) -> int:
    """Of fully connected layers: only outputs of a single row stand together."""
    a: FullyConnected = layer.attributes
    groups = groups_of(layer, shape)
    return groups if a.batches != 1 else min(groups, max(TILE_BYTES // (4 * shape.words), 1))


def _dsp_convolution(kernel: Kernel) -> Base:
    def shape(layer: Layer) -> Shape:
        return Shape(HALVES, 4, 2 * columns.pairs(layer), narrow.seeds(kernel, layer))

    def tile(layer: Layer, target: Target, _shape: Shape) -> int:
        return narrow.parts(kernel, layer, target).tile // 4

    return Base(kernel, "gemm.channels", shape, tile)


def _row_shape(layer: Layer) -> Shape:
    return Shape(BYTES, 1, -(-weight_rows(layer).shape[1] // 4))


def flat_shape(layer: Layer) -> Shape:
    return Shape(BYTES, layer.output.shape[-1], -(-layer.input(1).type.elements // 4))


def _triples_shape(layer: Layer) -> Shape:
    return Shape(OFFSET, 4, triples.parts(layer).all_taps)


def _fours_shape(layer: Layer) -> Shape:
    return Shape(OFFSET, 4, -(-layer.attributes.depth // UNROLLED) * UNROLLED)


def _fully_connected_dsp_shape(layer: Layer) -> Shape:
    return Shape(HALVES, 8, 8 * -(-layer.attributes.depth // 4))


def _mve_shape(layer: Layer) -> Shape:
    return Shape(BYTES, 4, 16 * vectors(weight_rows(layer).shape[1]))


BASES = (
    Base(conv_2d.KERNELS[0], "output_channels", _row_shape, _one, in_rows=True),
    Base(fully_connected.KERNELS[0], "outputs", _row_shape, _one, in_rows=True),
    Base(depthwise_conv_2d.KERNELS[0], "output_channels", flat_shape, _whole, flat=True),
    Base(transpose_conv.KERNELS[0], "output_channels", flat_shape, _whole, flat=True),
    *(_dsp_convolution(kernel) for kernel in narrow.LOOPED),
    Base(fully_connected_dsp.KERNELS[0], "outputs", _fully_connected_dsp_shape, _by_bytes),
    Base(triples.KERNELS[0], "output_channels", _triples_shape, _whole),
    Base(fours.KERNELS[0], "outputs", _fours_shape, _by_bytes),
    *(Base(kernel, "gemm.channels", _mve_shape, _whole) for kernel in conv_2d_mve.KERNELS),
    Base(fully_connected_mve.KERNELS[0], "outputs", _mve_shape, _by_bytes),
)
"""Kernels without code of a layer's own, since coded weights are for small flash."""
