"""The search for a scheme for each layer: what each costs the output alone, then the best assignments, then the whole.

What layers lose one by one only ranks assignments; the one that is taken is quantized and measured in LiteRT.
"""

from __future__ import annotations

import bisect
import dataclasses
import fnmatch
import functools
import glob
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mcuq.data import Dataset
from mcuq.errors import BudgetError
from mcuq.mixed.front import Assignment, Option, front
from mcuq.mixed.machine import Machine
from mcuq.mixed.prices import Prices, surveyed
from mcuq.model import Progress
from mcuq.planner.choose import Cost
from mcuq.quantize.bias_range import float_biases
from mcuq.quantize.flatbuffer import read_model, tensor_name, write_model
from mcuq.quantize.int8 import Quantized, quantize
from mcuq.quantize.prepare import prepare
from mcuq.quantize.request import Request, assigned
from mcuq.quantize.rounding import Rounded, set_rounded
from mcuq.quantize.scheme import Array, Scheme
from mcuq.quantize.schemes import DEFAULT, MIXED, scheme_named, schemes
from mcuq.quantize.sensitivity import Place, noise, sensitivities
from mcuq.quantize.weighted_layer import WeightedLayer, weighted_layers
from mcuq.reference import accuracy, agreement, predicted_classes, run_float

SHARE = 0.5
"""Of the constants of the int8 model: what is aimed at where no budget is given."""

MOST_DROP = 0.5
"""Points, where nobody says how many."""

JUDGED = 200
"""Samples that a model is judged by, at most."""

SHOWN = 12
"""Assignments of the front that are told of."""

CYCLE_PRICES = (0.0, 2.0**-10, 2.0**-8, 2.0**-6, 2.0**-4, 1.0)
"""Bytes that a cycle is worth, tried where cycles are limited."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Of a model on the samples given: shares of samples put right, and put as by the float model; the probability that
    the float model gives to the classes named; and the root mean square of the first output's error, in parts of its
    standard deviation. All are measured; None where there are no labels, classes or probabilities.
    """

    accuracy: float | None
    agreement: float | None
    likely: float | None
    error: float

    def drop(self, usual: Quality) -> tuple[float, str]:
        """Points lost against ``usual``, and of what: accuracy; without labels, what the float model takes it to be.

        A sample that changes sides where the float model is in doubt is no loss on average.
        """
        for what, one, other in (
            ("accuracy", usual.accuracy, self.accuracy),
            ("accuracy by the float model's probabilities", usual.likely, self.likely),
            ("agreement with the float model", usual.agreement, self.agreement),
        ):
            if one is not None and other is not None:
                return 100 * (one - other), what
        return 100 * (self.error - usual.error), "error"


def likely(floats: Array, values: Array) -> float | None:
    """The mean probability that ``floats``, of a float model (n, ...), give to the classes that ``values`` name."""
    classes, rows = predicted_classes(values), floats.reshape(len(floats), -1)
    if classes is None or rows.min() < 0.0 or rows.max() > 1.0:
        return None
    if rows.shape[1] == 1:
        return float(np.where(classes == 1, rows[:, 0], 1 - rows[:, 0]).mean())
    if not np.allclose(rows.sum(axis=1), 1.0, atol=1e-3):
        return None
    return float(rows[np.arange(len(rows)), classes].mean())


@dataclass(frozen=True, slots=True)
class Point:
    """An assignment: schemes by layer, bytes of constants where they are fewest (counted), the error that the layers
    make one by one (estimated), and what a build would take (estimated); ``quality`` if it was quantized as a whole.
    """

    name: str
    layers: Mapping[str, str]
    constant_bytes: int
    error: float
    cost: Cost
    quality: Quality | None = None


