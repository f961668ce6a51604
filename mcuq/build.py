"""Models into a build folder: quantized models, generated C, firmware images, manifest and reports.

``DIR/model.tflite`` (and ``float.tflite``), ``src/``, ``NAME.elf .bin .hex .map``, ``sim/`` for a board that another
board's machine simulates, ``board.json``, ``layout.json``, ``manifest.json``, ``report.json``. Of several models in one
image each has its own model, layout and report, in a folder of its name.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from mcuq import __version__
from mcuq.board import Board
from mcuq.cmsis_nn import CmsisNN, find_cmsis_nn
from mcuq.code_estimate import code_estimates
from mcuq.codegen.image import build_id
from mcuq.codegen.names import check_distinct, model_identifier
from mcuq.data import Dataset, check_data_exists
from mcuq.errors import BudgetError, ToolError, UsageError
from mcuq.fit import NOTHING, Fitted, Goals, Known, fit, search, surveyed
from mcuq.frontend.model_file import model_kind
from mcuq.host_run import Figures, figures, run_host
from mcuq.image import DoesNotFitError
from mcuq.kernels.base import CMSIS_NN, Target
from mcuq.layout import layout_of
from mcuq.mixed import Latency, Machine, choosing
from mcuq.model import Chooser, Model, Progress, float_note, load_model, model_name
from mcuq.output import check_replaceable, replaced_folder
from mcuq.planner.lower import KernelPolicy
from mcuq.quantize.request import Request
from mcuq.reference import Reference
from mcuq.report import Count, LayerReport, Report, StepReport
from mcuq.sliding import SlidingModel
from mcuq.toolchain import find_tool

if TYPE_CHECKING:
    from mcuq.mixed.search import Mixed

MANIFEST = "manifest.json"
REPORT = "report.json"
MODEL_FILE = "model.tflite"
FLOAT_FILE = "float.tflite"
BOARD_FILE = "board.json"
LAYOUT_FILE = "layout.json"
MIXED_ATTEMPTS = 3
"""Searches for mixed schemes after one whose image was too large."""

SPARE_BYTES = 128
"""Of flash: kept free by each of them beside what was missing. Other layers' kernels are other bytes off."""

