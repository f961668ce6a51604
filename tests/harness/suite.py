"""All operator cases in one firmware image: each case's generated C behind one dispatcher, asked over the real link.

The image is the product's own firmware; only the file that stands for the model is written here. An input is the
case's number and the bytes of its inputs, an output the bytes of its outputs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcuq.board import Board
from mcuq.cmsis_nn import find_cmsis_nn
from mcuq.codegen.model import FIRMWARE_VIEW, generate
from mcuq.core import Core
from mcuq.firmware import host_includes, host_sources
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.image import KERNELS, ModelObjects, board_toolchain, kernel_units, link_image
from mcuq.ir import Graph, Tensor
from mcuq.kernels.base import Target
from mcuq.link import Link, Request
from mcuq.ops import operators
from mcuq.ops.base import Case
from mcuq.paths import FIRMWARE
from mcuq.planner.arena import Plan, plan
from mcuq.planner.lower import KernelPolicy, candidates, lower
from mcuq.toolchain import Toolchain, Unit
from tests.harness.ladder import litert_outputs, random_inputs
from tests.harness.tflite_writer import case_seed, write_case

ROUNDS = 2
SANITIZE = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g1")
# The last two let CMSIS-NN compile for a machine that is no Arm core.
HOST = Toolchain("", ("-O1", "-DMCUQ_PROFILE", *SANITIZE, "-D__GNUC_PYTHON__", "-D__RESTRICT=restrict"))


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
    if cases is None:
        cases = [(name, case) for name, operator in operators().items() for case in operator.cases]
    return tuple(made for name, case in cases for made in _suite_case(name, case, target, policy))


def _suite_case(operator: str, case: Case, target: Target, policy: KernelPolicy) -> Iterator[SuiteCase]:
    model = write_case(operator, case)
    yield from layer_cases(operator, case, model, bind(read_tflite(model, case.name)), target, policy)


def layer_cases(
    operator: str, case: Case, model: bytes, graph: Graph, target: Target, policy: KernelPolicy
) -> Iterator[SuiteCase]:
    """A graph of one layer with every kernel that runs it exactly; ``model`` is what LiteRT answers for."""
    rng = np.random.default_rng(case_seed(operator, case) + 1)
    rounds = []
    for _ in range(ROUNDS):
        inputs = random_inputs(case, graph, rng)
        outputs = litert_outputs(model, inputs)
        rounds.append((b"".join(a.tobytes() for a in inputs), b"".join(a.tobytes() for a in outputs)))
    (layer,) = graph.layers()
    found, _ = candidates(layer, target, policy)
    if operators()[operator].aliases:
        yield SuiteCase(operator, case, graph, plan(lower(graph, target, policy)), tuple(rounds))
    for candidate in found:
        program = lower(graph, target, policy, {layer.name: candidate.kernel.name})
        yield SuiteCase(operator, case, graph, plan(program), tuple(rounds))


def _write(cases: Sequence[SuiteCase], folder: Path) -> list[Unit]:
    """The generated C of all cases and the dispatcher, as units to compile."""
    (folder / "src").mkdir(parents=True)
    units: dict[str, Unit] = {}
    found = find_cmsis_nn()
    lines = ['#include "mcuq_model.h"', "#include <string.h>"]
    body: list[str] = []
    input_bytes = 4 + max(len(given) for c in cases for given, _ in c.rounds)
    output_bytes = max(len(want) for c in cases for _, want in c.rounds)
    for number, case in enumerate(cases):
        name = f"case_{number}"
        for file, text in generate(case.plan, name, case.id).items():
            if file == FIRMWARE_VIEW:
                continue
            (folder / "src" / file).write_text(text)
        # One compiler run for both files of a case: there are hundreds.
        (folder / "src" / f"{name}_all.c").write_text(f'#include "{name}.c"\n#include "{name}_weights.c"\n')
        units[name] = Unit(Path("src") / f"{name}_all.c", f"obj/{name}.o")
        lowerings = [(step.library, step.lowering) for step in case.plan.program.steps]
        units.update({unit.object: unit for unit in kernel_units(lowerings, found, "obj/kernels")})
        lines.append(f'#include "{name}.h"')
        body += [
            f"    case {number}U:",
            *_copies(case.graph.input_tensors, name, "input", "(void)memcpy({p}, &in[{o}], {n}U);", 4),
        ]
        body += [f"        status = {name}_invoke();"]
        body += [
            *_copies(case.graph.output_tensors, name, "output", "(void)memcpy(&out[{o}], {p}, {n}U);", 0),
            "        break;",
        ]
    lines += [
        f"static uint8_t in[{input_bytes}]; static uint8_t out[{output_bytes}];",
        f"const mcuq_buffer mcuq_model_inputs[] = {{{{in, {input_bytes}U}}}};",
        "const uint32_t mcuq_model_input_count = 1U;",
        f"const mcuq_buffer mcuq_model_outputs[] = {{{{out, {output_bytes}U}}}};",
        "const uint32_t mcuq_model_output_count = 1U; const uint32_t mcuq_model_layer_count = 1U;",
        "const uint32_t mcuq_model_arena_bytes = 0U; uint32_t mcuq_model_layer_ticks[1];",
        'const char mcuq_model_name[] = "suite"; const uint8_t mcuq_model_build_id[16] = {0};',
        "int32_t mcuq_model_invoke(void)", "{",
        "    uint32_t number; int32_t status = -1; (void)memcpy(&number, in, 4U);",
        "    switch (number) {", *body, "    default: break;", "    }", "    return status;", "}",
    ]  # fmt: skip
    (folder / "src" / "suite.c").write_text("\n".join(lines) + "\n")
    return [*units.values(), Unit(Path("src/suite.c"), "obj/suite.o")]


def _copies(tensors: Sequence[Tensor], name: str, role: str, form: str, offset: int) -> list[str]:
    lines = []
    for index, tensor in enumerate(tensors):
        suffix = role if len(tensors) == 1 else f"{role}_{index}"
        size = tensor.type.bytes
        lines.append("        " + form.format(p=f"{name}_{suffix}()", o=offset, n=size))
        offset += size
    return lines


def build_suite_image(cases: Sequence[SuiteCase], board: Board, folder: Path) -> Path:
    """The suite as firmware for ``board``."""
    units = _write(cases, folder)
    toolchain = board_toolchain(board)
    found = find_cmsis_nn()
    toolchain.compile(units, folder, (KERNELS, FIRMWARE, Path("src")), found.includes if found else ())
    objects = ModelObjects(tuple(unit.object for unit in units), toolchain)
    return link_image(board, objects, "suite", folder).elf


def build_suite_program(cases: Sequence[SuiteCase], folder: Path) -> Path:
    """The suite as a process of this machine, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    units = _write(cases, folder)
    units += [Unit(source, f"obj/firmware/{source.stem}.o") for source in host_sources()]
    found = find_cmsis_nn()
    includes = (KERNELS, *host_includes(), Path("src"))
    HOST.compile(units, folder, includes, found.includes if found else ())
    HOST.link([unit.object for unit in units], "suite", folder, SANITIZE)
    return folder / "suite"


def differences(link: Link, cases: Sequence[SuiteCase]) -> list[str]:
    """The cases whose bytes differ from LiteRT's, with the kernel that computed them."""
    payload = link.identify().payload_bytes
    wrong = []
    for number, case in enumerate(cases):
        for given, want in case.rounds:
            answer = _ask(link, struct.pack("<I", number) + given, len(want), payload)
            bad = int((np.frombuffer(answer, np.uint8) != np.frombuffer(want, np.uint8)).sum())
            if bad:
                wrong.append(f"{case.id} with {case.kernel}: {bad} of {len(want)} bytes")
    return wrong


def _ask(link: Link, message: bytes, answer_bytes: int, payload: int) -> bytes:
    """``Link.run`` for a part of the buffers: cases differ in size, and QEMU takes 20 us for each byte it is sent."""
    link._write_input(0, message, payload)
    status, _ = link._unpack("<iQ", link._ask(Request.RUN))
    assert status == 0, status
    return link._read_output(0, answer_bytes, payload)
