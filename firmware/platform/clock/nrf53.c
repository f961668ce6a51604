/* nRF5340, application core in the secure state: the 32 MHz crystal for an accurate serial line (after reset an RC
 * oscillator makes the same clocks), the core at 128 MHz instead of 64, and the cache before the flash.
 *
 * Source: nRF5340 Product Specification, chapters CLOCK (HFCLKCTRL), CACHE, FICR (TRIMCNF), UICR and CTRL-AP. */
#include "board.h"
#include "mmio.h"
#include "platform.h"

#define CLOCK 0x50005000U
#define TASKS_HFCLKSTART (CLOCK + 0x000U)
#define EVENTS_HFCLKSTARTED (CLOCK + 0x100U)
#define HFCLKCTRL (CLOCK + 0x558U)
#define HFCLKCTRL_128_MHZ 0U
#define START_TRIES 200000U

#define CACHE_ENABLE 0x50001500U

#define CTRLAP_APPROTECT_DISABLE 0x50006544U
#define CTRLAP_SECUREAPPROTECT_DISABLE 0x5000654CU
#define UICR_APPROTECT 0x00FF8000U
#define UICR_SECUREAPPROTECT 0x00FF801CU

#define FICR_TRIMCNF 0x00FF0300U
#define FICR_TRIMCNF_PAIRS 32U
#define ERASED 0xFFFFFFFFU

/* Registers that the program has to trim after reset: pairs of an address and the value measured in production. */
static void trim(void)
{
    for (uint32_t pair = FICR_TRIMCNF; pair < FICR_TRIMCNF + 8U * FICR_TRIMCNF_PAIRS; pair += 8U) {
        const uint32_t address = mmio_read(pair);
        if (address == ERASED || address == 0U) {
            return;
        }
        mmio_write(address, mmio_read(pair + 4U));
    }
}

mcuq_clock mcuq_clock_init(void)
{
    trim();
    /* A debugger is locked out unless the program, too, says what UICR says. */
    mmio_write(CTRLAP_APPROTECT_DISABLE, mmio_read(UICR_APPROTECT));
    mmio_write(CTRLAP_SECUREAPPROTECT_DISABLE, mmio_read(UICR_SECUREAPPROTECT));
    mmio_write(CACHE_ENABLE, 1U);
    mmio_write(HFCLKCTRL, HFCLKCTRL_128_MHZ);
    mmio_write(EVENTS_HFCLKSTARTED, 0U);
    mmio_write(TASKS_HFCLKSTART, 1U);
    const bool started = mmio_wait(EVENTS_HFCLKSTARTED, 1U, 1U, START_TRIES);
    const mcuq_clock clock = {MCUQ_CLOCK_HZ, MCUQ_CLOCK_HZ, !started};
    return clock;
}
