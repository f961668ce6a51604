"""All operator cases in one firmware image: each case's generated C behind one dispatcher, asked over the real link.

The image is the product's own firmware; only the file that stands for the model is written here. An input is the
case's number, an output the number of bytes that differ from LiteRT's.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcuq.board import Board
from mcuq.cmsis_nn import find_cmsis_nn
from mcuq.codegen.model import generate
from mcuq.core import Core
from mcuq.errors import McuqError
from mcuq.firmware import host_includes, host_sources
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.image import KERNELS, ModelObjects, board_toolchain, kernel_units, link_image
from mcuq.ir import Graph, Tensor
from mcuq.kernels.base import Target
from mcuq.link import Link
from mcuq.ops import operators
from mcuq.ops.base import Case
from mcuq.paths import FIRMWARE
from mcuq.planner.arena import Plan, plan
from mcuq.planner.lower import KernelPolicy, candidates, lower
from mcuq.runners.host import HostRunner
from mcuq.runners.qemu import QemuRunner
from mcuq.toolchain import Toolchain, Unit
from tests.harness.ladder import litert_outputs, random_inputs, reference_outputs, runs_of
from tests.harness.tflite_writer import case_seed, write_case

ROUNDS = 2
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g1")
# Not optimized: with sanitizers that takes gcc three times as long. The last two let CMSIS-NN compile for a machine
# that is no Arm core.
HOST = Toolchain("", ("-O0", "-DMCUQ_PROFILE", *SANITIZE, "-D__GNUC_PYTHON__", "-D__RESTRICT=restrict"))


@dataclass(frozen=True)
class SuiteCase:
    """A case, its compiled graph, and the bytes that LiteRT answers for some inputs."""

    operator: str
    case: Case
    graph: Graph
    plan: Plan
    rounds: tuple[tuple[bytes, bytes], ...]

    @property
    def id(self) -> str:
        return f"{self.operator}-{self.case.name}"

    @property
    def kernel(self) -> str:
        return self.plan.program.steps[0].kernel


def suite_cases(
    core: Core, policy: KernelPolicy, cases: Sequence[tuple[str, Case]] | None = None
) -> tuple[SuiteCase, ...]:
    """``cases`` (operator, case), by default every case of every operator, with every kernel that the policy allows and
    that runs it exactly on ``core``.
    """
    found = find_cmsis_nn() if policy is not KernelPolicy.MCUQ else None
    target = Target(core, found.functions if found else frozenset())
    answered = _every_case() if cases is None else (_answered_case(name, case) for name, case in cases)
    return tuple(made for case in answered for made in _with_kernels(case, target, policy))


def layer_cases(
    operator: str, case: Case, model: bytes, graph: Graph, target: Target, policy: KernelPolicy
) -> Iterator[SuiteCase]:
    """A graph of one layer with every kernel that runs it exactly; ``model`` is what LiteRT answers for."""
    return _with_kernels(_answered(operator, case, model, graph), target, policy)


@dataclass(frozen=True)
class _Answered:
    """A case, its graph, and for some inputs what must come out."""

    operator: str
    case: Case
    graph: Graph
    rounds: tuple[tuple[bytes, bytes], ...]


@functools.cache
def _every_case() -> tuple[_Answered, ...]:
    """Every case of every operator: the same for all cores."""
    return tuple(_answered_case(name, case) for name, operator in operators().items() for case in operator.cases)


def _answered_case(operator: str, case: Case) -> _Answered:
    model = write_case(operator, case)
    return _answered(operator, case, model, bind(read_tflite(model, case.name)))


def _answered(operator: str, case: Case, model: bytes, graph: Graph) -> _Answered:
    rng = np.random.default_rng(case_seed(operator, case) + 1)
    rounds = []
    for _ in range(ROUNDS):
        inputs = random_inputs(case, graph, rng)
        if operators()[operator].ulps:  # of a library's functions, the reference has the kernels' bytes
            outputs = reference_outputs(graph, inputs, runs_of(graph))
        else:
            outputs = litert_outputs(model, inputs, runs_of(graph))
        rounds.append((b"".join(a.tobytes() for a in inputs), b"".join(a.tobytes() for a in outputs)))
    return _Answered(operator, case, graph, tuple(rounds))


def _with_kernels(answered: _Answered, target: Target, policy: KernelPolicy) -> Iterator[SuiteCase]:
    graph = answered.graph
    (layer,) = graph.layers()
    found, _ = candidates(layer, target, policy)
    programs = [lower(graph, target, policy, {layer.name: candidate.kernel.name}) for candidate in found]
    if operators()[answered.operator].aliases:
        programs.insert(0, lower(graph, target, policy))
    for program in programs:
        yield SuiteCase(answered.operator, answered.case, graph, plan(program), answered.rounds)


def _write(cases: Sequence[SuiteCase], folder: Path, base: int = 0) -> list[Unit]:
    """The generated C of all cases, numbered from ``base``, and the dispatcher, as units to compile."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    units: dict[str, Unit] = {}
    found = find_cmsis_nn()
    headers = ['#pragma GCC optimize("O0") /* else gcc takes four seconds to make one function of all */']
    body: list[str] = []
    vectors = bytearray()
    for number, case in enumerate(cases, base):
        name = f"case_{number}"
        for file, text in generate(case.plan, name, case.id).items():
            (folder / "src" / file).write_text(text)
        lowerings = [(step.library, step.lowering) for step in case.plan.program.steps]
        units.update({unit.object: unit for unit in kernel_units(lowerings, found, "obj/kernels")})
        headers.append(f'#include "{name}.h"')
        body += _dispatched(case, number, len(vectors))
        vectors += b"".join(given * runs_of(case.graph) + want for given, want in case.rounds)
    (folder / _vectors(base)).write_bytes(vectors)
    for first in range(0, len(cases), CASES_A_UNIT):
        source = Path("src") / f"cases_{base + first}.c"
        joined = _joined(folder / "src", base + first, cases[first : first + CASES_A_UNIT])
        (folder / source).write_text("".join(joined))
        units[source.stem] = Unit(source, f"obj/{source.stem}.o")
    dispatcher = Path("src") / f"suite_{base}.c"
    (folder / dispatcher).write_text("\n".join([*headers, _DISPATCHER, *body, _DISPATCHER_END]))
    return [*units.values(), Unit(dispatcher, f"obj/{dispatcher.stem}.o")]


