/* The counter of every core that has one of its own: DWT's cycle counter when it moves, else SysTick.
 *
 * Simulators have no DWT (QEMU) or a still one, Armv6-M has none, and a Cortex-M7 may keep it locked; so it is tried, for
 * a bounded time. Sources: Armv7-M ARM (DDI0403) C1.8 (DWT), C1.6.5 (DEMCR), B3.3 (SysTick); Cortex-M7 TRM 12 (lock). */
#include "board.h"
#include "cortexm.h"
#include "mmio.h"
#include "platform.h"

#define DEMCR 0xE000EDFCU
#define DEMCR_TRCENA (1U << 24)
#define DWT_CTRL 0xE0001000U
#define DWT_CTRL_CYCCNTENA 1U
#define DWT_CYCCNT 0xE0001004U
#define DWT_LAR 0xE0001FB0U
#define DWT_UNLOCK 0xC5ACCE55U

#define SYST_CSR 0xE000E010U
#define SYST_CSR_ENABLE_INTERRUPT_CORE_CLOCK 7U
#define SYST_RVR 0xE000E014U
#define SYST_CVR 0xE000E018U
#define SYST_MASK 0x00FFFFFFU

/* Each wrap costs the 125 instructions of the handler below. A simulator in which an instruction lasts 2^n ns spends
 * 125 * 2^n ns in it, which is a whole number of ticks (n >= 3) at any clock of whole MHz: so what a wrap adds to the count
 * is exact, and the period is given without it. On a chip the handler costs about 155 cycles in 16.7 million. */
#define PERIOD_TICKS (0x01000000U - MCUQ_SYSTICK_HANDLER_TICKS)

static bool counts_with_dwt;
static uint32_t dwt_high;
static uint32_t dwt_low;
static volatile uint32_t systick_wraps __attribute__((used));

/* Instructions: 6 before the loop, 2 in each of its 59 rounds, 1 to return: 125. */
__attribute__((naked)) void mcuq_systick_handler(void)
{
    __asm__ volatile(
        "    .syntax unified\n"
        "    ldr  r0, =systick_wraps\n"
        "    ldr  r1, [r0]\n"
        "    adds r1, r1, #1\n"
        "    str  r1, [r0]\n"
        "    movs r2, #59\n"
        "    nop\n"
        "1:  subs r2, r2, #1\n"
        "    bne  1b\n"
        "    bx   lr\n"
        "    .ltorg\n");
}

static bool dwt_start(void)
{
#if defined(__ARM_ARCH_6M__)
    return false;
#else
    mmio_set(DEMCR, DEMCR_TRCENA);
    mmio_write(DWT_LAR, DWT_UNLOCK);
    mmio_write(DWT_CYCCNT, 0U);
    mmio_set(DWT_CTRL, DWT_CTRL_CYCCNTENA);
    const uint32_t first = mmio_read(DWT_CYCCNT);
    for (uint32_t i = 0U; i < 32U; i++) {
        if (mmio_read(DWT_CYCCNT) != first) {
            return true;
        }
    }
    return false;
#endif
}

mcuq_counter mcuq_counter_init(uint32_t core_hz)
{
    counts_with_dwt = dwt_start();
    if (counts_with_dwt) {
        const mcuq_counter dwt = {MCUQ_COUNTER_DWT, 32U, core_hz};
        return dwt;
    }
    mmio_write(SYST_RVR, SYST_MASK);
    mmio_write(SYST_CVR, 0U);
    mmio_write(SYST_CSR, SYST_CSR_ENABLE_INTERRUPT_CORE_CLOCK);
    const mcuq_counter systick = {MCUQ_COUNTER_SYSTICK, 56U, core_hz};
    return systick;
}

static uint64_t dwt_ticks(void)
{
    const uint32_t now = mmio_read(DWT_CYCCNT);
    if (now < dwt_low) {
        dwt_high += 1U;
    }
    dwt_low = now;
    return ((uint64_t)dwt_high << 32) | now;
}

uint64_t mcuq_ticks64(void)
{
    if (counts_with_dwt) {
        return dwt_ticks();
    }
    /* SysTick counts down and interrupts when it reaches 0, one tick before it reloads: the ticks since the interrupt are
     * minus its value. When the interrupt came between the readings, they are made again. */
    uint32_t wraps;
    uint32_t since;
    do {
        wraps = systick_wraps;
        since = (0U - mmio_read(SYST_CVR)) & SYST_MASK;
    } while (wraps != systick_wraps);
    return (uint64_t)wraps * PERIOD_TICKS + since;
}

uint32_t mcuq_ticks(void)
{
    return (uint32_t)mcuq_ticks64();
}
