/* The nRF51's 16 MHz crystal, for an accurate serial line: after reset the core runs from the 16 MHz RC oscillator.
 *
 * Source: nRF51 Series Reference Manual 3.0, chapter CLOCK. */
#include "board.h"
#include "mmio.h"
#include "platform.h"

#define CLOCK 0x40000000U
#define TASKS_HFCLKSTART (CLOCK + 0x000U)
#define EVENTS_HFCLKSTARTED (CLOCK + 0x100U)
#define START_TRIES 100000U

mcuq_clock mcuq_clock_init(void)
{
    mmio_write(EVENTS_HFCLKSTARTED, 0U);
    mmio_write(TASKS_HFCLKSTART, 1U);
    const bool started = mmio_wait(EVENTS_HFCLKSTARTED, 1U, 1U, START_TRIES);
    /* The crystal and the RC oscillator have the same nominal frequency. */
    const mcuq_clock clock = {MCUQ_CLOCK_HZ, MCUQ_CLOCK_HZ, !started};
    return clock;
}
