/* LPC55S6x: the 96 MHz output of the internal oscillator; when it does not come, the 12 MHz output of the same.
 *
 * The chip runs at 150 MHz from a PLL, at a higher core voltage. UM11126 names no register for that voltage: it points to a
 * call of NXP's power library, which reads factory data that the manual does not describe. Up to 100 MHz the voltage after
 * reset is enough.
 *
 * Sources: UM11126, chapters SYSCON (MAINCLKSELA, MAINCLKSELB, AHBCLKDIV, FMCCR), Analog control (FRO192M_CTRL,
 * FRO192M_STATUS), Flash (command "set read mode"). */
#include "board.h"
#include "mmio.h"
#include "platform.h"
#include MCUQ_CHIP_HEADER

#define MAINCLKSELA (LPC_SYSCON + 0x280U)
#define MAINCLKSELA_FRO12M 0U
#define MAINCLKSELA_FRO96M 3U
#define MAINCLKSELB (LPC_SYSCON + 0x284U)
#define MAINCLKSELB_FROM_A 0U
#define AHBCLKDIV (LPC_SYSCON + 0x380U)
#define AHBCLKDIV_CHANGING (1U << 31)
#define FMCCR (LPC_SYSCON + 0x400U)
#define FMCCR_FLASHTIM_MASK (15U << 12)

#define ANALOG_CONTROL 27U /* in PRESETCTRL2 and AHBCLKCTRL2 */
#define FRO192M_CTRL (LPC_ANACTRL + 0x10U)
#define FRO192M_CTRL_12_MHZ (1U << 14)
#define FRO192M_CTRL_96_MHZ (1U << 30)
#define FRO192M_STATUS (LPC_ANACTRL + 0x14U)
#define FRO192M_STATUS_CLK_VALID 1U

#define FLASH_CMD (LPC_FLASH + 0x00U)
#define FLASH_CMD_SET_READ_MODE 2U
#define FLASH_DATAW0 (LPC_FLASH + 0x80U)
#define FLASH_DATAW0_WAIT_STATES 15U
#define FLASH_INT_STATUS (LPC_FLASH + 0xFE0U)
#define FLASH_INT_STATUS_DONE (1U << 2)
#define FLASH_INT_CLR_STATUS (LPC_FLASH + 0xFE8U)
#define FLASH_INT_ALL 15U

#define READY_TRIES 50000U

_Static_assert(MCUQ_CLOCK_HZ == 96000000U, "this driver knows one clock");

/* In the flash itself, and in the bus interface before it. */
static bool set_wait_states(void)
{
    mmio_write(FLASH_INT_CLR_STATUS, FLASH_INT_ALL);
    mmio_write(FLASH_DATAW0, (mmio_read(FLASH_DATAW0) & ~FLASH_DATAW0_WAIT_STATES) | MCUQ_CLOCK_FLASH_WAIT_STATES);
    mmio_write(FLASH_CMD, FLASH_CMD_SET_READ_MODE);
    const bool done = mmio_wait(FLASH_INT_STATUS, FLASH_INT_STATUS_DONE, FLASH_INT_STATUS_DONE, READY_TRIES);
    mmio_write(FMCCR, (mmio_read(FMCCR) & ~FMCCR_FLASHTIM_MASK) | (MCUQ_CLOCK_FLASH_WAIT_STATES << 12));
    return done;
}

/* First away from whatever the boot ROM chose. */
static bool start(void)
{
    mmio_write(LPC_PRESETCTRLCLR(2U), 1U << ANALOG_CONTROL);
    mmio_write(LPC_AHBCLKCTRLSET(2U), 1U << ANALOG_CONTROL);
    mmio_set(FRO192M_CTRL, FRO192M_CTRL_12_MHZ | FRO192M_CTRL_96_MHZ);
    mmio_write(MAINCLKSELA, MAINCLKSELA_FRO12M);
    mmio_write(MAINCLKSELB, MAINCLKSELB_FROM_A);
    mmio_write(AHBCLKDIV, 0U); /* by 1 */
    if (!mmio_wait(AHBCLKDIV, AHBCLKDIV_CHANGING, 0U, READY_TRIES) || !set_wait_states() ||
        !mmio_wait(FRO192M_STATUS, FRO192M_STATUS_CLK_VALID, FRO192M_STATUS_CLK_VALID, READY_TRIES)) {
        return false;
    }
    mmio_write(MAINCLKSELA, MAINCLKSELA_FRO96M);
    return true;
}

mcuq_clock mcuq_clock_init(void)
{
    const bool started = start();
    const mcuq_clock clock = {started ? MCUQ_CLOCK_HZ : LPC_FRO12M_HZ, LPC_FRO12M_HZ, !started};
    return clock;
}
