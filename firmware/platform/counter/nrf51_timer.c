/* TIMER0 of the nRF51 as a 32 bit counter at 16 MHz: its Cortex-M0 has neither SysTick nor a cycle counter.
 *
 * Source: nRF51 Series Reference Manual 3.0, chapter TIMER. */
#include "mmio.h"
#include "platform.h"

#define TIMER0 0x40008000U
#define TASKS_START (TIMER0 + 0x000U)
#define TASKS_STOP (TIMER0 + 0x004U)
#define TASKS_CLEAR (TIMER0 + 0x00CU)
#define TASKS_CAPTURE0 (TIMER0 + 0x040U)
#define MODE (TIMER0 + 0x504U)
#define MODE_TIMER 0U
#define BITMODE (TIMER0 + 0x508U)
#define BITMODE_32 3U
#define PRESCALER (TIMER0 + 0x510U)
#define CC0 (TIMER0 + 0x540U)
#define TIMER_HZ 16000000U

static uint32_t high;
static uint32_t low;

mcuq_counter mcuq_counter_init(uint32_t core_hz)
{
    (void)core_hz;
    mmio_write(TASKS_STOP, 1U);
    mmio_write(MODE, MODE_TIMER);
    mmio_write(BITMODE, BITMODE_32);
    mmio_write(PRESCALER, 0U);
    mmio_write(TASKS_CLEAR, 1U);
    mmio_write(TASKS_START, 1U);
    const mcuq_counter timer = {MCUQ_COUNTER_TIMER, 32U, TIMER_HZ};
    return timer;
}

uint64_t mcuq_ticks64(void)
{
    mmio_write(TASKS_CAPTURE0, 1U);
    const uint32_t now = mmio_read(CC0);
    if (now < low) {
        high += 1U;
    }
    low = now;
    return ((uint64_t)high << 32) | now;
}

uint32_t mcuq_ticks(void)
{
    return (uint32_t)mcuq_ticks64();
}
