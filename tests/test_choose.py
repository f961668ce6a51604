"""The choice of kernels on made-up layers: within budgets when anything is, and never worse than any single rule."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mcuq.ir import Layer
from mcuq.ir.kernel_call import Constant, KernelCall, Lowering
from mcuq.planner.choose import (
    CYCLES_WEIGHT,
    RAM_BESIDE_BYTES,
    Budget,
    LayerOptions,
    Optimize,
    Option,
    Piece,
    arena_worth,
    choose,
    ram_levels,
    with_cycles,
)

CODE = {f"kernel_{n}": Piece(f"kernel_{n}", 100 * (n + 1)) for n in range(4)}
SHARED = Piece("shared", 700)
"""What kernels 2 and 3 both call."""


def code_of(lowering: Lowering) -> frozenset[Piece]:
    names = {call.function for call in lowering.calls}
    return frozenset(CODE[name] for name in names) | ({SHARED} if names & {"kernel_2", "kernel_3"} else set())


def option(kernel: str, cycles: int, constant_bytes: int, ram_bytes: int) -> Option:
    constants = (Constant("weights", np.zeros(constant_bytes, np.int8)),)
    return Option(kernel, "mcuq", cycles, Lowering((KernelCall(kernel, (), "k.h"),), constants), ram_bytes)


@st.composite
def surveyed(draw: st.DrawFn) -> tuple[LayerOptions, ...]:
    """One to four layers, each with some of the four kernels."""
    layers = []
    for number in range(draw(st.integers(1, 4))):
        kernels = draw(st.lists(st.sampled_from(sorted(CODE)), min_size=1, unique=True))
        numbers = st.tuples(st.integers(1, 5000), st.integers(0, 900), st.integers(1, 500))
        options = [option(kernel, *draw(numbers)) for kernel in kernels]
        options.sort(key=lambda o: (o.cycles, o.kernel))
        layers.append(LayerOptions(Layer(f"layer_{number}", "RELU", None, (), ()), tuple(options)))
    return tuple(layers)


def costs(picked: Sequence[Option]) -> tuple[int, int, int]:
    """(cycles, flash, RAM) of one option for each layer, from the definition."""
    pieces = {piece for o in picked for piece in code_of(o.lowering)}
    flash = sum(piece.bytes for piece in pieces) + sum(o.lowering.constant_bytes for o in picked)
    return sum(o.cycles for o in picked), flash, max(o.ram_bytes for o in picked)


def all_costs(layers: tuple[LayerOptions, ...]) -> list[tuple[int, int, int]]:
    return [costs(picked) for picked in itertools.product(*(layer.options for layer in layers))]


@given(surveyed())
@settings(max_examples=100, deadline=None)
def test_speed_is_the_quickest_and_its_cost_is_counted_right(layers: tuple[LayerOptions, ...]) -> None:
    kernels, cost = choose(layers, Optimize.SPEED, Budget(), code_of)
    picked = [
        next(o for o in layer.options if o.kernel == kernel) for layer, kernel in zip(layers, kernels, strict=True)
    ]
    assert (cost.cycles, cost.flash_bytes, cost.ram_bytes) == costs(picked)
    assert cost.cycles == min(cycles for cycles, _, _ in all_costs(layers))


@given(surveyed())
@settings(max_examples=100, deadline=None)
def test_size_is_no_larger_than_any_one_kernel_everywhere_or_the_quickest(layers: tuple[LayerOptions, ...]) -> None:
    _, cost = choose(layers, Optimize.SIZE, Budget(), code_of)
    assert cost.flash_bytes <= costs([layer.options[0] for layer in layers])[1]
    for kernel in CODE:
        same = [next((o for o in layer.options if o.kernel == kernel), None) for layer in layers]
        if all(same):
            assert cost.flash_bytes <= costs([o for o in same if o is not None])[1]


def test_size_goes_to_a_kernel_that_pays_only_when_all_layers_go_to_it() -> None:
    """Going to ``kernel_3`` alone saves the first layer nothing, nor the second: their code is there for the other."""
    first = (option("kernel_0", 1, 0, 1), option("kernel_3", 1, 0, 1))
    second = (option("kernel_2", 1, 97, 1), option("kernel_3", 1, 0, 1))
    layers = tuple(
        LayerOptions(Layer(name, "RELU", None, (), ()), options)
        for name, options in (("first", first), ("second", second))
    )
    kernels, cost = choose(layers, Optimize.SIZE, Budget(), code_of)
    assert kernels == ("kernel_3", "kernel_3")
    assert cost.flash_bytes == 700 + 400


@given(surveyed(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_flash_budget_is_kept_when_the_smallest_choice_keeps_it(
    layers: tuple[LayerOptions, ...], data: st.DataObject
) -> None:
    _, smallest = choose(layers, Optimize.SIZE, Budget(), code_of)
    _, quickest = choose(layers, Optimize.SPEED, Budget(), code_of)
    limit = data.draw(st.integers(smallest.flash_bytes, max(smallest.flash_bytes, quickest.flash_bytes)))
    _, cost = choose(layers, Optimize.SPEED, Budget(flash_bytes=limit), code_of)
    assert cost.flash_bytes <= limit
    assert cost.cycles <= smallest.cycles


@given(surveyed(), st.integers(1, 500))
@settings(max_examples=100, deadline=None)
def test_a_ram_budget_is_kept_whenever_it_can_be(layers: tuple[LayerOptions, ...], limit: int) -> None:
    _, cost = choose(layers, Optimize.SPEED, Budget(ram_bytes=limit), code_of)
    least = min(ram for _, _, ram in all_costs(layers))
    assert cost.ram_bytes <= max(limit, least)
    assert cost.cycles == min(cycles for cycles, _, ram in all_costs(layers) if ram <= max(limit, least))
    assert ram_levels(layers)[0] == least


@given(surveyed())
@settings(max_examples=50, deadline=None)
def test_balanced_is_no_worse_a_balance_than_the_extremes(layers: tuple[LayerOptions, ...]) -> None:
    found = {optimize: choose(layers, optimize, Budget(), code_of)[1] for optimize in Optimize}

    def balance(optimize: Optimize) -> float:
        cost = found[optimize]
        return (1 + cost.cycles) ** CYCLES_WEIGHT * (1 + cost.flash_bytes) * (1 + RAM_BESIDE_BYTES + cost.ram_bytes)

    assert balance(Optimize.BALANCED) <= min(balance(Optimize.SPEED), balance(Optimize.SIZE)) * (1 + 1e-9)


@given(surveyed())
@settings(max_examples=50, deadline=None)
def test_little_ram_is_worth_no_less_than_speed_makes_of_it(layers: tuple[LayerOptions, ...]) -> None:
    found = {optimize: choose(layers, optimize, Budget(), code_of)[1] for optimize in (Optimize.RAM, Optimize.SPEED)}
    ram, speed = (arena_worth(found[o].ram_bytes, found[o].cycles) for o in (Optimize.RAM, Optimize.SPEED))
    assert ram <= speed
    assert found[Optimize.RAM].ram_bytes <= found[Optimize.SPEED].ram_bytes


@given(surveyed(), st.data())
@settings(max_examples=50, deadline=None)
def test_better_known_cycles_replace_the_estimates(layers: tuple[LayerOptions, ...], data: st.DataObject) -> None:
    cycles = {
        (layer.layer.name, option.kernel): data.draw(st.integers(1, 5000))
        for layer in layers
        for option in layer.options
    }
    for before, after in zip(layers, with_cycles(layers, cycles), strict=True):
        assert {o.kernel: o.cycles for o in after.options} == {
            o.kernel: cycles[before.layer.name, o.kernel] for o in before.options
        }
        assert [o.cycles for o in after.options] == sorted(o.cycles for o in after.options)


def test_a_kernel_whose_cycles_are_not_known_is_left_out_where_others_are() -> None:
    """It did not fit. A layer of which nothing is known keeps its estimates."""
    options = (option("kernel_0", 1, 0, 1), option("kernel_1", 2, 0, 1), option("kernel_2", 3, 0, 1))
    layers = [LayerOptions(Layer(name, "RELU", None, (), ()), options) for name in ("known", "unknown")]
    known, unknown = with_cycles(layers, {("known", "kernel_0"): 90, ("known", "kernel_2"): 7})
    assert [(o.kernel, o.cycles) for o in known.options] == [("kernel_2", 7), ("kernel_0", 90)]
    assert unknown.options == options
