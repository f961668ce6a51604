"""What several commands share: options, the two consoles, and progress. No command."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from mcuq.errors import UsageError
from mcuq.report import Report, print_reports, reports_json

if TYPE_CHECKING:
    from mcuq.board import Board
    from mcuq.built import Built
    from mcuq.config import Config
    from mcuq.data import Dataset
    from mcuq.flash.write import Job
    from mcuq.mixed import Latency
    from mcuq.model import Model
    from mcuq.quantize.request import Request

Function = TypeVar("Function", bound=Callable[..., Any])
_LITERAL: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
"""Text is printed as it is: ``mcuq[keras]`` is no markup, and a layer may be called ``:rocket:``."""

PLAIN_WIDTH = 140
"""Columns of a table that goes to a file or a pipe."""


def option(*names: str, **attributes: Any) -> Callable[[Function], Function]:
    """A click option with its environment twin: ``--board`` is also ``MCUQ_BOARD``."""
    long = next(name for name in names if name.startswith("--"))
    variable = "MCUQ_" + long.split("/")[0].removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **attributes)


class Bytes(click.ParamType[int]):
    """A number of bytes: ``65536``, ``64K`` or ``1M``, K being 1,024."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,9})\s*([KkMm]?)(?:i?[Bb])?", str(value).strip())
        if found is None or int(found[1]) == 0:
            self.fail(f"{value!r} is no number of bytes such as 65536, 64K or 1M", param, ctx)
        return int(found[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20}[found[2].lower()]


class Text(click.ParamType[str]):
    """Text as it is: an environment variable gives one value, blanks and all, where a flag may be repeated."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return (rv,)


class LatencyType(click.ParamType["Latency"]):
    """A time, as ``25ms`` or ``0.1s``, or a number of cycles, as ``900000``, ``900k`` or ``2M``."""

    name = "latency"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Latency:
        from mcuq.mixed import Latency  # noqa: PLC0415 - keeps `mcuq --help` instant

        found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,9})?)\s*(us|ms|s|k|K|M|)", str(value).strip())
        number = 0.0 if found is None else float(found[1])
        if found is None or number == 0.0:
            self.fail(f"{value!r} is no time such as 25ms, and no number of cycles such as 900k or 2M", param, ctx)
        if (seconds := {"us": 1e-6, "ms": 1e-3, "s": 1.0}.get(found[2])) is not None:
            return Latency(seconds=number * seconds)
        return Latency(cycles=round(number * {"": 1, "k": 1e3, "K": 1e3, "M": 1e6}[found[2]]))


json_option = option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
board_option = option("--board", help="Board to compile for; `mcuq boards` lists them.")
board_file_option = option("--board-file", type=click.Path(path_type=Path), help="A board of your own, as a TOML file.")
calibration_option = option(
    "--data", help="Calibration data: .npz, .npy, .csv, a folder of images, or file.py:function."
)
named_calibration_option = option(
    "--data",
    type=Text(),
    multiple=True,
    help="Calibration data: .npz, .npy, .csv, a folder of images, or file.py:function; NAME=DATA: for that model.",
)
test_data_option = option(
    "--data",
    type=Text(),
    multiple=True,
    help="Test data, in the formats that `mcuq build --data` takes; NAME=DATA: for that model. [default: random]",
)
model_option = option("--model", metavar="NAME", help="Only this model of the build. [default: all of them]")
scheme_option = option(
    "--scheme",
    metavar="NAME",
    help="Values that weights may take, as w4a8 or codebook16; mixed: the best for each layer; w8: real activations; "
    "float32. [default: w8a8, int8]",
)
integer_only_option = option(
    "--integer-only", is_flag=True, help="Refuse a model with layers that compute in float32, naming each."
)
calibrator_option = option(
    "--calibration",
    metavar="NAME",
    help="What sets the ranges of activations: minmax, percentile, mse, kl, or auto, the best of them. [default: auto]",
)
rounding_option = option(
    "--rounding",
    metavar="NAME",
    help="How weights are rounded to the values of a scheme: nearest, gptq, or adaround, which begins with gptq. "
    "[default: adaround]",
)
kernels_option = option(
    "--kernels", type=click.Choice(["auto", "cmsis-nn", "mcuq"]), help="Kernels to choose among. [default: auto]"
)
optimize_option = option(
    "--optimize",
    type=click.Choice(["speed", "balanced", "size", "ram"]),
    help="What to make small: cycles, all three (cycles half as much again), flash, or RAM. [default: balanced]",
)
flash_option = option(
    "--flash", type=Bytes(), help="Most flash for the whole image, as 64K or 65536. [default: the board's]"
)
ram_option = option("--ram", type=Bytes(), help="Most RAM for the whole image, stack included. [default: the board's]")
latency_option = option(
    "--latency",
    type=LatencyType(),
    help="For --scheme mixed: the longest that an inference may take, as 25ms, or cycles as 900k (estimated).",
)
max_drop_option = option(
    "--max-drop",
    type=click.FloatRange(min=0),
    metavar="POINTS",
    help="For --scheme mixed: the most accuracy to lose against int8, in points. [default: 0.5]",
)
place_option = option(
    "--place",
    multiple=True,
    metavar="WHAT=BANK",
    help="Put stack, data, arena, weights or hot (code) into another memory bank of the board; may be repeated.",
)
cmsis_nn_option = option("--cmsis-nn", type=click.Path(), help="CMSIS-NN: a checkout, or a CMSIS pack.")
stream_option = option(
    "--stream/--no-stream",
    default=None,
    help="Build the step of a window that slides over time: it takes what is new and computes no more than that.",
)
timeout_option = option(
    "--timeout", type=click.FloatRange(min=0.1), default=120.0, show_default=True, help="Seconds per inference."
)
runner_option = option("--runner", help="Tool to flash with, such as openocd. [default: the board's first installed]")
probe_option = option("--probe", help="Serial number of the probe; for uf2, the folder where the drive is mounted.")
flash_command_option = option(
    "--flash-command",
    metavar="COMMAND",
    help="A command of your own to flash with, as './flash.sh {elf}'; {bin}, {hex} and {uf2} are there too. No shell.",
)
reconnect_option = option(
    "--reconnect",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a board that was unplugged.",
)
verbose_option = option("-v", "--verbose", is_flag=True, help="Print passes, commands and decisions to standard error.")


def output_console() -> Console:
    """Standard output, for results. Wide enough for tables when it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, **_LITERAL)


