"""TensorFlow Lite Micro with CMSIS-NN, from a checkout, behind mcuq's firmware.

Written from TensorFlow Lite Micro's documentation (its generic Cortex-M target, ``micro_mutable_op_resolver.h``,
``micro_interpreter.h``) and not run by its authors, who had no checkout: expect to mend it. The library is the one that
the checkout's makefile builds (it downloads what it needs); an existing one is taken as it is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.foreign import ForeignCode
from mcuq.board import board_named
from mcuq.errors import UsageError
from mcuq.frontend.tflite import read_tflite
from mcuq.toolchain import find_tool, run_tool

ARENA_BYTES = 160 * 1024
"""More than any model of the benchmark needs; what the interpreter says that it used is in ``tflm_arena_used``."""

TARGETS = {"cortex-m0": "cortex-m0", "cortex-m3": "cortex-m3", "cortex-m4": "cortex-m4+fp", "cortex-m7": "cortex-m7+sp",
           "cortex-m33": "cortex-m33", "cortex-m55": "cortex-m55"}  # fmt: skip
METHODS = {
    "CONV_2D": "AddConv2D", "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D", "FULLY_CONNECTED": "AddFullyConnected",
    "AVERAGE_POOL_2D": "AddAveragePool2D", "MAX_POOL_2D": "AddMaxPool2D", "ADD": "AddAdd", "MEAN": "AddMean",
    "RESHAPE": "AddReshape", "SOFTMAX": "AddSoftmax", "PAD": "AddPad", "RELU": "AddRelu", "RELU6": "AddRelu6",
}  # fmt: skip

PROGRAM = """#include <cstring>
#include <new>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

alignas(16) static const unsigned char model_data[] = {{{data}}};
extern "C" {{
extern unsigned char tflm_arena[{arena_bytes}];
unsigned long tflm_arena_used;
void tflm_infer(const signed char *input, signed char *output);
}}
alignas(tflite::MicroInterpreter) static unsigned char storage[sizeof(tflite::MicroInterpreter)];
using Resolver = tflite::MicroMutableOpResolver<{count}>;
alignas(Resolver) static unsigned char resolver_storage[sizeof(Resolver)];
static tflite::MicroInterpreter *interpreter;

static void begin()
{{
    Resolver *const resolver = new (resolver_storage) Resolver;
{additions}
    interpreter = new (storage) tflite::MicroInterpreter(
        tflite::GetModel(model_data), *resolver, tflm_arena, sizeof tflm_arena);
    if (interpreter->AllocateTensors() != kTfLiteOk) {{
        for (;;) {{
        }}
    }}
    tflm_arena_used = interpreter->arena_used_bytes();
}}

void tflm_infer(const signed char *input, signed char *output)
{{
    if (interpreter == nullptr) {{
        begin();
    }}
    std::memcpy(interpreter->input(0)->data.int8, input, interpreter->input(0)->bytes);
    (void)interpreter->Invoke();
    std::memcpy(output, interpreter->output(0)->data.int8, interpreter->output(0)->bytes);
}}
"""


def library(checkout: Path, core: str) -> Path:
    """The checkout's libtensorflow-microlite.a for ``core`` with CMSIS-NN, built when it is not there."""
    target = TARGETS[core]
    make = checkout / "tensorflow/lite/micro/tools/make/Makefile"
    if not make.is_file():
        raise UsageError(f"{checkout} is no checkout of TensorFlow Lite Micro: it has no {make.relative_to(checkout)}")
    pattern = f"gen/cortex_m_generic_{target}_*cmsis_nn*/lib/libtensorflow-microlite.a"
    found = sorted(checkout.glob(pattern))
    if not found:
        options = ("TARGET=cortex_m_generic", f"TARGET_ARCH={target}", "OPTIMIZED_KERNEL_DIR=cmsis_nn")
        command = [
            find_tool("make"),
            "-f",
            str(make.relative_to(checkout)),
            *options,
            "BUILD_TYPE=release",
            "microlite",
        ]
        run_tool(command, checkout)
        found = sorted(checkout.glob(pattern))
    if not found:
        raise UsageError(f"the makefile of {checkout} left no {pattern}")
    return found[0]


def tflm_code(checkout: Path, core: str, model: Path, folder: Path) -> ForeignCode:
    """An interpreter of ``model`` as code to be linked: one C++ file, compiled here, and the library."""
    archive = library(checkout.resolve(), core).resolve()
    operators = sorted({node.op for node in read_tflite(model.read_bytes(), model.name).nodes})
    lacking = [op for op in operators if op not in METHODS]
    if lacking:
        raise UsageError(f"benchmarks/tflm_model.py does not register {', '.join(lacking)}")
    folder.mkdir(parents=True, exist_ok=True)
    data = ",".join(str(byte) for byte in np.frombuffer(model.read_bytes(), np.uint8))
    additions = "\n".join(f"    resolver->{METHODS[op]}();" for op in operators)
    program = PROGRAM.format(data=data, arena_bytes=ARENA_BYTES, count=len(operators), additions=additions)
    (folder / "tflm.cc").write_text(program, encoding="utf-8")
    downloads = checkout.resolve() / "tensorflow/lite/micro/tools/make/downloads"
    includes = (checkout.resolve(), downloads / "flatbuffers/include", downloads / "gemmlowp", downloads / "ruy")
    board = board_named({"cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}.get(core, "mps2-an386"))
    flags = board.model_copy(update={"core": core}).core_with_fpu.gcc_flags
    run_tool(
        [
            *(find_tool("arm-none-eabi-g++"), *flags, "-std=c++17", "-O2", "-fno-rtti", "-fno-exceptions"),
            *(
                "-fno-threadsafe-statics",
                "-ffunction-sections",
                "-DTF_LITE_STATIC_MEMORY",
                "-DTF_LITE_DISABLE_X86_NEON",
            ),
            *(f"-I{path}" for path in includes),
            *("-c", "tflm.cc", "-o", "tflm.o"),
        ],
        folder,
    )
    return ForeignCode(
        sources=(),
        includes=(),
        flags=(),
        prologue=(
            "void tflm_infer(const signed char *input, signed char *output);\n"
            f"uint8_t tflm_arena[{ARENA_BYTES}U] MCUQ_ARENA;\n"
        ),
        infer="tflm_infer(input, output)",
        arena_bytes=ARENA_BYTES,
        objects=(str((folder / "tflm.o").resolve()), str(archive)),
        link=("-Wl,--start-group", "-lstdc++", "-lm", "-lc", "-lnosys", "-lgcc", "-Wl,--end-group"),
    )
