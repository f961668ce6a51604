"""How much code kernels may become, estimated from the length of their C sources: for where there is no compiler.

A rough figure. What a build says is counted (``mcuq.code_size``).
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from mcuq.cmsis_nn import CmsisNN
from mcuq.paths import FIRMWARE
from mcuq.planner.choose import CodeOf, Piece

KERNELS = FIRMWARE / "kernels"
BYTES_PER_CHARACTER = 0.3
"""Of C source without comments, directives and blanks: from 0.1 to 0.7 for a single kernel, as gcc 12 compiles them
for a Cortex-M4."""
INSTANCE_BYTES = 700


def code_estimates(cmsis_nn: CmsisNN | None) -> CodeOf:
    """The code of lowerings: a piece for each source file, and for each function that definitions make."""

    @functools.cache
    def pieces(sources: tuple[str, ...], definitions: tuple[str, ...]) -> frozenset[Piece]:
        own = [KERNELS / name for name in sources if (KERNELS / name).exists()]
        others = [name for name in sources if not (KERNELS / name).exists()]
        files = (*own, *(cmsis_nn.sources(others) if cmsis_nn is not None and others else ()))
        found = [Piece(file.name, _estimate(file)) for file in files]
        return frozenset((*found, *(Piece(definition, INSTANCE_BYTES) for definition in definitions)))

    return lambda lowering: pieces(lowering.sources, lowering.definitions)


@functools.cache
def _estimate(file: Path) -> int:
    text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8", errors="replace"), flags=re.DOTALL)
    lines = (line.split("//")[0] for line in text.splitlines() if not line.lstrip().startswith("#"))
    return round(BYTES_PER_CHARACTER * sum(len("".join(line.split())) for line in lines))