@dataclass(frozen=True, slots=True)
class Mixed:
    """What was found: ``chosen``, beside the int8 model ``usual``; others of the ``front``, the smallest first, and
    models of one scheme. ``drop`` is in points of ``measure``, on ``samples`` samples; ``request`` names all layers.
    """

    chosen: Point
    usual: Point
    front: tuple[Point, ...]
    uniform: tuple[Point, ...]
    drop: float
    measure: str
    samples: int
    code_kind: str
    request: Request
    quantized: Quantized
    notes: tuple[str, ...]
    again: Callable[[Machine], Mixed] = field(compare=False, repr=False)
    """The same search for other budgets, which measures nothing twice."""

    def lines(self) -> tuple[str, ...]:
        """The choice as lines for ``mcuq.toml``, where int8 is what layers get that it does not name."""
        others = ((name, scheme) for name, scheme in self.chosen.layers.items() if scheme != DEFAULT)
        return ("[quantize.layers]", *(f'"{glob.escape(name)}" = "{scheme}"' for name, scheme in others))


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    """What is known before assignments are looked for: ``noises`` by layer and scheme, what layers take, and how to
    judge models: ``floats`` is the first output of the float model for the samples ``judged``.
    """

    content: bytes
    samples: Dataset
    judged: Dataset
    floats: Array
    noises: Mapping[str, Mapping[str, float]]
    prices: Prices

    def point(self, name: str, layers: Mapping[str, str]) -> Point:
        total = sum(self.noises[layer][scheme] for layer, scheme in layers.items())
        return Point(name, layers, self.prices.all_constants(layers), math.sqrt(total), self.prices.cost(layers))

    def uniform(self, scheme: str) -> dict[str, str]:
        """All layers in ``scheme`` that can be."""
        return {layer: scheme if scheme in known else next(iter(known)) for layer, known in self.noises.items()}

    def judge(self, point: Point, quantized: Quantized) -> Point:
        values = run_float(quantized.tflite, self.judged.inputs)[0]
        elements = sum(int(array[0].size) for array in self.judged.inputs)
        same = agreement(self.floats, values, input_elements=elements)
        right = None if same is None else accuracy(values, self.judged.labels)
        error = math.sqrt(noise(self.floats, values))
        quality = Quality(right, same, None if same is None else likely(self.floats, values), error)
        return dataclasses.replace(point, quality=quality)


def search(
    content: bytes, samples: Dataset, request: Request, machine: Machine, most_drop: float | None, progress: Progress
) -> Mixed:
    """The assignment with the least error within the budgets; where there is none, the smallest that loses no more
    than it may, but no smaller than ``SHARE`` of int8 unless a loss is asked for. Layers that ``request`` names by
    pattern keep their schemes. ``most_drop``: points against int8; None: ``MOST_DROP``, which gives way where budgets
    leave no choice.

    Raises ``BudgetError`` where no assignment does.
    """
    base = quantize(content, samples, Request(calibration=request.calibration), progress)
    ground = _ground(content, samples, request, base, machine, progress)
    usual = ground.judge(ground.point(DEFAULT, ground.uniform(DEFAULT)), base)
    return _within(ground, usual, request, most_drop, progress, {}, machine)


def _within(
    ground: _Ground,
    usual: Point,
    request: Request,
    most_drop: float | None,
    progress: Progress,
    tried: dict[tuple[str, ...], tuple[Point, Quantized]],
    machine: Machine,
) -> Mixed:
    """What is best on ``machine``; ``tried`` has what was quantized before, by its schemes."""
    ground = dataclasses.replace(ground, prices=ground.prices.on(machine))
    fronts = _fronts(ground, machine)

    def whole(assignment: Assignment) -> tuple[Point, float]:
        if assignment.schemes not in tried:
            point = ground.point(MIXED, _by_layer(ground, assignment))
            made = quantize(ground.content, ground.samples, _request(point.layers, request), progress)
            tried[assignment.schemes] = ground.judge(point, made), made
        point = tried[assignment.schemes][0]
        return point, _drop(point, usual)[0]

    best, notes = _chosen(ground, fronts, usual, machine, most_drop, whole)
    point, made = tried[best.schemes]
    drop, measure = _drop(point, usual)
    shown = {id(one): one for one in _spread(fronts[0], SHOWN)}
    return Mixed(
        chosen=point,
        usual=usual,
        front=tuple(ground.point(MIXED, _by_layer(ground, one)) for one in shown.values()),
        uniform=tuple(ground.point(name, ground.uniform(name)) for name in _searched() if name != DEFAULT),
        drop=drop,
        measure=measure,
        samples=ground.judged.count,
        code_kind=ground.prices.code_kind,
        request=_request(point.layers, request),
        quantized=made,
        notes=(*notes, f"mixed: {_told(point)}; loses {drop:.1f} points of {measure} against int8 (measured)"),
        again=functools.partial(_within, ground, usual, request, most_drop, progress, tried),
    )


