/* STM32F7: external clock or crystal and PLL up to 216 MHz with over-drive; when a step fails, the 16 MHz internal
 * oscillator.
 *
 * Sources: RM0385 and RM0410, chapters Embedded Flash memory (FLASH_ACR), PWR (PWR_CR1, PWR_CSR1), RCC. */
#include "stm32f4f7.h"

#define PWR_CR1_VOS_SCALE1 (3U << 14)

#define FLASH_ACR_PREFETCH (1U << 8)
#define FLASH_ACR_ART (1U << 9)

static bool start(void)
{
    if (!stm32_start_hse()) {
        return false;
    }
    stm32_set_vos(PWR_CR1_VOS_SCALE1);
    stm32_set_pll();
    return stm32_start_overdrive() &&
           stm32_switch_to_pll(FLASH_ACR_PREFETCH | FLASH_ACR_ART | MCUQ_CLOCK_FLASH_WAIT_STATES);
}

mcuq_clock mcuq_clock_init(void)
{
    return stm32_clocks(start(), HSI_HZ);
}
