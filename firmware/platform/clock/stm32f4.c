/* STM32F4: crystal or external clock and PLL, up to 168 MHz, or 180 MHz where there is over-drive; when a step fails, the
 * 16 MHz internal oscillator.
 *
 * Sources: RM0090 and RM0390, chapters Embedded Flash memory interface (FLASH_ACR), PWR (PWR_CR, PWR_CSR), RCC. */
#include "stm32f4f7.h"

#define PWR_CR_VOS_SCALE1 (1U << 14) /* with the reset value of the F446's second bit, which the F405 does not have */
#define OVERDRIVE_ABOVE_HZ 168000000U

#define FLASH_ACR_PREFETCH (1U << 8)
#define FLASH_ACR_INSTRUCTION_CACHE (1U << 9)
#define FLASH_ACR_DATA_CACHE (1U << 10)

static bool start(void)
{
    if (!stm32_start_hse()) {
        return false;
    }
    stm32_set_vos(PWR_CR_VOS_SCALE1);
    stm32_set_pll();
    if (MCUQ_CLOCK_HZ > OVERDRIVE_ABOVE_HZ && !stm32_start_overdrive()) {
        return false;
    }
    return stm32_switch_to_pll(FLASH_ACR_PREFETCH | FLASH_ACR_INSTRUCTION_CACHE | FLASH_ACR_DATA_CACHE |
                               MCUQ_CLOCK_FLASH_WAIT_STATES);
}

mcuq_clock mcuq_clock_init(void)
{
    return stm32_clocks(start(), HSI_HZ);
}