def _ground(
    content: bytes, samples: Dataset, request: Request, base: Quantized, machine: Machine, progress: Progress
) -> _Ground:
    tree = prepare(read_model(content)).model
    layers = weighted_layers(tree)
    assigned(layers, dataclasses.replace(request, scheme=DEFAULT))  # patterns that match no layer end here
    places = [Place(layer.index, layer.name, layer.op, layer, None, _trials(layer, request)) for layer in layers]
    arrays = [np.asarray(array) for array in samples.inputs]
    found = sensitivities(tree, places, arrays, lambda done, of: progress("each layer alone", done, of))
    names = sorted({name for one in found for name in one.rounded} - {DEFAULT})
    surveys = {DEFAULT: surveyed(base.tflite, machine)}
    for done, name in enumerate(names):
        surveys[name] = surveyed(_with_weights(tree, base.tflite, [one.rounded.get(name) for one in found]), machine)
        progress("sizes of layers", done + 1, len(names))
    judged = samples.head(JUDGED)
    noises = {
        place.name: {alone.scheme: alone.noise for alone in one.alone if alone.scheme is not None}
        for place, one in zip(places, found, strict=True)
    }
    return _Ground(
        content, samples, judged, run_float(content, judged.inputs)[0], noises, Prices(machine, surveys, DEFAULT)
    )


def _trials(layer: WeightedLayer, request: Request) -> tuple[tuple[Scheme, bool], ...]:
    """The scheme that a pattern of ``request`` names, or all."""
    asked = next((s for pattern, s in request.layers.items() if fnmatch.fnmatchcase(layer.name, pattern)), None)
    return tuple((scheme_named(name), False) for name in ((asked,) if asked else _searched()))


def _searched() -> tuple[str, ...]:
    """The usual scheme, and all others that have a use beside those with as many bits."""
    return (DEFAULT, *(name for name, scheme in schemes().items() if scheme.searched and name != DEFAULT))


def _with_weights(tree: Any, int8: bytes, rounded: Sequence[Rounded | None]) -> bytes:
    """The int8 model with weights rounded, but for layers with None; the biases are of no account."""
    biases, quantized = float_biases(tree), read_model(int8)
    by_output = {tree.subgraphs[0].tensors[int(one.layer.operator.outputs[0])]: one for one in rounded if one}
    named = {tensor_name(tensor): one for tensor, one in by_output.items()}
    zeros = {name: np.zeros(len(one.integers), np.float32) for name, one in named.items()}
    set_rounded(quantized, named, zeros | dict(biases))
    return write_model(quantized)


def _fronts(ground: _Ground, machine: Machine) -> tuple[tuple[Assignment, ...], ...]:
    """The best assignments in size and noise of all schemes, for each price of a cycle in bytes; where flash alone is
    limited, of each two schemes beside int8, too: each scheme's kernels take flash of their own.
    """
    every = {scheme for known in ground.noises.values() for scheme in known}
    prices, few = CYCLE_PRICES if machine.cycles is not None else CYCLE_PRICES[:1], [every]
    if machine.cycles is None and machine.goals.flash_bytes is not None:
        few += [{DEFAULT, *two} for two in itertools.combinations(sorted(every - {DEFAULT}), 2)]
    return tuple(
        front(
            [
                Option(scheme, ground.prices.size(layer, scheme, price), noise)
                for scheme, noise in known.items()
                if scheme in allowed or len(known) == 1
            ]
            for layer, known in ground.noises.items()
        )
        for allowed in few
        for price in prices
    )


def _by_layer(ground: _Ground, assignment: Assignment) -> dict[str, str]:
    return dict(zip(ground.noises, assignment.schemes, strict=True))