def _vectors(base: int) -> str:
    """The file with what LiteRT was asked and answered for the cases of an image, the first of them ``base``."""
    return f"vectors_{base}.bin"


CASES_A_UNIT = 16
"""A compiler run takes longer to start and to read headers than to compile a case."""

_STATIC = re.compile(r"^static [^=(;]*?(\w+)(?= = | =$|\[|\()", re.MULTILINE)


def _joined(folder: Path, first: int, cases: Sequence[SuiteCase]) -> Iterator[str]:
    """The C files of some cases as one: with static names made their own, and what macros define defined once."""
    defined: set[str] = set()
    for number, case in enumerate(cases, first):
        name = f"case_{number}"
        text = (folder / f"{name}.c").read_text() + (folder / f"{name}_weights.c").read_text()
        for definition in {d for step in case.plan.program.steps for d in step.lowering.definitions}:
            if definition in defined:
                text = text.replace(f"{definition}\n", "")
            defined.add(definition)
        static = sorted(set(_STATIC.findall(text)))
        yield "".join(f"#define {found} {name}_{found}\n" for found in static)
        yield text
        yield "".join(f"#undef {found}\n" for found in static)


_DISPATCHER = """
#include <string.h>

#include "mcuq_model.h"

/* What LiteRT was asked and answered: in memory that QEMU fills, or in the program. */
#ifdef SUITE_VECTORS_AT
#define vectors ((const uint8_t *)SUITE_VECTORS_AT)
#else
extern const uint8_t vectors[];
__asm__(".section .rodata\\n.global vectors\\n.balign 16\\nvectors:\\n.incbin \\"vectors_0.bin\\"\\n.previous");
#endif

static uint32_t number;
static uint32_t wrong;
static const mcuq_buffer given[] = {{(uint8_t *)&number, sizeof number}};
static const mcuq_buffer told[] = {{(uint8_t *)&wrong, sizeof wrong}};
const mcuq_model mcuq_models[] = {{"suite", given, told, 1U, 1U, 1U, 0U}};
const uint32_t mcuq_model_count = 1U;
uint8_t *const mcuq_arena = (uint8_t *)&wrong;
uint32_t mcuq_layer_ticks[1];
const uint8_t mcuq_build_id[16] = {0};

void mcuq_model_reset(uint32_t model)
{
    (void)model;
}

static void differing(const void *found, const uint8_t *wanted, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        wrong += ((const uint8_t *)found)[i] != wanted[i];
    }
}

int32_t mcuq_model_invoke(uint32_t model)
{
    (void)model;
    int32_t status = 0;
    const uint8_t *next;
    wrong = 0;
    switch (number) {
"""

