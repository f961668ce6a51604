/* nRF52833 and nRF52840: the 32 MHz crystal, from which 64 MHz are made, for an accurate serial line (after reset an RC
 * oscillator makes the same 64 MHz); and the cache before the flash.
 *
 * Source: nRF52840 Product Specification, chapters CLOCK, NVMC (ICACHECNF), UICR and Access port protection. */
#include "board.h"
#include "mmio.h"
#include "platform.h"

#define CLOCK 0x40000000U
#define TASKS_HFCLKSTART (CLOCK + 0x000U)
#define EVENTS_HFCLKSTARTED (CLOCK + 0x100U)
#define START_TRIES 100000U

#define NVMC_ICACHECNF 0x4001E540U
#define NVMC_ICACHECNF_CACHEEN 1U

#define APPROTECT_DISABLE 0x40000558U
#define UICR_APPROTECT 0x10001208U

mcuq_clock mcuq_clock_init(void)
{
    /* Later revisions of the chip lock a debugger out unless the program, too, says what UICR says. */
    mmio_write(APPROTECT_DISABLE, mmio_read(UICR_APPROTECT));
    mmio_write(NVMC_ICACHECNF, NVMC_ICACHECNF_CACHEEN);
    mmio_write(EVENTS_HFCLKSTARTED, 0U);
    mmio_write(TASKS_HFCLKSTART, 1U);
    const bool started = mmio_wait(EVENTS_HFCLKSTARTED, 1U, 1U, START_TRIES);
    const mcuq_clock clock = {MCUQ_CLOCK_HZ, MCUQ_CLOCK_HZ, !started};
    return clock;
}