def _chosen(
    ground: _Ground,
    fronts: Sequence[Sequence[Assignment]],
    usual: Point,
    machine: Machine,
    asked: float | None,
    whole: Callable[[Assignment], tuple[Point, float]],
) -> tuple[Assignment, tuple[str, ...]]:
    """The assignment that is best, and what is to be said of it. ``whole`` quantizes one and tells what it loses."""
    most_drop = MOST_DROP if asked is None else asked
    if machine.budgets:
        within = [one for one in (_largest(some, lambda a: _fits(ground, a)) for some in fronts) if one is not None]
        if not within:
            raise _none_fits(ground, fronts)
        best = min(within, key=lambda one: one.noise)
        point, drop = whole(best)
        if drop <= most_drop:
            return best, ()
        if asked is not None:
            raise BudgetError(
                f"within the budgets the model loses {drop:.1f} points, {most_drop:g} are allowed",
                details=(_told(point),),
                hint="allow more flash, RAM or cycles, or a larger --max-drop",
            )
        return best, (f"within the budgets the model loses {drop:.1f} points",)
    (only,) = fronts
    if asked is not None:
        return _smallest(_spread(only, SHOWN), most_drop, whole), ()
    goal = SHARE * usual.constant_bytes
    half = _largest(only, lambda one: ground.prices.all_constants(_by_layer(ground, one)) <= goal) or only[0]
    if whole(half)[1] <= most_drop:
        return half, ()
    larger = [one for one in only if one.size > half.size]
    best = _smallest(_spread(larger, SHOWN), most_drop, whole)
    return best, (f"{100 * SHARE:.0f} % of int8's constants would lose {whole(half)[1]:.1f} points",)


def _fits(ground: _Ground, assignment: Assignment) -> bool:
    return ground.prices.fits(ground.prices.cost(_by_layer(ground, assignment)))


def _largest(found: Sequence[Assignment], fits: Callable[[Assignment], bool]) -> Assignment | None:
    """The last of ``found``, which grow, that fits; None when none does."""
    place = bisect.bisect_left(range(len(found)), 1, key=lambda index: int(not fits(found[index])))
    return found[place - 1] if place else None


def _smallest(
    found: Sequence[Assignment], most_drop: float, whole: Callable[[Assignment], tuple[Point, float]]
) -> Assignment:
    """The first of ``found``, which get better, that loses no more than ``most_drop``; the last is int8, nearly."""
    low, high = 0, len(found) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if whole(found[middle])[1] <= most_drop else (middle + 1, high)
    drop = whole(found[low])[1]
    if drop > most_drop:
        raise BudgetError(
            f"eight bits in the layers that lose most still lose {drop:.1f} points, {most_drop:g} are allowed",
            hint="give a larger --max-drop",
        )
    return found[low]


def _spread(found: Sequence[Assignment], count: int) -> tuple[Assignment, ...]:
    """At most ``count`` of ``found``, both ends included, evenly spaced in size."""
    goals = np.linspace(found[0].size, found[-1].size, count)
    sizes = np.array([one.size for one in found])
    return tuple(found[place] for place in sorted({int(np.abs(sizes - goal).argmin()) for goal in goals}))


def _none_fits(ground: _Ground, fronts: Sequence[Sequence[Assignment]]) -> BudgetError:
    points = [ground.point(MIXED, _by_layer(ground, one)) for some in fronts for one in (some[0], some[-1])]
    smallest, quickest = min(points, key=lambda p: p.cost.flash_bytes), min(points, key=lambda p: p.cost.cycles)
    return BudgetError(
        "no assignment of schemes fits the budgets",
        details=(f"smallest: {_told(smallest)}", f"quickest: {_told(quickest)}"),
        hint="allow more",
    )


def _told(point: Point) -> str:
    cost = point.cost
    return (
        f"about {cost.flash_bytes:,} B of flash, {cost.ram_bytes:,} B of RAM, {cost.cycles:,} cycles (estimated), "
        f"{point.constant_bytes:,} B of constants (counted)"
    )


def _drop(point: Point, usual: Point) -> tuple[float, str]:
    assert point.quality is not None
    assert usual.quality is not None
    return point.quality.drop(usual.quality)


def _request(layers: Mapping[str, str], asked: Request) -> Request:
    """What was ``asked`` for, with every layer named."""
    named = {glob.escape(name): scheme for name, scheme in layers.items()}
    return dataclasses.replace(asked, scheme=DEFAULT, layers=named)
