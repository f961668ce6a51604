/* RP2040 and RP2350: the crystal and the system PLL; when a step fails, the ring oscillator that runs after reset, whose
 * frequency is known so roughly that a serial line hardly works.
 *
 * Sources: RP2040 and RP2350 datasheets, chapters Clocks, Crystal Oscillator (XOSC) and PLL. */
#include "platform.h"
#include "rp2_resets.h"

#define CLK_REF_CTRL (RP2_CLOCKS + 0x30U)
#define CLK_REF_CTRL_SRC_ROSC 0U
#define CLK_REF_CTRL_SRC_XOSC 2U
#define CLK_REF_SELECTED (RP2_CLOCKS + 0x38U)
#define CLK_SYS_CTRL (RP2_CLOCKS + 0x3CU)
#define CLK_SYS_CTRL_SRC_REF 0U
#define CLK_SYS_CTRL_SRC_AUX 1U
#define CLK_SYS_CTRL_AUXSRC_PLL_SYS (0U << 5)
#define CLK_SYS_SELECTED (RP2_CLOCKS + 0x44U)
#define CLK_PERI_CTRL (RP2_CLOCKS + 0x48U)
#define CLK_PERI_CTRL_ENABLE_FROM_SYS (1U << 11)
#define SELECTED_MASK 15U

#define XOSC_CTRL (RP2_XOSC + 0x00U)
#define XOSC_CTRL_ENABLE_1_TO_15_MHZ ((0xFABU << 12) | 0xAA0U)
#define XOSC_STATUS (RP2_XOSC + 0x04U)
#define XOSC_STATUS_STABLE (1U << 31)
#define XOSC_STARTUP (RP2_XOSC + 0x0CU)
#define XOSC_STARTUP_MS(ms) (MCUQ_CLOCK_HSE_HZ / 1000U * (ms) / 256U)

#define PLL_CS (RP2_PLL_SYS + 0x00U)
#define PLL_CS_LOCK (1U << 31)
#define PLL_PWR (RP2_PLL_SYS + 0x04U)
#define PLL_PWR_PD 1U
#define PLL_PWR_POSTDIVPD (1U << 3)
#define PLL_PWR_VCOPD (1U << 5)
#define PLL_FBDIV_INT (RP2_PLL_SYS + 0x08U)
#define PLL_PRIM (RP2_PLL_SYS + 0x0CU)

/* Source `source` of a glitchless multiplexer; its one-hot SELECTED register tells when the change is made. */
static bool select_source(uint32_t control, uint32_t selected, uint32_t source)
{
    mmio_write(control, (mmio_read(control) & ~3U) | source);
    return mmio_wait(selected, SELECTED_MASK, 1U << source, RP2_READY_TRIES);
}

static bool start_crystal(void)
{
    mmio_write(XOSC_STARTUP, XOSC_STARTUP_MS(4U));
    mmio_write(XOSC_CTRL, XOSC_CTRL_ENABLE_1_TO_15_MHZ);
    return mmio_wait(XOSC_STATUS, XOSC_STATUS_STABLE, XOSC_STATUS_STABLE, RP2_READY_TRIES) &&
           select_source(CLK_REF_CTRL, CLK_REF_SELECTED, CLK_REF_CTRL_SRC_XOSC);
}

static bool start_pll(void)
{
    mmio_set(RP2_RESETS_RESET, RP2_RESETS_PLL_SYS); /* a boot loader may have left it running */
    if (!rp2_let_go(RP2_RESETS_PLL_SYS)) {
        return false;
    }
    mmio_write(PLL_CS, MCUQ_CLOCK_PLL_M);
    mmio_write(PLL_FBDIV_INT, MCUQ_CLOCK_PLL_N);
    mmio_clear(PLL_PWR, PLL_PWR_PD | PLL_PWR_VCOPD);
    if (!mmio_wait(PLL_CS, PLL_CS_LOCK, PLL_CS_LOCK, RP2_READY_TRIES)) {
        return false;
    }
    mmio_write(PLL_PRIM, (MCUQ_CLOCK_PLL_P << 16) | (MCUQ_CLOCK_PLL_Q << 12));
    mmio_clear(PLL_PWR, PLL_PWR_POSTDIVPD);
    return true;
}

/* First away from whatever the boot loader left: the reference clock, and that from the ring oscillator. */
static bool start(void)
{
    if (!select_source(CLK_SYS_CTRL, CLK_SYS_SELECTED, CLK_SYS_CTRL_SRC_REF) || !start_crystal() || !start_pll()) {
        return false;
    }
    mmio_write(CLK_SYS_CTRL, CLK_SYS_CTRL_SRC_REF | CLK_SYS_CTRL_AUXSRC_PLL_SYS);
    return select_source(CLK_SYS_CTRL, CLK_SYS_SELECTED, CLK_SYS_CTRL_SRC_AUX);
}

mcuq_clock mcuq_clock_init(void)
{
    const bool started = start();
    if (!started) {
        (void)select_source(CLK_SYS_CTRL, CLK_SYS_SELECTED, CLK_SYS_CTRL_SRC_REF);
        (void)select_source(CLK_REF_CTRL, CLK_REF_SELECTED, CLK_REF_CTRL_SRC_ROSC);
    }
    mmio_write(CLK_PERI_CTRL, CLK_PERI_CTRL_ENABLE_FROM_SYS);
    const uint32_t hz = started ? MCUQ_CLOCK_HZ : RP2_ROSC_HZ;
    const mcuq_clock clock = {hz, hz, !started};
    return clock;
}