HOST_SAMPLES = 200
"""At most so many samples are run on the host during a build, for accuracy; `mcuq sim` runs as many as it is asked."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model to build: its file, what to call it (None: as its file), and what to make of it."""

    path: Path
    name: str | None = None
    data: str | None = None
    request: Request = field(default_factory=Request)
    known: Known = NOTHING
    stream: bool = False

    @property
    def called(self) -> str:
        return self.name or model_name(self.path)


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What ``mcuq build`` was asked for: one image with all ``sources``. ``latency`` and ``most_drop`` are for mixed
    schemes.
    """

    sources: tuple[Source, ...]
    board: Board
    folder: Path
    goals: Goals = field(default_factory=Goals)
    cmsis_nn: Path | None = None
    latency: Latency | None = None
    most_drop: float | None = None


def build(options: BuildOptions, progress: Progress) -> tuple[Report, ...]:
    """Build into ``options.folder``, whole or not at all, and tell what came out: a report for each model."""
    _check_early(options)
    cmsis_nn = found_cmsis_nn(options.goals.policy, options.cmsis_nn)
    machine = Machine(options.board, cmsis_nn, options.goals, options.latency)
    models = [_loaded(source, choosing(machine, options.most_drop), progress) for source in options.sources]
    for _ in range(MIXED_ATTEMPTS):
        try:
            return _built(options, models, cmsis_nn, progress)
        except DoesNotFitError as missed:
            if (mixed := models[0].mixed) is None:
                raise
            machine = machine.with_less(missed.flash_excess and missed.flash_excess + SPARE_BYTES, missed.ram_excess)
            models = [_loaded(options.sources[0], _narrower(mixed, machine, missed), progress)]
    return _built(options, models, cmsis_nn, progress)


def _narrower(found: Mixed, machine: Machine, missed: DoesNotFitError) -> Chooser:
    """Takes up the search that ``found`` a choice which ``missed`` its budgets, for ``machine``, which has less."""

    def chosen(_content: bytes, _samples: Dataset, _request: Request, _progress: Progress) -> Mixed:
        try:
            return found.again(machine)
        except BudgetError as error:
            details = (*missed.details, f"then {error.message}", *error.details)
            raise BudgetError(missed.message, details=details, hint=error.hint or missed.hint) from error

    return chosen


def _built(
    options: BuildOptions, models: Sequence[Model], cmsis_nn: CmsisNN | None, progress: Progress
) -> tuple[Report, ...]:
    known = {model.name: (model.graph, source.known) for model, source in zip(models, options.sources, strict=True)}
    with replaced_folder(options.folder, MANIFEST) as folder:
        _write_models(folder, models)
        progress("compiling", 0, 1)
        fitted = fit(known, options.board, cmsis_nn, options.goals, folder)
        progress("compiling", 1, 1)
        reports = tuple(_report(options, model, fitted, cmsis_nn, progress) for model in models)
        (folder / BOARD_FILE).write_text(options.board.model_dump_json(indent=2) + "\n", encoding="utf-8")
        for model in models:
            layout = layout_of(fitted.plans[model.name], fitted.plans.values())
            (folder / folder_of(model.name, models) / LAYOUT_FILE).write_text(layout.as_json(), encoding="utf-8")
        manifest = _manifest(options, models, cmsis_nn, fitted, folder)
        (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        for report in reports:
            (folder / folder_of(report.model, models) / REPORT).write_text(report.as_json(), encoding="utf-8")
    return reports


def folder_of(name: str, models: Sequence[Model]) -> str:
    """Where in the build folder the files of the model ``name`` lie: those of an only one, right in it."""
    return "." if len(models) == 1 else model_identifier(name)


def _check_early(options: BuildOptions) -> None:
    """What would otherwise come up only after TensorFlow and the quantizer have done their work."""
    for source in options.sources:
        model_kind(source.path)
    names = [source.called for source in options.sources]
    check_distinct(names)
    if reserved := sorted({model_identifier(name) for name in names} & _OWN_FOLDERS) if len(names) > 1 else []:
        raise UsageError(f"no model of several can be called {reserved[0]!r}", hint="give it another name: NAME=FILE")
    check_replaceable(options.folder, MANIFEST)
    for source in options.sources:
        if source.data is not None:
            check_data_exists(source.data)
    for tool in ("gcc", "objcopy"):
        find_tool(f"arm-none-eabi-{tool}")


_OWN_FOLDERS = frozenset(("src", "sim", "obj"))
"""What a build folder holds beside the folders of its models."""


def _loaded(source: Source, chooser: Chooser, progress: Progress) -> Model:
    model = load_model(
        source.path, source.data, progress, request=source.request, chooser=chooser, stream=source.stream
    )
    Reference(model.tflite)  # the referee must take the model, or no byte could be proven
    return dataclasses.replace(model, name=source.called)


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


def _write_models(folder: Path, models: Sequence[Model]) -> None:
    for model in models:
        where = folder / folder_of(model.name, models)
        where.mkdir(exist_ok=True)
        (where / MODEL_FILE).write_bytes(model.tflite)
        if model.float_tflite is not None:
            (where / FLOAT_FILE).write_bytes(model.float_tflite)


def _report(
    options: BuildOptions,
    model: Model,
    fitted: Fitted,
    cmsis_nn: CmsisNN | None,
    progress: Progress,
) -> Report:
    board, planned, image = options.board, fitted.plans[model.name], fitted.image
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
        notes=(
            *model.notes,
            *float_note(model.graph, board.core_with_fpu),
            *(fitted.notes if planned.program.stages or planned.keeps_weights else ()),
        ),
        step=None if model.sliding is None else _step_report(model.sliding, planned.program.target, options, cmsis_nn),
    )


def _step_report(sliding: SlidingModel, target: Target, options: BuildOptions, cmsis_nn: CmsisNN | None) -> StepReport:
    """Kernels for the whole window are chosen with code sizes guessed from sources, so its arena is an estimate."""
    goals = Goals(options.goals.optimize, policy=options.goals.policy)
    window = surveyed(sliding.window, NOTHING, target, goals.policy)
    code_of = code_estimates(cmsis_nn)
    return StepReport(
        sliding.axis,
        sliding.frames,
        sliding.window_frames,
        sliding.products,
        sliding.window_products,
        sliding.ring_bytes,
        search([window], target, goals, lambda: code_of, lambda choice: choice.arena_bytes),
        sliding.whole,
    )


def figures_of(model: Model, progress: Progress) -> Figures:
    """Accuracy of the float and the int8 model on the data that it was made with, in LiteRT."""
    if model.data is None:
        return Figures()
    data = model.data.head(HOST_SAMPLES)
    runs = run_host(model, data, progress, comparable=False)
    return figures(runs, None, data, f"{data.count} samples of the data given for the build")


def _manifest(
    options: BuildOptions, models: Sequence[Model], cmsis_nn: CmsisNN | None, fitted: Fitted, folder: Path
) -> dict[str, object]:
    """What the build was made from and with: enough to make it again, and nothing that differs between machines."""
    simulated = fitted.simulated
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "schema_version": 2,
        "mcuq": __version__,
        "board": options.board.name,
        "kernels": options.goals.policy.value,
        "optimize": options.goals.optimize.value,
        "cmsis_nn": None if cmsis_nn is None else cmsis_nn.origin,
        "packages": {name: metadata.version(name) for name in ("ai-edge-litert", "numpy")},
        "image": fitted.image.elf.relative_to(folder).as_posix(),
        "simulated_board": None if simulated is None else simulated.board.name,
        "simulated_image": None if simulated is None else simulated.elf.relative_to(folder).as_posix(),
        "models": [
            {
                "model": model.name,
                "folder": folder_of(model.name, models),
                "input_sha256": digest(source.path),
                "schemes": {layer.name: layer.scheme for layer in model.schemes},
                "stream": source.stream,
                "parts": list(fitted.plans[model.name].program.parts()),
            }
            for model, source in zip(models, options.sources, strict=True)
        ],
        "files": {path.relative_to(folder).as_posix(): digest(path) for path in files},
    }


def digest(path: Path) -> str:
    """sha256 of a file, or of a folder's files by name."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    whole = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()}\0{digest(file)}\n".encode())
    return whole.hexdigest()
