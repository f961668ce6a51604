"""The lowerings of a layer's stripes as one: equal constants once, the calls of each stripe apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from mcuq.ir.kernel_call import Constant, ConstantPointer, KernelCall, Lowering, Struct, TensorPointer, Value
from mcuq.ops.rows import Stripe


def merge(lowerings: Mapping[Stripe, Lowering]) -> tuple[Lowering, Mapping[Stripe, tuple[KernelCall, ...]]]:
    """One lowering for all stripes of a layer, and the calls for each. Equal constants are kept once."""
    constants: list[Constant] = []
    calls: dict[Stripe, tuple[KernelCall, ...]] = {}
    for part, lowering in lowerings.items():
        names = {constant.name: _kept_as(constant, constants) for constant in lowering.constants}
        calls[part] = tuple(_renamed(call, names) for call in lowering.calls)
    every = tuple(lowerings.values())
    merged = Lowering(
        calls=tuple(dict.fromkeys(call for found in calls.values() for call in found)),
        constants=tuple(constants),
        scratch_bytes=max(lowering.scratch_bytes for lowering in every),
        sources=tuple(sorted({source for lowering in every for source in lowering.sources})),
        definitions=tuple(sorted({text for lowering in every for text in lowering.definitions})),
    )
    return merged, calls


def _kept_as(constant: Constant, constants: list[Constant]) -> str:
    """The name under which ``constants`` hold the values; they are added when new."""
    for other in constants:
        alike = other.values.dtype == constant.values.dtype and np.array_equal(other.values, constant.values)
        if alike and other.name.split(" ")[0] == constant.name:
            return other.name
    taken = sum(other.name.split(" ")[0] == constant.name for other in constants)
    name = f"{constant.name} {taken + 1}" if taken else constant.name
    constants.append(dataclasses.replace(constant, name=name))
    return name


def _renamed(call: KernelCall, names: Mapping[str, str]) -> KernelCall:
    def value(given: Value) -> Value:
        if isinstance(given, ConstantPointer):
            return dataclasses.replace(given, name=names[given.name])
        if isinstance(given, Struct):
            return struct(given)
        return given

    def struct(given: Struct) -> Struct:
        return dataclasses.replace(given, fields=tuple((name, value(field)) for name, field in given.fields))

    arguments = tuple(a if isinstance(a, TensorPointer) else value(a) for a in call.arguments)
    return dataclasses.replace(call, arguments=arguments)
