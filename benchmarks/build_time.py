"""Where the seconds of ``mcuq build`` go.

    python benchmarks/build_time.py MODEL --board BOARD [--data DATA] [--optimize balanced]

Wall-clock time of this machine, measured around the functions that do a build's work; a function's time is without that
of the listed ones inside it. Run it twice: the first run warms the caches of files.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

STAGES = (
    ("mcuq.frontend.keras", "_tensorflow", "import TensorFlow"),
    ("mcuq.frontend.keras", "to_float_tflite", "convert with TensorFlow"),
    ("mcuq.quantize.int8", "quantize", "quantize"),
    ("mcuq.model", "read_tflite", "read the file"),
    ("mcuq.model", "run_passes", "passes"),
    ("mcuq.build", "load_model", "load, the rest"),
    ("mcuq.build", "Reference", "start LiteRT"),
    ("mcuq.fit", "survey", "which kernels are exact, their tables"),
    ("mcuq.fit", "compile_kernels", "compile kernels to choose among"),
    ("mcuq.fit", "_chosen", "choose and plan"),
    ("mcuq.fit", "generate", "generate C"),
    ("mcuq.fit", "compile_model", "compile the model"),
    ("mcuq.fit", "link_image", "compile the firmware, link"),
    ("mcuq.build", "_report", "run the data in LiteRT, report"),
    ("mcuq.build", "build", "the rest"),
)
_spent: dict[str, float] = defaultdict(float)
_inside: list[float] = []


def timed(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*arguments: Any, **options: Any) -> Any:
        _inside.append(0.0)
        begin = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            whole = time.perf_counter() - begin
            _spent[stage] += whole - _inside.pop()
            if _inside:
                _inside[-1] += whole

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--board", default="mps2-an386")
    parser.add_argument("--data")
    parser.add_argument("--optimize", default="balanced")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    for module, name, stage in STAGES:
        loaded = importlib.import_module(module)
        setattr(loaded, name, timed(getattr(loaded, name), stage))
    from mcuq import build as building
    from mcuq.board import board_named
    from mcuq.fit import Goals
    from mcuq.planner.choose import Optimize

    imported = time.perf_counter() - begin
    goal = Path("build") / "build_time"
    shutil.rmtree(goal, ignore_errors=True)
    goals = Goals(optimize=Optimize(arguments.optimize))
    source = building.Source(arguments.model, data=arguments.data)
    options = building.BuildOptions((source,), board_named(arguments.board), goal, goals)
    building.build(options, lambda *_: None)
    rows = [("import mcuq", imported), *((stage, _spent[stage]) for _, _, stage in STAGES if stage in _spent)]
    for stage, seconds in rows:
        print(f"{seconds:7.2f} s  {stage}")
    print(f"{sum(seconds for _, seconds in rows):7.2f} s  in all")


if __name__ == "__main__":
    main()
