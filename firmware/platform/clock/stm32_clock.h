/* What the clock drivers of all STM32 families share. */
#ifndef MCUQ_STM32_CLOCK_H
#define MCUQ_STM32_CLOCK_H

#include "board.h"
#include "mmio.h"
#include "platform.h"
#include MCUQ_CHIP_HEADER

/* More than the slowest start-up (a crystal's few milliseconds) at 16 MHz, and soon over where nothing answers. */
#define STM32_READY_TRIES 50000U

static inline bool stm32_wait(uint32_t address, uint32_t mask, uint32_t value)
{
    return mmio_wait(address, mask, value, STM32_READY_TRIES);
}

/* The clocks when all came up, or else those of the internal oscillator that runs after reset, whose buses are undivided. */
static inline mcuq_clock stm32_clocks(bool started, uint32_t internal_hz)
{
    const mcuq_clock wanted = {MCUQ_CLOCK_HZ, MCUQ_CLOCK_HZ / MCUQ_UART_CLOCK_DIVIDER, false};
    const mcuq_clock internal = {internal_hz, internal_hz, true};
    return started ? wanted : internal;
}

#endif
