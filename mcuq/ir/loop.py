"""A loop of a known number of steps: what the operator LOOP has as its attributes."""

from __future__ import annotations

from dataclasses import dataclass

from mcuq.ir.graph import Graph


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """``body`` runs ``steps`` times.

    Its inputs are ``carried`` values, then slices; its outputs the carried values for the next step, then rows. The
    LOOP's inputs are the carried values before the first step, then sequences, of which step i reads the i-th slice:
    as many bytes from the i-th multiple on. Its outputs are the carried values after the last step, then sequences that
    the rows make in the same way.
    """

    steps: int
    carried: int
    body: Graph
