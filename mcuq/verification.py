"""What ``mcuq verify`` found: one value, printed as tables or as JSON. Nothing is run here."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

SCHEMA_VERSION = 1
NEAR = "reference, near LiteRT"
"""What a layer is held to where LiteRT's own bytes depend on a library."""


@dataclass(frozen=True, slots=True)
class LayerCheck:
    """A layer, and of its outputs for the first sample: their bytes, LiteRT's CRC-32, and what they are held to."""

    name: str
    op: str
    kernel: str
    bytes: int
    crc32: str
    held_to: str


@dataclass(frozen=True, slots=True)
class Element:
    """An element of a tensor by its coordinates."""

    index: tuple[int, ...]
    expected: int | float | bool
    found: int | float | bool


@dataclass(frozen=True, slots=True)
class Difference:
    """The first layer of a run whose bytes differ, ``sample`` and ``layer`` counted from 0.

    ``part``: of a layer that runs a few rows at a time, the elements that were compared, first and one past the last.
    """

    sample: int
    layer: int
    name: str
    op: str
    kernel: str
    tensor: str
    shape: tuple[int, ...]
    held_to: str
    when: str
    part: tuple[int, int] | None
    compared: int
    differing: int
    largest: float
    first: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the layers ran, on how many samples, and the first difference. ``reason``: why they did not run there."""

    name: str
    samples: int
    difference: Difference | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LayerExplained:
    """A layer in LiteRT's default, held to its reference kernels over all samples.

    ``differing`` elements of ``elements`` differ, by up to ``largest``, when the whole model runs, and ``own`` when the
    layer alone runs, on the reference's inputs. ``reference_rounds`` and ``default_rounds`` are the roundings, of those
    tried on layers of sums, that give every byte of the one and of the other (alone).
    """

    name: str
    op: str
    elements: int
    differing: int
    largest: float
    own: int
    own_largest: float
    reference_rounds: tuple[str, ...]
    default_rounds: tuple[str, ...]

    @property
    def why(self) -> str:
        """What shows of the reason, in words."""
        if not self.differing and not self.own:
            return ""
        if not self.own:
            return "computes alike; what it reads differs"
        if not (self.reference_rounds and self.default_rounds) or self.reference_rounds == self.default_rounds:
            return "not explained: no rounding that was tried gives these bytes"
        one, other = (" or ".join(found) for found in (self.reference_rounds, self.default_rounds))
        return f"rounds {other}; the reference {one}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """LiteRT's default beside its reference kernels. ``delegated``: a delegate runs some layers of it.

    ``kept_alike``: made to show all tensors, as it is for ``layers``, the default computes the same outputs.
    """

    samples: int
    delegated: bool
    elements: int
    differing: int
    largest: float
    kept_alike: bool
    layers: tuple[LayerExplained, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """A build's layers against LiteRT: on this machine, and on the target if one was asked for."""

    model: str
    board: str
    build_id: str
    samples: int
    data: str
    layers: tuple[LayerCheck, ...]
    places: tuple[Place, ...]
    notes: tuple[str, ...] = ()
    explanation: Explanation | None = None

    @property
    def differences(self) -> tuple[tuple[str, Difference], ...]:
        """Where a layer differs, and how."""
        return tuple((place.name, place.difference) for place in self.places if place.difference is not None)

    def as_json(self) -> str:
        """One JSON object, keys in a fixed order."""
        values = {"schema_version": SCHEMA_VERSION, "command": "verify", **dataclasses.asdict(self)}
        return json.dumps(values, indent=2) + "\n"


def print_verification(found: Verification, console: Console) -> None:
    """The verification as short tables for people."""
    parts: list[RenderableType] = [_summary(found), _layers(found)]
    parts += [_elements(difference) for _, difference in found.differences]
    if found.explanation is not None:
        parts += [Text(_default_in_words(found.explanation)), _explained(found.explanation)]
    parts += [Text(f"note: {note}", style="bold yellow") for note in found.notes]
    console.print(Group(*parts))


def in_words(place: str, found: Difference) -> str:
    """The difference in one sentence."""
    rows = "" if found.part is None else f" of rows that begin at element {found.part[0]:,}"
    return (
        f"{place}: layer {found.name} ({found.op}, {found.kernel}) is the first that differs from LiteRT: "
        f"{found.differing:,} of {found.compared:,} elements{rows}, by up to {found.largest:g}, "
        f"in sample {found.sample}, {found.when}"
    )


def _summary(found: Verification) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("model", found.model)
    table.add_row("board", found.board)
    table.add_row("data", found.data)
    for place in found.places:
        told = place.reason or f"{_equal(found.layers)}, {place.samples} samples"
        table.add_row(place.name, in_words(place.name, place.difference) if place.difference else told)
    return table


def _equal(layers: Sequence[LayerCheck]) -> str:
    near = sum(NEAR in layer.held_to for layer in layers)
    others = f", {near} mcuq's reference, which is near LiteRT" if near else ""
    return f"{len(layers) - near} layers equal LiteRT's{others}"


def _layers(found: Verification) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    table.add_column("operator", no_wrap=True)
    table.add_column("kernel", no_wrap=True)
    table.add_column("bytes", justify="right", no_wrap=True)
    table.add_column("CRC-32", no_wrap=True)
    table.add_column("held to", no_wrap=True)
    for place in found.places:
        table.add_column(place.name, no_wrap=True)
    for index, layer in enumerate(found.layers):
        states = [_state(place, index) for place in found.places]
        table.add_row(
            Text(layer.name), layer.op, layer.kernel, f"{layer.bytes:,}", layer.crc32, layer.held_to, *states
        )  # fmt: skip
    return table


def _state(place: Place, index: int) -> str:
    if place.reason is not None:
        return "-"
    if place.difference is None or index < place.difference.layer:
        return "same"
    return "DIFFERS" if index == place.difference.layer else ""


def _elements(found: Difference) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(f"element of {found.name} ({'x'.join(map(str, found.shape))})", overflow="fold")
    table.add_column("expected", justify="right", no_wrap=True)
    table.add_column("found", justify="right", no_wrap=True)
    for element in found.first:
        table.add_row(Text(str(list(element.index))), f"{element.expected:g}", f"{element.found:g}")
    if found.differing > len(found.first):
        table.add_row(f"and {found.differing - len(found.first):,} more")
    return table


def _default_in_words(found: Explanation) -> str:
    kernels = "with a delegate, XNNPACK where LiteRT brings it" if found.delegated else "without a delegate"
    kept = "" if found.kept_alike else "; shown all its tensors, it computes other outputs than by itself"
    return (
        f"LiteRT's default ({kernels}) beside LiteRT's reference kernels, which mcuq is held to: "
        f"{found.differing:,} of {found.elements:,} output elements differ, by up to {found.largest:g}, "
        f"over {found.samples} samples{kept}"
    )


def _explained(found: Explanation) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    table.add_column("operator", no_wrap=True)
    for name in ("elements", "differ", "by", "of its own"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why, as far as it shows", overflow="fold")
    for layer in found.layers:
        numbers = (f"{layer.elements:,}", f"{layer.differing:,}", f"{layer.largest:g}", f"{layer.own:,}")
        table.add_row(Text(layer.name), layer.op, *numbers, layer.why)
    return table
