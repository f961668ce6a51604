"""A board's serial line: its driver, its pins, and what each driver must be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from mcuq.board.fields import Address, Hz, Table

STM32_UART_DRIVERS = ("stm32-lpuart", "stm32-usart-v1", "stm32-usart-v2")


class Pin(Table):
    """``port`` and alternate ``function`` are STM32's; other chips number their pins (P1.00 of an nRF is 32)."""

    pin: Annotated[int, Field(ge=0, le=47)]
    port: Literal["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K"] | None = None
    function: Annotated[int, Field(ge=0, le=15)] | None = None


class Uart(Table):
    """The serial line that the link uses.

    ``clock_hz`` is for chips whose UART clock is fixed; on an STM32 the clock follows from the ``bus`` that the USART
    hangs on, and ``enable_bit`` is its bit in that bus's RCC enable register (``apb1-2``: the bus's second register).
    """

    driver: Literal["cmsdk", "nrf-uart", "nrf-uarte", "pl011", "stm32-lpuart", "stm32-usart-v1", "stm32-usart-v2"]
    base: Address
    baud: Annotated[int, Field(ge=1200, le=4_000_000)]
    clock_hz: Hz | None = None
    bus: Literal["apb1", "apb1-2", "apb2"] | None = None
    enable_bit: Annotated[int, Field(ge=0, le=31)] | None = None
    tx: Pin | None = None
    rx: Pin | None = None

    @model_validator(mode="after")
    def _has_what_its_driver_needs(self) -> Uart:
        stm32 = self.driver in STM32_UART_DRIVERS
        pins = [pin for pin in (self.tx, self.rx) if pin is not None]
        if (self.clock_hz is not None) != (self.driver == "cmsdk"):
            raise ValueError("clock_hz goes with driver 'cmsdk', and only with it")
        if (len(pins) == 2) != (self.driver != "cmsdk"):
            raise ValueError("tx and rx go with every driver but 'cmsdk'")
        if (self.bus is not None) != stm32 or (self.enable_bit is not None) != stm32:
            raise ValueError("bus and enable_bit go with the stm32 drivers, and only with them")
        if any((pin.port is not None) != stm32 or (pin.function is not None) != stm32 for pin in pins):
            raise ValueError("a pin has port and function with the stm32 drivers, and only with them")
        if any(stm32 and pin.pin > 15 for pin in pins):
            raise ValueError("a port has pins 0 to 15")
        return self
