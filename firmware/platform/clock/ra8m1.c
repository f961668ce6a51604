/* RA8M1: the crystal and PLL1 up to 480 MHz; when a step fails, the 8 MHz oscillator MOCO that runs after reset, whose
 * frequency is known too roughly for a serial line. Also turns on the cache before the flash.
 *
 * Buses from PLL1: ICLK, PCLKE 1/2; PCLKA, PCLKD, BCLK, SCICLK 1/4; PCLKB, PCLKC, FCLK 1/8. The SRAM comes out of reset
 * with its wait state, which ICLK needs above 120 MHz.
 *
 * Sources: RA8M1 User's Manual: Hardware (R01UH0994), chapters Clock Generation Circuit, Register Write Protection (PRCR),
 * Flash Memory (FCACHEE, FCACHEIV, FLWT), SRAM (SRAMWTSC). */
#include "board.h"
#include "mmio.h"
#include "platform.h"
#include MCUQ_CHIP_HEADER

#define SCKDIVCR (RA_SYSTEM + 0x20U)
#define SCKDIVCR_BUSES 0x31122332U /* FCLK, ICLK, PCLKE, BCLK, PCLKA, PCLKB, PCLKC, PCLKD: exponents of 2 */
#define SCKDIVCR2 (RA_SYSTEM + 0x24U)
#define SCKDIVCR2_CPUCLK_DIV1 0U
#define SCKDIVCR2_CPUCLK_DIV2 1U
#define SCKSCR (RA_SYSTEM + 0x26U)
#define SCKSCR_PLL1P 5U
#define PLLCCR (RA_SYSTEM + 0x28U)
#define PLLCCR_OF_CRYSTAL(m, n) (((m) - 1U) | (((n) - 1U) << 8))
#define PLLCR (RA_SYSTEM + 0x2AU)
#define MOSCCR (RA_SYSTEM + 0x32U)
#define OSCSF (RA_SYSTEM + 0x3CU)
#define OSCSF_MOSC (1U << 3)
#define OSCSF_PLL1 (1U << 5)
#define PLLCCR2 (RA_SYSTEM + 0x4CU)
#define PLLCCR2_P(p) (0x110U | ((p) - 1U)) /* Q and R, which nothing uses, by 2 */
#define SCICKDIVCR (RA_SYSTEM + 0x54U)
#define SCICKDIVCR_DIV4 2U
#define SCICKCR (RA_SYSTEM + 0x55U)
#define SCICKCR_PLL1P 5U
#define SCICKCR_REQUEST (1U << 6)
#define SCICKCR_STOPPED (1U << 7)
#define MOSCWTCR (RA_SYSTEM + 0xA2U)
#define MOSCWTCR_8_MS 9U
#define PRCR (RA_SYSTEM + 0x3FAU)
#define PRCR_OPEN 0xA503U /* clocks, and operating modes */
#define PRCR_SHUT 0xA500U
#define MOMCR (RA_SYSTEM + 0xA50U)
#define MOMCR_8_TO_24_MHZ 0x16U /* MODRV0 3; bit 4 is always 1 */

#define FCACHEE RA_FCACHE
#define FCACHEIV (RA_FCACHE + 0x04U)
#define FLWT (RA_FCACHE + 0x1CU)

#define READY_TRIES 100000U
#define SETTLING_LOOPS 80000U /* 150 microseconds and more at 480 MHz, a cycle or more each */

_Static_assert(MCUQ_CLOCK_HSE_HZ > 8000000U && MCUQ_CLOCK_HSE_HZ <= 24000000U, "the crystal's drive is set for 8 to 24 MHz");
_Static_assert(MCUQ_CLOCK_HSE_HZ / MCUQ_CLOCK_PLL_M >= 6000000U && MCUQ_CLOCK_HSE_HZ / MCUQ_CLOCK_PLL_M <= 12000000U,
               "PLL1 takes 6 to 12 MHz");
_Static_assert(!MCUQ_CLOCK_HSE_BYPASS, "this driver starts a crystal");

static bool start_pll(void)
{
    mmio_write8(MOMCR, MOMCR_8_TO_24_MHZ);
    mmio_write8(MOSCWTCR, MOSCWTCR_8_MS);
    mmio_write8(MOSCCR, 0U); /* no longer stopped */
    if (!mmio_wait8(OSCSF, OSCSF_MOSC, OSCSF_MOSC, READY_TRIES)) {
        return false;
    }
    mmio_write16(PLLCCR, PLLCCR_OF_CRYSTAL(MCUQ_CLOCK_PLL_M, MCUQ_CLOCK_PLL_N));
    mmio_write16(PLLCCR2, PLLCCR2_P(MCUQ_CLOCK_PLL_P));
    mmio_write8(PLLCR, 0U);
    return mmio_wait8(OSCSF, OSCSF_PLL1, OSCSF_PLL1, READY_TRIES);
}

/* SCICLK may be changed while it is stopped on request. */
static bool clock_serial_line(void)
{
    mmio_write8(SCICKCR, mmio_read8(SCICKCR) | SCICKCR_REQUEST);
    if (!mmio_wait8(SCICKCR, SCICKCR_STOPPED, SCICKCR_STOPPED, READY_TRIES)) {
        return false;
    }
    mmio_write8(SCICKDIVCR, SCICKDIVCR_DIV4);
    mmio_write8(SCICKCR, SCICKCR_PLL1P | SCICKCR_REQUEST);
    mmio_write8(SCICKCR, SCICKCR_PLL1P);
    return mmio_wait8(SCICKCR, SCICKCR_STOPPED, 0U, READY_TRIES);
}

static void settle(void)
{
    for (uint32_t i = 0U; i < SETTLING_LOOPS; i++) {
        __asm__ volatile("nop");
    }
}

/* In two steps, between which the supply settles. */
static void switch_to_pll(void)
{
    mmio_write8(FLWT, MCUQ_CLOCK_FLASH_WAIT_STATES);
    mmio_write(SCKDIVCR, SCKDIVCR_BUSES);
    mmio_write8(SCKDIVCR2, SCKDIVCR2_CPUCLK_DIV2);
    mmio_write8(SCKSCR, SCKSCR_PLL1P);
    settle();
    mmio_write8(SCKDIVCR2, SCKDIVCR2_CPUCLK_DIV1);
    settle();
}

static void enable_flash_cache(void)
{
    mmio_write16(FCACHEIV, 1U);
    if (mmio_wait16(FCACHEIV, 1U, 0U, READY_TRIES)) {
        mmio_write16(FCACHEE, 1U);
    }
}

mcuq_clock mcuq_clock_init(void)
{
    mmio_write16(PRCR, PRCR_OPEN);
    enable_flash_cache();
    const bool started = start_pll() && clock_serial_line();
    if (started) {
        switch_to_pll();
    }
    mmio_write16(PRCR, PRCR_SHUT);
    const mcuq_clock wanted = {MCUQ_CLOCK_HZ, MCUQ_CLOCK_HZ / 4U, false};
    const mcuq_clock internal = {RA_MOCO_HZ, RA_MOCO_HZ, true};
    return started ? wanted : internal;
}
