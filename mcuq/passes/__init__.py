"""Passes: bound graphs into simpler ones that compute the same bytes. One file a pass; nothing is lowered here."""

from __future__ import annotations

from collections.abc import Callable

from mcuq.ir import Graph
from mcuq.ir.verify import verify
from mcuq.passes.fold_constants import fold_constants
from mcuq.passes.fuse_activations import fuse_activations
from mcuq.passes.fuse_conversions import fuse_conversions
from mcuq.passes.fuse_dilation import fuse_dilation
from mcuq.passes.fuse_padding import fuse_padding
from mcuq.passes.fuse_tables import fuse_tables
from mcuq.passes.merge_moves import merge_moves
from mcuq.passes.move_bytes import move_bytes
from mcuq.passes.note_two_values import note_two_values
from mcuq.passes.order_layers import order_layers
from mcuq.passes.peel_edges import peel_edges
from mcuq.passes.plain_constant_channels import plain_constant_channels
from mcuq.passes.precompute_borders import precompute_borders
from mcuq.passes.remove_constant_channels import remove_constant_channels
from mcuq.passes.remove_dead import remove_dead
from mcuq.passes.remove_identities import remove_identities
from mcuq.passes.shape_before_padding import shape_before_padding

Pass = Callable[[Graph], Graph]

DEFAULT_PASSES: tuple[Pass, ...] = (
    fold_constants,
    move_bytes,
    fuse_conversions,
    peel_edges,
    fuse_activations,
    fuse_tables,
    merge_moves,
    remove_identities,
    fuse_dilation,
    shape_before_padding,
    fuse_padding,
    remove_constant_channels,
    precompute_borders,
    plain_constant_channels,
    remove_dead,
    order_layers,
    note_two_values,
)
"""In this order: what is fused away no longer hides channels; all leave behind what removing the dead takes away."""

BEFORE_SLIDING = tuple(one for one in DEFAULT_PASSES if one not in (merge_moves, order_layers, note_two_values))
AFTER_SLIDING: tuple[Pass, ...] = (merge_moves, remove_identities, remove_dead, order_layers)
"""Around the change of a window's graph into a step's (``mcuq.sliding``), which has to see where layers move axes."""


def run_passes(graph: Graph, passes: tuple[Pass, ...] = DEFAULT_PASSES) -> Graph:
    """``graph`` after all ``passes``, verified before the first and after each.

    Raises ``ValueError`` naming the pass when one leaves a malformed graph: a defect in mcuq.
    """
    verify(graph)
    for one in passes:
        graph = one(graph)
        try:
            verify(graph)
        except ValueError as error:
            raise ValueError(f"after the pass {one.__name__}: {error}") from error
    return graph
