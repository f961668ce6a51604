"""Which scheme each layer gets: what was asked for, by pattern or for all, and what stays at eight bits unasked."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcuq.errors import UsageError
from mcuq.quantize.calibrators import DEFAULT as DEFAULT_CALIBRATION
from mcuq.quantize.calibrators import check_calibrator
from mcuq.quantize.roundings import DEFAULT as DEFAULT_ROUNDING
from mcuq.quantize.roundings import rounding_named
from mcuq.quantize.scheme import Scheme
from mcuq.quantize.schemes import DEFAULT, DOUBLE, MIXED, OF_MODELS, scheme_named

if TYPE_CHECKING:
    from mcuq.quantize.weighted_layer import WeightedLayer

SMALL_SHARE = 1 / 16
"""Of all weights: a first or last layer with fewer stays at eight bits. It costs little flash, and gains accuracy."""


@dataclass(frozen=True, slots=True)
class Request:
    """A scheme for all layers, and others for those whose names match a pattern (``*``, ``?``); the first match counts.

    ``calibration`` names what chooses the ranges of activations (``mcuq.quantize.calibrators``), ``rounding`` how
    weights are rounded to fewer values (``mcuq.quantize.roundings``).
    ``required``: a model that is quantized already is refused, instead of left as it is. ``integer_only``: so is one
    with layers that compute in float32.
    Raises ``UsageError`` for a name that no scheme, calibrator or rounding has, and for layers with schemes that do not
    go with the model's.
    """

    scheme: str = DEFAULT
    layers: Mapping[str, str] = field(default_factory=dict)
    calibration: str = DEFAULT_CALIBRATION
    rounding: str = DEFAULT_ROUNDING
    required: bool = False
    integer_only: bool = False

    def __post_init__(self) -> None:
        if self.real and self.layers:
            raise UsageError(
                f"the scheme {self.scheme} is one of whole models", hint="leave out [quantize.layers], or the scheme"
            )
        for name in (*(() if self.real or self.mixed else (self.scheme,)), *self.layers.values()):
            if scheme_named(name).activation_bits != self.activation_bits:
                raise UsageError(
                    f"[quantize.layers] asks for {name} in a model of {self.scheme}: activations have other widths",
                    hint="they have the same in all layers",
                )
        check_calibrator(self.calibration)
        rounding_named(self.rounding)

    @property
    def real(self) -> bool:
        """Do activations stay real numbers?"""
        return self.scheme in OF_MODELS

    @property
    def mixed(self) -> bool:
        """Is the scheme of each layer to be searched for?"""
        return self.scheme == MIXED

    @property
    def plain(self) -> bool:
        """Is this what happens when nothing is asked for?"""
        return {self.scheme, *self.layers.values()} == {DEFAULT}

    @property
    def activation_bits(self) -> int:
        return scheme_named(DEFAULT if self.mixed else self.scheme).activation_bits

    @property
    def per_tensor(self) -> bool:
        return any(scheme_named(name).per_tensor for name in (self.scheme, *self.layers.values()))

    @property
    def two_valued(self) -> bool:
        return any(scheme_named(name).two_valued for name in (self.scheme, *self.layers.values()))

    @property
    def rounds_weights(self) -> bool:
        """Are there weights that are not simply int8 with a scale for each channel?"""
        usual = scheme_named(DEFAULT).grid
        return any(scheme_named(name).grid is not usual for name in (self.scheme, *self.layers.values()))


def assigned(layers: Sequence[WeightedLayer], request: Request) -> dict[str, Scheme]:
    """The scheme of each of a model's ``layers``, by name.

    Raises ``UsageError`` for a pattern that no layer matches.
    """
    if unused := [pattern for pattern in request.layers if not fnmatch.filter([x.name for x in layers], pattern)]:
        raise UsageError(
            f"[quantize.layers]: no layer with weights is called {unused[0]!r}",
            hint=f"layers are: {', '.join(layer.name for layer in layers)}",
        )
    total = sum(layer.weights.size for layer in layers)
    scheme = scheme_named(request.scheme)
    eight_bits = DEFAULT + DOUBLE if scheme.double else DEFAULT
    found = {}
    for index, layer in enumerate(layers):
        at_edge = index in {0, len(layers) - 1} and layer.weights.size < SMALL_SHARE * total
        asked = next((s for pattern, s in request.layers.items() if fnmatch.fnmatchcase(layer.name, pattern)), None)
        kept = (layer.depthwise or at_edge) and scheme.bits < 8
        usual = eight_bits if kept else request.scheme
        found[layer.name] = scheme_named(asked or usual)
    return found


@dataclass(frozen=True, slots=True)
class LayerScheme:
    """What became of a layer with ``weights`` weights: its ``scheme``, the ``bits`` that a weight takes at least, and
    how far the layer's output stands above what rounding adds to it (decibels; infinite: nothing).
    """

    name: str
    op: str
    scheme: str
    weights: int
    bits: float
    sqnr_db: float
