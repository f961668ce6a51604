"""The Cortex-M cores that mcuq compiles for: what each can do and the compiler flags that select it.

Facts about processors only; which core a board has, and at which clock, is in its board file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from mcuq.errors import BoardError, suggestion


@dataclass(frozen=True, slots=True)
class Core:
    """One core, with the FPU that a chip chose for it.

    ``fpus`` are the FPUs that the core can have, in GCC's names, and ``fpu`` is the one it has (None: soft float).
    ``has_dsp``: the SIMD instructions of Armv7E-M (SMLAD, SXTB16). ``has_mve``: Helium vectors.
    ``has_caches``: chips may have it with level 1 caches, which start-up enables. ``gcc_cpu`` is the core that GCC is
    told where its own name is none to GCC 12: one with the same instructions.
    Source of all of it: the cores' Technical Reference Manuals and GCC's manual, section "ARM Options".
    """

    name: str
    architecture: str
    fpus: tuple[str, ...] = ()
    fpu: str | None = None
    has_dsp: bool = False
    has_mve: bool = False
    has_unaligned: bool = True
    has_caches: bool = False
    gcc_cpu: str = ""

    @property
    def _cpu(self) -> str:
        return self.gcc_cpu or self.name

    @property
    def gcc_flags(self) -> tuple[str, ...]:
        """Flags for compiling and for linking, so that GCC's own library matches."""
        cpu = (f"-mcpu={self._cpu}", "-mthumb")
        if self.fpu is None:
            return (*cpu, "-mfloat-abi=soft")
        return (*cpu, "-mfloat-abi=hard", f"-mfpu={self.fpu}")

    def with_fpu(self, fpu: str | None) -> Core:
        """The same core with the FPU that a chip has; ``BoardError`` when the core cannot have it."""
        if fpu is None and not self.has_mve:
            return replace(self, fpu=None)
        if fpu not in self.fpus:
            possible = ", ".join(self.fpus) or "no FPU at all"
            raise BoardError(f"{self.name} cannot have the FPU {fpu!r}; it can have {possible}")
        return replace(self, fpu=fpu)

    def runs_code_of(self, other: Core) -> bool:
        """Whether a simulated core of this kind runs ``other``'s code, instruction for instruction.

        Simulators give a core its largest FPU. Armv7-M has all instructions of Armv6-M.
        """
        if other.architecture == "armv6-m":
            return self.architecture in ("armv6-m", "armv7-m")
        return self._cpu == other._cpu and (self.fpu is None) == (other.fpu is None)


_M55 = Core("cortex-m55", "armv8.1-m.main", fpus=("auto",), fpu="auto", has_dsp=True, has_mve=True, has_caches=True)
_CORES = (
    Core("cortex-m0", "armv6-m", has_unaligned=False),
    Core("cortex-m0plus", "armv6-m", has_unaligned=False),
    Core("cortex-m3", "armv7-m"),
    Core("cortex-m4", "armv7e-m", fpus=("fpv4-sp-d16",), has_dsp=True),
    Core("cortex-m7", "armv7e-m", fpus=("fpv5-sp-d16", "fpv5-d16"), has_dsp=True, has_caches=True),
    Core("cortex-m33", "armv8-m.main", fpus=("fpv5-sp-d16",), has_dsp=True),
    _M55,
    # GCC knows it from version 13 on. Armv8.1-M with Helium (integer and float) is what both have; the M85 adds pointer
    # authentication, which nothing here uses.
    replace(_M55, name="cortex-m85", gcc_cpu="cortex-m55"),
)
CORES: dict[str, Core] = {core.name: core for core in _CORES}


def core_named(name: str) -> Core:
    """The core ``name`` (``cortex-m4``), without an FPU where that is a choice; ``BoardError`` when there is none."""
    if name in CORES:
        return CORES[name]
    hint = suggestion(name, CORES, f"known cores: {', '.join(CORES)}")
    raise BoardError(f"no such core: {name!r}", hint=hint)