def error_console() -> Console:
    """Standard error, for progress and messages: a copy of the descriptor, so that silencing libraries spares it."""
    try:
        stream = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
    except OSError:
        return Console(stderr=True, **_LITERAL)
    return Console(file=stream, **_LITERAL)


class _Lines(logging.Handler):
    """Log lines as they are, above the progress bars: commands are there to be copied, so none is wrapped."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(record.getMessage(), soft_wrap=True)


def set_up_logging(console: Console, verbose: bool) -> None:
    """mcuq's own log lines, and nobody else's, go to standard error when asked for."""
    logger = logging.getLogger("mcuq")
    logger.handlers = [_Lines(console)]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)


@contextmanager
def progress_on(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A function to tell progress to: bars on a terminal, one line for each finished stage elsewhere."""
    if not console.is_terminal:
        yield lambda stage, done, of: console.print(f"{stage}: {done}/{of}") if done == of else None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def told(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=of)
            bars.update(tasks[stage], completed=done, total=of)

        yield told


def show(reports: Sequence[Report], as_json: bool, console: Console) -> None:
    """The reports on standard output; their notes also on standard error when standard output is for a program."""
    if as_json:
        click.echo(reports_json(reports), nl=False)
        for report in reports:
            for note in report.notes:
                console.print(f"Note: {note}" if len(reports) == 1 else f"Note: {report.model}: {note}")
    else:
        print_reports(reports, output_console())


def json_of(found: Sequence[str]) -> str:
    """One JSON object from those of the models: that of an only one as it is, several as ``models``."""
    if len(found) == 1:
        return found[0]
    return json.dumps({"schema_version": 1, "models": [json.loads(one) for one in found]}, indent=2) + "\n"


