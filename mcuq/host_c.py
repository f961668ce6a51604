"""A build's generated C as a program of this machine: the same kernels, compiled by the machine's own gcc.

What is assembly on the core has a twin in C, so this runs what the board runs, but for the compiler and the core.
"""

from __future__ import annotations

from pathlib import Path

from mcuq.built import Built
from mcuq.cmsis_nn import find_cmsis_nn
from mcuq.errors import ToolError
from mcuq.firmware import host_includes, host_sources
from mcuq.image import KERNELS
from mcuq.layout import Layout
from mcuq.toolchain import Toolchain, Unit

GCC = Toolchain("", ("-O1", "-DMCUQ_PROFILE", "-D__GNUC_PYTHON__", "-D__RESTRICT=restrict"))
"""The last two let CMSIS-NN compile for a machine that is no Arm core."""


def build_for_host(built: Built, layout: Layout, cmsis_nn: Path | None, folder: Path) -> Path:
    """Compile ``built`` into a program in the empty ``folder``, for ``HostRunner``.

    Raises ``ToolError`` without gcc, and without CMSIS-NN for a model that runs on it.
    """
    source = (built.folder / "src").resolve()
    units = [Unit(path, f"obj/model_{path.stem}.o", own=False) for path in sorted(source.glob("*.c"))]
    units += [Unit(path, f"obj/firmware_{path.stem}.o", own=False) for path in host_sources()]
    units += [Unit(KERNELS / name, f"obj/{Path(name).stem}.o", own=False) for name in layout.own_sources]
    system: tuple[Path, ...] = ()
    if layout.cmsis_nn_sources:
        found = find_cmsis_nn(cmsis_nn)
        if found is None:
            raise ToolError("CMSIS-NN, which the model runs on, was not found", hint="give --cmsis-nn DIR")
        units += [Unit(path, f"obj/{path.stem}.o", own=False) for path in found.sources(layout.cmsis_nn_sources)]
        system = found.includes
    GCC.compile(units, folder, (KERNELS, *host_includes(), source), system)
    GCC.link([unit.object for unit in units], "model", folder, ())
    return folder / "model"
