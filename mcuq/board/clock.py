"""A board's clock: which driver sets it up from what, and the arithmetic and limits of each chip's PLL."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from mcuq.board.fields import Hz, Table


class Pll(Table):
    """A PLL: its source's clock / m * n, and from that the core's clock by p, r, or p and q, as the chip has it.

    An STM32F4 or F7 makes USB's clock with q.
    """

    m: Annotated[int, Field(ge=1, le=63)]
    n: Annotated[int, Field(ge=2, le=512)]
    p: Annotated[int, Field(ge=1, le=128)] | None = None
    q: Annotated[int, Field(ge=1, le=15)] | None = None
    r: Annotated[int, Field(ge=2, le=8)] | Literal[1] | None = None


@dataclass(frozen=True, slots=True)
class _PllRules:
    """What a chip's PLL takes: ranges of m, of n and of the clock in between; the values of each divider.

    ``makes`` names the dividers between PLL and core; ``internal_hz`` is the oscillator before the PLL where it is not
    an external clock or crystal.
    """

    m: range
    n: range
    vco_mhz: tuple[int, int]
    dividers: dict[str, Collection[int]]
    makes: tuple[str, ...]
    internal_hz: int | None = None


_F4_DIVIDERS: dict[str, Collection[int]] = {"p": (2, 4, 6, 8), "q": range(2, 16)}
_PLLS = {
    "ra8m1": _PllRules(range(1, 4), range(26, 181), (640, 1440), {"p": (1, 2, 3, 4, 5, 6, 8, 9, 16)}, ("p",)),
    "stm32f1": _PllRules(range(1, 17), range(2, 17), (16, 24), {}, ()),
    "stm32f4": _PllRules(range(2, 64), range(50, 433), (100, 432), _F4_DIVIDERS, ("p",)),
    "stm32f7": _PllRules(range(2, 64), range(50, 433), (100, 432), _F4_DIVIDERS, ("p",)),
    "stm32g0": _PllRules(range(1, 9), range(8, 87), (64, 344), {"r": range(2, 9)}, ("r",), 16_000_000),
    "stm32h7": _PllRules(range(1, 64), range(4, 513), (192, 960), {"p": (1, *range(2, 129, 2))}, ("p",)),
    "stm32l4": _PllRules(range(1, 17), range(8, 128), (64, 344), {"r": (2, 4, 6, 8)}, ("r",), 16_000_000),
    "stm32u5": _PllRules(range(1, 17), range(4, 513), (128, 544), {"r": (1, 2, 4, 6, 8)}, ("r",), 16_000_000),
    "rp2040": _PllRules(range(1, 64), range(16, 321), (750, 1600), {"p": range(1, 8), "q": range(1, 8)}, ("p", "q")),
    "rp2350": _PllRules(range(1, 64), range(16, 321), (750, 1600), {"p": range(1, 8), "q": range(1, 8)}, ("p", "q")),
}
"""Sources: RM0041, RM0090, RM0385, RM0444, RM0433, RM0432, RM0456 (chapter RCC, registers of the PLL) and the chips'
data sheets (PLL characteristics); RP2040 and RP2350 datasheets, chapter PLL; RA8M1 User's Manual: Hardware, chapter
Clock Generation Circuit."""


ClockDriver = Literal[
    "none",
    "lpc55",
    "nrf51",
    "nrf52",
    "nrf53",
    "ra8m1",
    "rp2040",
    "rp2350",
    "stm32f1",
    "stm32f4",
    "stm32f7",
    "stm32g0",
    "stm32h7",
    "stm32l4",
    "stm32u5",
]


_WITH_WAIT_STATES = ("lpc55", "ra8m1", "stm32")


class Clock(Table):
    """``hz`` is the core clock that the driver sets up (``none``: that simply is there).

    ``hse_hz`` is the crystal's or external clock's (``hse_bypass``) frequency.
    """

    driver: ClockDriver
    hz: Hz
    hse_hz: Hz | None = None
    hse_bypass: bool = False
    pll: Pll | None = None
    flash_wait_states: Annotated[int, Field(ge=0, le=15)] | None = None

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> Clock:
        rules = _PLLS.get(self.driver)
        needed = {
            "pll": rules is not None,
            "hse_hz": rules is not None and rules.internal_hz is None,
            "flash_wait_states": self.driver.startswith(_WITH_WAIT_STATES),
        }
        missing = [key for key, wanted in needed.items() if wanted and getattr(self, key) is None]
        if missing:
            raise ValueError(f"driver {self.driver!r} needs {' and '.join(missing)}")
        idle = [key for key, wanted in needed.items() if not wanted and getattr(self, key) is not None]
        if self.hse_bypass and not needed["hse_hz"]:
            idle.append("hse_bypass")
        if idle:
            raise ValueError(f"driver {self.driver!r} has no use for {' and '.join(idle)}")
        if rules is not None and self.pll is not None:
            self._check_pll(rules, self.pll)
        return self

    def _check_pll(self, rules: _PllRules, pll: Pll) -> None:
        for key, values in {"m": rules.m, "n": rules.n, **rules.dividers}.items():
            if getattr(pll, key) not in values:
                raise ValueError(f"pll.{key} is {getattr(pll, key)}, which the PLL of {self.driver!r} cannot be set to")
        if idle := [key for key in ("p", "q", "r") if getattr(pll, key) is not None and key not in rules.dividers]:
            raise ValueError(f"driver {self.driver!r} has no use for pll.{idle[0]}")
        source = rules.internal_hz or self.hse_hz or 0
        vco = source * pll.n // pll.m
        if not rules.vco_mhz[0] * 10**6 <= vco <= rules.vco_mhz[1] * 10**6:
            raise ValueError(f"the PLL runs at {vco} Hz, but may run at {rules.vco_mhz[0]} to {rules.vco_mhz[1]} MHz")
        made = source * pll.n // (pll.m * math.prod(getattr(pll, key) for key in rules.makes))
        if made != self.hz:
            named = "hse_hz" if rules.internal_hz is None else f"the oscillator of {source} Hz"
            raise ValueError(f"{named} and pll make {made} Hz, but hz is {self.hz}")
