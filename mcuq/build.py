"""A model into a build folder: quantized model, generated C, firmware images, manifest and report.

``DIR/model.tflite`` (and ``float.tflite``), ``src/``, ``NAME.elf .bin .hex .map``, ``sim/`` for a board that another
board's machine simulates, ``board.json``, ``layout.json``, ``manifest.json``, ``report.json``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from mcuq import __version__
from mcuq.board import Board
from mcuq.cmsis_nn import CmsisNN, find_cmsis_nn
from mcuq.codegen.model import build_id
from mcuq.data import check_data_exists
from mcuq.errors import ToolError
from mcuq.fit import Fitted, Goals, fit
from mcuq.frontend.model_file import model_kind
from mcuq.host_run import Figures, figures, run_host
from mcuq.kernels.base import CMSIS_NN
from mcuq.layout import layout_of
from mcuq.model import Model, Progress, float_note, load_model
from mcuq.output import check_replaceable, replaced_folder
from mcuq.planner.lower import KernelPolicy
from mcuq.quantize.request import Request
from mcuq.reference import Reference
from mcuq.report import Count, LayerReport, Report
from mcuq.toolchain import find_tool

MANIFEST = "manifest.json"
REPORT = "report.json"
MODEL_FILE = "model.tflite"
FLOAT_FILE = "float.tflite"
BOARD_FILE = "board.json"
LAYOUT_FILE = "layout.json"
HOST_SAMPLES = 200
"""At most so many samples are run on the host during a build, for accuracy; `mcuq sim` runs as many as it is asked."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What ``mcuq build`` was asked for."""

    model: Path
    board: Board
    folder: Path
    data: str | None = None
    goals: Goals = field(default_factory=Goals)
    cmsis_nn: Path | None = None
    request: Request = field(default_factory=Request)


def build(options: BuildOptions, progress: Progress) -> Report:
    """Build into ``options.folder``, whole or not at all, and tell what came out."""
    _check_early(options)
    cmsis_nn = found_cmsis_nn(options.goals.policy, options.cmsis_nn)
    model = load_model(options.model, options.data, progress, request=options.request)
    Reference(model.tflite)  # the referee must take the model, or no byte could be proven
    with replaced_folder(options.folder, MANIFEST) as folder:
        _write_models(folder, model)
        progress("compiling", 0, 1)
        fitted = fit(model.graph, model.name, options.board, cmsis_nn, options.goals, folder)
        progress("compiling", 1, 1)
        report = _report(options, model, fitted, cmsis_nn, progress)
        (folder / BOARD_FILE).write_text(options.board.model_dump_json(indent=2) + "\n", encoding="utf-8")
        (folder / LAYOUT_FILE).write_text(layout_of(fitted.plan).as_json(), encoding="utf-8")
        manifest = _manifest(options, model, cmsis_nn, fitted, folder)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        (folder / REPORT).write_text(report.as_json(), encoding="utf-8")
    return report


def _check_early(options: BuildOptions) -> None:
    """What would otherwise come up only after TensorFlow and the quantizer have done their work."""
    model_kind(options.model)
    check_replaceable(options.folder, MANIFEST)
    if options.data is not None:
        check_data_exists(options.data)
    for tool in ("gcc", "objcopy"):
        find_tool(f"arm-none-eabi-{tool}")


def found_cmsis_nn(policy: KernelPolicy, named: Path | None) -> CmsisNN | None:
    """The copy of CMSIS-NN to use, or None. Raises ``ToolError`` when ``policy`` asks for one and there is none."""
    if policy is KernelPolicy.MCUQ:
        return None
    found = find_cmsis_nn(named)
    if found is None and policy is KernelPolicy.CMSIS_NN:
        raise ToolError(
            "CMSIS-NN was not found",
            hint="give --cmsis-nn DIR (a checkout or a pack), or: pip install 'mcuq[cmsis-nn]'",
        )
    return found


def _write_models(folder: Path, model: Model) -> None:
    (folder / MODEL_FILE).write_bytes(model.tflite)
    if model.float_tflite is not None:
        (folder / FLOAT_FILE).write_bytes(model.float_tflite)


def _report(
    options: BuildOptions,
    model: Model,
    fitted: Fitted,
    cmsis_nn: CmsisNN | None,
    progress: Progress,
) -> Report:
    board, planned, image = options.board, fitted.plan, fitted.image
    host = figures_of(model, progress)
    used = any(step.library == CMSIS_NN for step in planned.program.steps)
    return Report(
        command="build",
        model=model.name,
        board=board.name,
        engine=None,
        simulated_on=None,
        samples=host.samples,
        data=host.data,
        mismatched_bytes=None,
        compared_bytes=0,
        mismatched_samples=None,
        accuracy=host.accuracy,
        agreement=host.agreement,
        instructions_per_inference=Count(),
        layers=tuple(
            LayerReport(step.layer.name, step.layer.op, step.kernel, None, step.refusals)
            for step in planned.program.steps
        ),
        arena_bytes=planned.arena_bytes,
        arena_lower_bound_bytes=planned.lower_bound_bytes,
        ram_bytes=image.ram_bytes,
        ram_limit_bytes=board.ram_bytes,
        stack_bytes=image.stack_bytes,
        stack_used_bytes=None,
        flash_bytes=image.sizes.flash_bytes,
        flash_limit_bytes=board.flash_bytes,
        kernels=options.goals.policy.value,
        optimize=options.goals.optimize.value,
        cmsis_nn=cmsis_nn.origin if cmsis_nn is not None and used else None,
        build_id=build_id(fitted.files).hex(),
        notes=(*model.notes, *float_note(model.graph, board.core_with_fpu), *fitted.notes),
    )


def figures_of(model: Model, progress: Progress) -> Figures:
    """Accuracy of the float and the int8 model on the data that it was made with, in LiteRT."""
    if model.data is None:
        return Figures()
    data = model.data.head(HOST_SAMPLES)
    runs = run_host(model, data, progress)
    return figures(runs, None, data, f"{data.count} samples of the data given for the build")


def _manifest(
    options: BuildOptions, model: Model, cmsis_nn: CmsisNN | None, fitted: Fitted, folder: Path
) -> dict[str, object]:
    """What the build was made from and with: enough to make it again, and nothing that differs between machines."""
    simulated = fitted.simulated
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "schema_version": 1,
        "mcuq": __version__,
        "model": model.name,
        "input_sha256": _digest(options.model),
        "board": options.board.name,
        "kernels": options.goals.policy.value,
        "optimize": options.goals.optimize.value,
        "schemes": {layer.name: layer.scheme for layer in model.schemes},
        "cmsis_nn": None if cmsis_nn is None else cmsis_nn.origin,
        "packages": {name: metadata.version(name) for name in ("ai-edge-litert", "numpy")},
        "image": fitted.image.elf.relative_to(folder).as_posix(),
        "simulated_board": None if simulated is None else simulated.board.name,
        "simulated_image": None if simulated is None else simulated.elf.relative_to(folder).as_posix(),
        "parts": list(fitted.plan.program.parts()),
        "files": {path.relative_to(folder).as_posix(): _digest(path) for path in files},
    }


def _digest(path: Path) -> str:
    """sha256 of a file, or of a folder's files by name."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()}\0{_digest(file)}\n".encode())
    return whole.hexdigest()
