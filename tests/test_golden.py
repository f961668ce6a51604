"""The C that is generated for one small model, held to the files in ``golden/``; ``--update-goldens`` renews them."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from mcuq.codegen.image import generate_image
from mcuq.core import core_named
from mcuq.frontend.tflite import bind, read_tflite
from mcuq.kernels.base import Target
from mcuq.passes import run_passes
from mcuq.planner.arena import plan
from mcuq.planner.lower import KernelPolicy, lower

GOLDEN = Path(__file__).parent / "golden"
MODEL = "small"
"""A convolution, a dense layer and a softmax with float edges, as TensorFlow's converter wrote them."""


def generated() -> dict[str, str]:
    graph = run_passes(bind(read_tflite((GOLDEN / f"{MODEL}.tflite").read_bytes(), MODEL)))
    target = Target(core_named("cortex-m4"), frozenset())
    return dict(generate_image({MODEL: plan(lower(graph, target, KernelPolicy.MCUQ))}, "the golden files"))


def test_the_generated_c_is_the_golden_c(request: pytest.FixtureRequest) -> None:
    files = generated()
    if request.config.getoption("--update-goldens"):
        for path in (*GOLDEN.glob("*.c"), *GOLDEN.glob("*.h")):
            path.unlink()
        for name, text in files.items():
            (GOLDEN / name).write_text(text, encoding="utf-8")
    golden = {path.name: path.read_text(encoding="utf-8") for path in (*GOLDEN.glob("*.c"), *GOLDEN.glob("*.h"))}
    assert sorted(golden) == sorted(files), "renew with: pytest tests/test_golden.py --update-goldens"
    for name, text in files.items():
        lines = difflib.unified_diff(
            golden[name].splitlines(), text.splitlines(), f"golden/{name}", f"generated {name}", lineterm=""
        )
        difference = "\n".join(lines)
        assert not difference, f"\n{difference}\nrenew with: pytest tests/test_golden.py --update-goldens"
