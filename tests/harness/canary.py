"""Firmware that watches the arena: around every layer, what is alive and not the layer's to write must not change.

The tables of what is alive come from the live ranges, not from the offsets: a plan that puts two living things on one
place is caught. Guard zones lie before and behind the arena, and all that holds nothing yet is filled with garbage.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcuq.board import Board
from mcuq.cmsis_nn import find_cmsis_nn
from mcuq.codegen.model import generate
from mcuq.firmware import host_includes, host_sources
from mcuq.image import KERNELS, ModelObjects, board_toolchain, kernel_units, link_image
from mcuq.paths import FIRMWARE
from mcuq.planner.arena import Placement, Plan
from mcuq.planner.lifetime import allowed_overlaps, scratch_name
from mcuq.toolchain import Unit
from tests.harness.suite import HOST, SANITIZE

GUARD_BYTES = 64
CAUGHT = 1000
"""A run's status when layer n overwrote something is this plus n."""


@dataclass(frozen=True)
class WatchedCase:
    """A plan, and inputs with the bytes that they make."""

    id: str
    plan: Plan
    rounds: tuple[tuple[bytes, bytes], ...]

    @property
    def kernel(self) -> str:
        return ", ".join(step.kernel for step in self.plan.program.steps)


def guarded(plan: Plan) -> Plan:
    """``plan`` with a guard zone before and behind all that it places."""
    moved = tuple(Placement(p.buffer, p.offset + GUARD_BYTES) for p in plan.placements)
    return dataclasses.replace(plan, placements=moved, arena_bytes=plan.arena_bytes + 2 * GUARD_BYTES)


def protected(plan: Plan, step: int) -> list[tuple[int, int]]:
    """(offset, bytes) of all that must be the same before and after ``step``, guard zones included."""
    found = [(0, GUARD_BYTES), (plan.arena_bytes - GUARD_BYTES, GUARD_BYTES)]
    buffers = [placement.buffer for placement in plan.placements]
    overlaid = {source for output, source in allowed_overlaps(plan.program, buffers)}
    ran = plan.program.steps[step]
    written = {tensor.name for tensor in ran.layer.outputs}
    read = {t.name for t in ran.layer.inputs if t is not None}
    written |= {name for name in (plan.program.fed_input,) if name in read}
    for placement in plan.placements:
        buffer = placement.buffer
        if not buffer.first <= step <= buffer.last or buffer.name == scratch_name(step):
            continue
        if buffer.last == step and buffer.name in overlaid:
            continue
        tensors = [name for name in buffer.tensors if name in written]
        if not tensors:
            found.append((placement.offset, buffer.bytes))
        elif not ran.aliases and not plan.program.stages:
            found += _beside(plan, placement, tensors)
    return found


def _beside(plan: Plan, placement: Placement, written: Sequence[str]) -> Iterator[tuple[int, int]]:
    """What of a buffer is no part of the ``written`` tensors, which lie in it."""
    at = placement.offset
    for offset, size in sorted((plan.offset(name), plan.program.graph.tensors[name].type.bytes) for name in written):
        if offset > at:
            yield at, offset - at
        at = offset + size
    if at < placement.end:
        yield at, placement.end - at


def _case_text(number: int, plan: Plan) -> str:
    """One case: its generated code with the canary in the place of the profiler's hook."""
    name = f"case_{number}"
    steps = range(len(plan.program.steps))
    lists = [protected(plan, step) for step in steps]
    rows = [f"    {{{offset}U, {size}U}}," for ranges in lists for offset, size in ranges]
    ends = [sum(len(ranges) for ranges in lists[: step + 1]) for step in steps]
    program = plan.program
    whole = [tensor for tensor in program.graph.input_tensors if tensor.name != program.fed_input]
    starts = itertools.accumulate((tensor.type.bytes for tensor in whole), initial=0)
    lines = [
        "#define MCUQ_PROFILE",
        f"#define mcuq_profile_layer canary_layer_{number}",
        f'#include "{name}.c"',
        f'#include "{name}_weights.c"',
        '#include "canary.h"',
        "static const canary_range ranges[] = {",
        *rows,
        "};",
        f"static const uint32_t ends[] = {{{', '.join(f'{end}U' for end in ends)}}};",
        f"void canary_layer_{number}(uint32_t layer)",
        "{",
        f"    canary_check({name}_arena, ranges, layer == 0U ? 0U : ends[layer - 1U], ends[layer], layer);",
        "}",
        f"int32_t canary_run_{number}(const uint8_t *in, uint8_t *out);",
        f"int32_t canary_run_{number}(const uint8_t *in, uint8_t *out)",
        "{",
        f"    memset({name}_arena, 0xA5, sizeof {name}_arena);",
        *(["    canary_fed = in;"] if program.fed_input is not None else []),
        *(
            f"    memcpy(&{name}_arena[{plan.offset(tensor.name)}], &in[{start}], {tensor.type.bytes}U);"
            for tensor, start in zip(whole, starts, strict=False)
        ),
        f"    canary_begin({name}_arena, sizeof {name}_arena);",
        *([f"    {name}_reset();"] if program.graph.states else []),
        f"    const int32_t status = {name}_invoke();",
    ]
    offset = 0
    for output in program.graph.output_tensors:
        lines.append(f"    memcpy(&out[{offset}], &{name}_arena[{plan.offset(output.name)}], {output.type.bytes}U);")
        offset += output.type.bytes
    lines += ["    return status != 0 ? status : canary_status();", "}"]
    if program.fed_input is not None:
        lines += [f"void {name}_read_input(void *to, uint32_t bytes)", "{", "    canary_read(to, bytes);", "}"]
    return "\n".join(lines) + "\n"


