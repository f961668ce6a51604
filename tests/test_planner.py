"""The arena planner on random live ranges: nothing alive together overlaps but where a kernel allows it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ir.kernel_call import Overlap
from mcuq.planner.arena import ALIGNMENT, ORDERS, Placement, lower_bound_bytes, place
from mcuq.planner.lifetime import Buffer

Overlaps = Mapping[tuple[str, str], Overlap]


@st.composite
def live_ranges(draw: st.DrawFn) -> tuple[list[Buffer], Overlaps]:
    """Up to 14 buffers, and for some that begin where another ends, how they may lie over it."""
    made = []
    for number in range(draw(st.integers(1, 14))):
        first = draw(st.integers(-1, 10))
        made.append(
            Buffer(f"b{number}", (f"b{number}",), draw(st.integers(1, 500)), first, draw(st.integers(first, 11)))
        )
    pairs = [(o.name, i.name) for o, i in itertools.permutations(made, 2) if o.first == i.last > i.first]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=4)) if pairs else []
    return made, {
        (output, source): Overlap(
            source, draw(st.sampled_from([0, 8, 64])), exact=draw(st.booleans()), after=draw(st.booleans())
        )
        for output, source in chosen
    }


def extent(placements: tuple[Placement, ...]) -> int:
    return max(placement.end for placement in placements)


def allowed(one: Placement, other: Placement, overlaps: Overlaps) -> bool:
    """May these two, alive together, lie where they are?"""
    if one.end <= other.offset or other.end <= one.offset:
        return True
    overlap = overlaps.get((one.buffer.name, other.buffer.name))
    if overlap is None:
        return False
    distance = one.offset - other.offset if overlap.after else other.offset - one.offset
    return distance == overlap.distance_bytes if overlap.exact else distance >= overlap.distance_bytes


@given(live_ranges())
@settings(max_examples=200, deadline=None)
def test_arena_never_overlaps_live_tensors(given_ranges: tuple[list[Buffer], Overlaps]) -> None:
    found, overlaps = given_ranges
    for order in ORDERS:
        placements = place(sorted(found, key=order), overlaps)
        assert sorted(p.buffer.name for p in placements) == sorted(b.name for b in found)
        for one, other in itertools.combinations(placements, 2):
            if one.buffer.overlaps(other.buffer):
                assert allowed(one, other, overlaps) or allowed(other, one, overlaps), (one, other)
        assert all(p.offset >= 0 and p.offset % ALIGNMENT == 0 for p in placements)


@given(live_ranges())
@settings(max_examples=200, deadline=None)
def test_no_arena_is_smaller_than_the_lower_bound(given_ranges: tuple[list[Buffer], Overlaps]) -> None:
    found, _ = given_ranges
    bound = lower_bound_bytes(found, {})
    assert bound >= max(buffer.bytes for buffer in found)
    for order in ORDERS:
        assert extent(place(sorted(found, key=order), {})) > bound - ALIGNMENT


@given(live_ranges())
@settings(max_examples=50, deadline=None)
def test_placing_is_repeatable(given_ranges: tuple[list[Buffer], Overlaps]) -> None:
    found, overlaps = given_ranges
    assert place(found, overlaps) == place(list(found), overlaps)


def test_outputs_may_start_at_a_distance_before_or_after_their_input() -> None:
    found = [Buffer("x", ("x",), 160, -1, 0), Buffer("y", ("y",), 320, 0, 1)]
    for overlap, offsets in (
        (Overlap("x", 160), {"x": 160, "y": 0}),
        (Overlap("x", 0, after=True), {"x": 0, "y": 0}),
        (Overlap("x", 16, after=True), {"x": 0, "y": 16}),
    ):
        overlaps = {("y", "x"): overlap}
        for order in ORDERS:
            placements = place(sorted(found, key=order), overlaps)
            assert {p.buffer.name: p.offset for p in placements} == offsets, overlap
            assert extent(placements) == lower_bound_bytes(found, overlaps)


def test_a_chain_needs_no_more_than_its_two_largest_neighbours() -> None:
    sizes = (100, 800, 400, 16, 300)
    found = [Buffer(f"t{i}", (f"t{i}",), size, i - 1, i) for i, size in enumerate(sizes)]
    best = min(extent(place(sorted(found, key=order), {})) for order in ORDERS)
    assert best <= lower_bound_bytes(found, {}) == 1200
