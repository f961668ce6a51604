"""A board's serial line: its driver, its pins, and what each driver must be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from mcuq.board.fields import Address, Hz, Table

_STM32 = frozenset({"pins", "port", "function", "bus", "enable_bit"})
_NEEDS = {
    "cmsdk": frozenset({"clock_hz"}),
    "dw-apb": frozenset({"clock_hz", "pins", "function", "enable_bit"}),
    "flexcomm": frozenset({"pins", "function", "enable_bit"}),
    "nrf-uart": frozenset({"pins"}),
    "nrf-uarte": frozenset({"pins"}),
    "pl011": frozenset({"pins"}),
    "sci-b": frozenset({"pins", "port", "function", "enable_bit"}),
    "stm32-lpuart": _STM32,
    "stm32-usart-v1": _STM32,
    "stm32-usart-v2": _STM32,
}
"""What each driver must be told, and nothing else."""
_PORTS = {"sci-b": "0123456789AB"}
_STM32_PORTS = "ABCDEFGHIJK"


class Pin(Table):
    """``port`` and alternate ``function`` as the chip's data sheet has them; chips without ports number their pins
    (P1.00 of an nRF and PIO1_0 of an LPC55 are 32, P12_1 of an Ensemble is 97)."""

    pin: Annotated[int, Field(ge=0, le=143)]
    port: Annotated[str, StringConstraints(pattern=r"^[0-9A-K]$")] | None = None
    function: Annotated[int, Field(ge=0, le=31)] | None = None


class Uart(Table):
    """The serial line that the link uses.

    ``clock_hz`` is for chips whose UART clock is fixed. ``enable_bit`` is the UART's bit in the register that turns it
    on: on an STM32 the RCC enable register of the ``bus`` that the USART hangs on, from which its clock follows
    (``apb1-2``: the bus's second register); with flexcomm AHBCLKCTRL1, with sci-b
    MSTPCRB, with dw-apb UART_CTRL.
    """

    driver: Literal[
        "cmsdk",
        "dw-apb",
        "flexcomm",
        "nrf-uart",
        "nrf-uarte",
        "pl011",
        "sci-b",
        "stm32-lpuart",
        "stm32-usart-v1",
        "stm32-usart-v2",
    ]
    base: Address
    baud: Annotated[int, Field(ge=1200, le=4_000_000)]
    clock_hz: Hz | None = None
    bus: Literal["apb1", "apb1-2", "apb2"] | None = None
    enable_bit: Annotated[int, Field(ge=0, le=31)] | None = None
    tx: Pin | None = None
    rx: Pin | None = None

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> Uart:
        needed = _NEEDS[self.driver]
        for key in ("clock_hz", "bus", "enable_bit"):
            self._check(key, getattr(self, key) is not None, key in needed)
        for pin, key in ((self.tx, "tx"), (self.rx, "rx")):
            self._check(key, pin is not None, "pins" in needed)
            if pin is not None:
                self._check(f"{key}.port", pin.port is not None, "port" in needed)
                self._check(f"{key}.function", pin.function is not None, "function" in needed)
            if pin is not None and pin.port is not None:
                self._check_port(pin, pin.port)
        return self

    def _check(self, key: str, given: bool, needed: bool) -> None:
        if given != needed:
            raise ValueError(f"driver {self.driver!r} {'needs' if needed else 'has no use for'} {key}")

    def _check_port(self, pin: Pin, port: str) -> None:
        if port not in self._ports:
            raise ValueError(f"driver {self.driver!r} knows no port {port}")
        if pin.pin > 15:
            raise ValueError("a port has pins 0 to 15")

    @property
    def _ports(self) -> str:
        return _PORTS.get(self.driver, _STM32_PORTS)

    def port_number(self, pin: Pin) -> int | None:
        """The number of ``pin``'s port: A is 0 on an STM32, 10 on an RA. None: the chip has none."""
        return None if pin.port is None else self._ports.index(pin.port)