_DISPATCHER_END = """
    default:
        status = -1;
        break;
    }
    return status;
}
"""


def _dispatched(case: SuiteCase, number: int, offset: int) -> list[str]:
    """The C that runs all rounds of a case on what lies at ``offset`` of the vectors."""
    name = f"case_{number}"
    lines = [f"    case {number}U: /* {case.id} with {case.kernel} */", f"        next = &vectors[{offset}];"]
    lines += [f"        for (int round = 0; round < {len(case.rounds)} && status == 0; round++) {{"]
    lines += [f"            {name}_reset();"] if case.graph.states else []
    for _ in range(runs_of(case.graph)):
        lines += _moved(case.graph.input_tensors, name, "input", "(void)memcpy({pointer}, next, {bytes}U);")
        lines += [f"            status |= {name}_invoke();"]
    lines += _moved(case.graph.output_tensors, name, "output", "differing({pointer}, next, {bytes}U);")
    return [*lines, "        }", "        break;"]


def _moved(tensors: Sequence[Tensor], name: str, role: str, form: str) -> list[str]:
    lines = []
    for index, tensor in enumerate(tensors):
        suffix = role if len(tensors) == 1 else f"{role}_{index}"
        size = tensor.type.bytes
        lines += [" " * 12 + form.format(pointer=f"{name}_{suffix}()", bytes=size), f"            next += {size};"]
    return lines


def differences_on_the_host(cases: Sequence[SuiteCase], folder: Path) -> list[str]:
    """The suite as a process of this machine, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    units = _write(cases, folder)
    units += [Unit(source, f"obj/firmware/{source.stem}.o") for source in host_sources()]
    found = find_cmsis_nn()
    includes = (KERNELS, *host_includes(), Path("src"))
    HOST.compile(units, folder, includes, found.includes if found else ())
    HOST.link([unit.object for unit in units], "suite", folder, SANITIZE)
    with HostRunner(folder / "suite").start() as target, target.open_link() as link:
        return _differences(link, cases)


def differences_in_qemu(board: Board, cases: Sequence[SuiteCase], folder: Path) -> list[str]:
    """The suite as firmware for ``board``, in several images, for which each kernel is compiled once.

    Inputs and answers go where QEMU's loader puts them: a byte over the serial line takes it 20 us.
    """
    images = {base: cases[base : base + CASES_AN_IMAGE] for base in range(0, len(cases), CASES_AN_IMAGE)}
    written = {base: _write(some, folder, base) for base, some in images.items()}
    units = {unit.object: unit for some in written.values() for unit in some}
    plain = board_toolchain(board)
    free = _FREE_MEMORY[board.name]
    toolchain = dataclasses.replace(plain, flags=(*plain.flags, f"-DSUITE_VECTORS_AT=0x{free:X}U"))
    found = find_cmsis_nn()
    toolchain.compile(list(units.values()), folder, (KERNELS, FIRMWARE, Path("src")), found.includes if found else ())
    wrong: list[str] = []
    for base, some in images.items():
        objects = ModelObjects(tuple(unit.object for unit in written[base]), toolchain)
        image = link_image(board, objects, f"suite_{base}", folder)
        loader = ("-device", f"loader,file={folder / _vectors(base)},addr=0x{free:X}")
        with QemuRunner(board, image.elf, count=False, extra=loader).start() as target, target.open_link() as link:
            wrong += _differences(link, some, base)
    return wrong


CASES_AN_IMAGE = 400
"""So that an image fits the 512 KB that mps3-an547 has for code."""

_FREE_MEMORY = {
    "mps2-an385": 0x2100_0000,
    "mps2-an386": 0x2100_0000,
    "mps2-an500": 0x6000_0000,
    "mps2-an505": 0x8000_0000,
    "mps3-an547": 0x7000_0000,
}
"""Where a machine has megabytes that no image uses, by the application note's memory map."""


def _differences(link: Link, cases: Sequence[SuiteCase], base: int = 0) -> list[str]:
    """The cases whose bytes differ from LiteRT's, with the kernel that computed them."""
    wrong = []
    for number, case in enumerate(cases, base):
        try:
            answer = link.run([struct.pack("<I", number)])
        except McuqError as error:
            raise AssertionError(f"{case.id} with {case.kernel}") from error
        (bad,) = struct.unpack("<I", answer.outputs[0])
        if bad:
            wrong.append(f"{case.id} with {case.kernel}: {bad} bytes")
    return wrong