_HEADER = """#include <stdint.h>
#include <string.h>
typedef struct { uint32_t offset; uint32_t bytes; } canary_range;
extern const uint8_t *canary_fed;
void canary_begin(const uint8_t *arena, uint32_t bytes);
void canary_check(const uint8_t *arena, const canary_range *ranges, uint32_t first, uint32_t end, uint32_t layer);
void canary_read(void *to, uint32_t bytes);
int32_t canary_status(void);
"""

_WATCH = """#include "canary.h"
const uint8_t *canary_fed;
static uint8_t shadow[%d];
static uint32_t arena_bytes;
static int32_t caught;
void canary_begin(const uint8_t *arena, uint32_t bytes)
{
    arena_bytes = bytes;
    caught = 0;
    memcpy(shadow, arena, bytes);
}
void canary_check(const uint8_t *arena, const canary_range *ranges, uint32_t first, uint32_t end, uint32_t layer)
{
    for (uint32_t i = first; i < end && caught == 0; i++) {
        if (memcmp(&shadow[ranges[i].offset], &arena[ranges[i].offset], ranges[i].bytes) != 0) {
            caught = %d + (int32_t)layer;
        }
    }
    memcpy(shadow, arena, arena_bytes);
}
void canary_read(void *to, uint32_t bytes)
{
    memcpy(to, canary_fed, bytes);
    canary_fed += bytes;
}
int32_t canary_status(void)
{
    return caught;
}
"""


def _write(cases: Sequence[WatchedCase], folder: Path) -> list[Unit]:
    """Generated code, canary and dispatcher, as units to compile; an input is a case's number and its input's bytes."""
    source = folder / "src"
    source.mkdir(parents=True)
    units: dict[str, Unit] = {}
    for number, case in enumerate(cases):
        plan = guarded(case.plan)
        for file, text in generate(plan, f"case_{number}", case.id).items():
            (source / file).write_text(text)
        (source / f"watched_{number}.c").write_text(_case_text(number, plan))
        units[f"case {number}"] = Unit(Path("src") / f"watched_{number}.c", f"obj/watched_{number}.o")
        lowerings = [(step.library, step.lowering) for step in plan.program.steps]
        units.update({unit.object: unit for unit in kernel_units(lowerings, find_cmsis_nn(), "obj/kernels")})
    most = max(case.plan.arena_bytes for case in cases) + 2 * GUARD_BYTES
    (source / "canary.h").write_text(_HEADER)
    (source / "canary.c").write_text(_WATCH % (most, CAUGHT))
    (source / "watch.c").write_text(_dispatcher(cases))
    return [*units.values(), *(Unit(Path("src") / f"{name}.c", f"obj/{name}.o") for name in ("canary", "watch"))]


def _dispatcher(cases: Sequence[WatchedCase]) -> str:
    numbers = range(len(cases))
    input_bytes = 4 + max(len(given) for c in cases for given, _ in c.rounds)
    output_bytes = max(len(want) for c in cases for _, want in c.rounds)
    lines = [
        '#include "mcuq_model.h"', "#include <string.h>",
        *(f"int32_t canary_run_{n}(const uint8_t *in, uint8_t *out);" for n in numbers),
        f"static uint8_t in[{input_bytes}]; static uint8_t out[{output_bytes}];",
        f"static const mcuq_buffer given[] = {{{{in, {input_bytes}U}}}};",
        f"static const mcuq_buffer told[] = {{{{out, {output_bytes}U}}}};",
        'const mcuq_model mcuq_models[] = {{"canary", given, told, 1U, 1U, 1U, 0U}};',
        "const uint32_t mcuq_model_count = 1U; uint8_t *const mcuq_arena = out; uint32_t mcuq_layer_ticks[1];",
        "const uint8_t mcuq_build_id[16] = {0};",
        "void mcuq_model_reset(uint32_t model) { (void)model; }",
        "int32_t mcuq_model_invoke(uint32_t model)", "{",
        "    uint32_t number; (void)model; (void)memcpy(&number, in, 4U);",
        "    switch (number) {",
        *(f"    case {n}U: return canary_run_{n}(&in[4], out);" for n in numbers),
        "    default: return -1;", "    }", "}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def build_watched_image(cases: Sequence[WatchedCase], board: Board, folder: Path) -> Path:
    """The cases as firmware for ``board``."""
    units = _write(cases, folder)
    toolchain = board_toolchain(board)
    toolchain = dataclasses.replace(toolchain, flags=tuple(f for f in toolchain.flags if f != "-DMCUQ_PROFILE"))
    found = find_cmsis_nn()
    toolchain.compile(units, folder, (KERNELS, FIRMWARE, Path("src")), found.includes if found else ())
    return link_image(board, ModelObjects(tuple(unit.object for unit in units), toolchain), "watched", folder).elf


def build_watched_program(cases: Sequence[WatchedCase], folder: Path) -> Path:
    """The cases as a process of this machine, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    units = _write(cases, folder)
    units += [Unit(source, f"obj/firmware/{source.stem}.o") for source in host_sources()]
    found = find_cmsis_nn()
    toolchain = dataclasses.replace(HOST, flags=tuple(f for f in HOST.flags if f != "-DMCUQ_PROFILE"))
    toolchain.compile(units, folder, (KERNELS, *host_includes(), Path("src")), found.includes if found else ())
    toolchain.link([unit.object for unit in units], "watched", folder, SANITIZE)
    return folder / "watched"