def by_model(given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """What a repeated flag says of each model: of all of them, or as NAME=VALUE of one."""
    found: dict[str, str] = {}
    own: dict[str, str] = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if equals and name in names:
            own[name] = value
        else:
            found |= dict.fromkeys(names, entry)
    return {**found, **own}


def named_model(entry: str) -> tuple[str, Path]:
    """The name and the path of a model given as FILE or NAME=FILE. What exists by the whole of its name is a file."""
    from mcuq.model import model_name  # noqa: PLC0415 - keeps `mcuq --help` instant

    found = re.fullmatch(r"(\w[\w-]*)=(.+)", entry)
    if found is None or Path(entry).exists():
        return model_name(Path(entry)), Path(entry)
    return found[1], Path(found[2])


def configurations(models: Sequence[tuple[str, Path]]) -> tuple[Config, Mapping[str, Config]]:
    """What ``mcuq.toml``, in this folder or beside a model, says of the image (beside the first) and of each model."""
    from mcuq.config import load_config  # noqa: PLC0415 - keeps `mcuq --help` instant

    found = [load_config(Path.cwd(), path.absolute().parent) for _, path in models]
    return found[0], {name: config.of(name) for (name, _), config in zip(models, found, strict=True)}


def given_samples(builts: Sequence[Built], given: Sequence[str], config: Config) -> tuple[Dataset | None, ...]:
    """The test data of each model, as --data and the configuration name them; None: random inputs."""
    from mcuq.data import load_data  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.model import input_specs  # noqa: PLC0415

    wanted = by_model(given, [built.model.name for built in builts])
    specs = [wanted.get(built.model.name) or config.of(built.model.name).test_data for built in builts]
    return tuple(
        None if spec is None else load_data(spec, input_specs(built.model.file_graph))
        for spec, built in zip(specs, builts, strict=True)
    )


def of_model(name: str, models: Sequence[object]) -> str:
    """Which model a message is about, where there are several."""
    return "" if len(models) == 1 else f" of {name}"


def only_one(builts: Sequence[Built], what: str) -> Built:
    """The build's model, where ``what`` is for one. Raises ``UsageError`` when there are more."""
    if len(builts) > 1:
        names = ", ".join(built.model.name for built in builts)
        raise UsageError(f"{what} is for one model, and the build has {names}", hint="--model NAME says which")
    return builts[0]


def quantize_request(
    scheme: str | None,
    calibration: str | None,
    config: Config,
    *,
    rounding: str | None = None,
    required: bool = False,
    integer_only: bool = False,
) -> Request:
    """What the flags and the configuration want; ``required``, or --scheme: nothing but a float model will do."""
    from mcuq.quantize.request import Request  # noqa: PLC0415 - keeps `mcuq --help` instant

    return Request(
        scheme or config.quantize.scheme,
        config.quantize.layers,
        calibration or config.quantize.calibration,
        rounding or config.quantize.rounding,
        required=required or scheme is not None,
        integer_only=integer_only or config.integer_only,
    )


def options_of_calibration(function: Function) -> Function:
    """The argument and the flags of a command that looks at what ``calibrated`` gives."""
    model = click.argument("model", type=click.Path(path_type=Path))
    flags = (calibration_option, scheme_option, calibrator_option, json_option, verbose_option)
    for decorator in reversed((model, *flags)):
        function = decorator(function)
    return function


def calibrated(
    path: Path, data: str | None, scheme: str | None, calibration: str | None, progress: Callable[[str, int, int], None]
) -> tuple[Model, Request]:
    """The float model at ``path``, quantized with data to look at, and what it was quantized by.

    Raises ``UsageError`` without data, for a model that is quantized already, and for schemes that calibrate nothing.
    """
    from mcuq.config import load_config  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.model import load_model  # noqa: PLC0415

    config = load_config(Path.cwd(), path.absolute().parent)
    request = quantize_request(scheme, calibration, config, required=True)
    if request.real or request.mixed:
        raise UsageError(
            f"the scheme {request.scheme} is none of a calibrated model", hint="give another, such as w4a8"
        )
    if (named := data or config.data) is None:
        raise UsageError("no data given", hint="give samples of the model's inputs with --data")
    model = load_model(path, named, progress, request=request)
    if model.diagnosis is None:
        raise UsageError(f"{path.name} is quantized already", hint="give the float model")
    return model, request


def check_mixed(request: Request, **flags: object) -> None:
    """Raises ``UsageError`` for flags, by name, that are given and mean something for mixed schemes alone."""
    for name, value in flags.items():
        if value is not None and not request.mixed:
            raise UsageError(
                f"--{name.replace('_', '-')} is for --scheme mixed, the scheme is {request.scheme}",
                hint="give --scheme mixed, or leave it out",
            )


def existing(path: str | None) -> Path | None:
    return None if path is None else Path(path)


def chosen_board(name: str | None, file: Path | None, default: str | None) -> Board:
    """The board that --board or --board-file name, else the configuration's."""
    from mcuq.board import board_named, load_board  # noqa: PLC0415 - keeps `mcuq --help` instant

    if name is not None and file is not None:
        name, file = _preferred(name, file)
    if file is not None:
        return load_board(file)
    if (wanted := name or default) is None:
        raise UsageError("no board given", hint="give --board NAME; `mcuq boards` lists the names")
    return board_named(wanted)


def _preferred(board: str, board_file: Path) -> tuple[str | None, Path | None]:
    """Of a board given twice, the one that a flag names, if the other comes from the environment."""
    context = click.get_current_context()
    by_flag = [context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in ("board", "board_file")]
    if by_flag[0] == by_flag[1]:
        raise UsageError("both --board and --board-file are given", hint="give one of them")
    return (board, None) if by_flag[0] else (None, board_file)


def flash_job(built: Built, runner: str | None, probe: str | None, command: str | None, *, dry: bool = False) -> Job:
    """How --runner, --probe and --flash-command want ``built`` written."""
    from mcuq.flash.own_command import own_command  # noqa: PLC0415 - keeps `mcuq --help` instant
    from mcuq.flash.write import Job, job_for  # noqa: PLC0415
    from mcuq.usb import usb_devices  # noqa: PLC0415

    if command is None:
        return job_for(built, runner, probe, usb_devices(), dry=dry)
    if runner is not None or probe is not None:
        raise UsageError("--flash-command goes with neither --runner nor --probe", hint="give one way to flash")
    return Job(built.board, own_command(built, command))


def banks_of(place: Sequence[str]) -> dict[str, str]:
    """The bank of each role that --place names. Raises ``UsageError``."""
    changes = {}
    for entry in place:
        what, equals, bank = entry.partition("=")
        if not equals:
            raise UsageError(f"--place {entry!r} is not of the form WHAT=BANK", hint="as --place arena=dtcm")
        changes[what.strip()] = bank.strip()
    return changes
