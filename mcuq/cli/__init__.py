"""The command line: one file per command in this folder, found by being there and imported when called.

Results go to standard output, progress and messages to standard error. Exit codes: 0 done, 1 work failed, 2 usage,
3 unsupported model, 4 does not fit, 5 bytes differ, 6 tool or device missing, 130 interrupted.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import pkgutil
import signal
import sys
import traceback
from types import FrameType
from typing import Any

import click

from mcuq import __version__
from mcuq.errors import McuqError

INTERRUPTED = 130
_interrupted = False


class _Commands(click.Group):
    """Commands by file name; ``_`` in a file is ``-`` in the command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="mcuq")
def commands() -> None:
    """Turn trained neural networks into Cortex-M firmware, exact to the byte, and run it in a simulator."""


def main() -> None:
    """Run the command line and exit with its code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    code = run(sys.argv[1:])
    if code == INTERRUPTED:
        # A library that saw the interruption pass can make Python end itself with SIGINT instead of this exit code.
        atexit._run_exitfuncs()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """The exit code of ``mcuq`` with ``arguments``."""
    try:
        result: Any = commands.main(arguments, prog_name="mcuq", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        return _say_interrupted()
    except Exception as error:
        # Libraries make other errors of an interruption: an import of TensorFlow then "fails".
        return _say_interrupted() if _interrupted else _say(error)
    except KeyboardInterrupt:
        return _say_interrupted()
    return result if isinstance(result, int) else 0


def _say(error: Exception) -> int:
    """Tell of an error on standard error, and give its exit code."""
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, McuqError):
        click.echo(f"Error: {error}", err=True)
        return error.exit_code
    if isinstance(error, BrokenPipeError):
        sys.stderr.close()  # the reader of our output has gone; there is nobody to tell
        return 1
    traceback.print_exception(error)
    click.echo(f"Error: mcuq failed unexpectedly: {type(error).__name__}: {error}", err=True)
    click.echo("Hint: this is a defect of mcuq; please report it with the lines above", err=True)
    return 1


def _say_interrupted() -> int:
    click.echo("Interrupted", err=True)
    return INTERRUPTED


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    global _interrupted  # noqa: PLW0603 - a signal handler has no other place
    _interrupted = True
    raise KeyboardInterrupt
