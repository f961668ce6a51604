/* STM32F40x: crystal and PLL up to 168 MHz; when a step fails, the 16 MHz internal oscillator.
 *
 * Sources: RM0090 section 3.5 and 3.9.1 (flash wait states and caches), 5.4.1 (VOS), 7.2 and 7.3 (RCC). */
#include "platform.h"
#include "stm32_rcc.h"

#define PWR_CR 0x40007000U
#define PWR_CR_VOS_SCALE1 (1U << 14)

#define FLASH_ACR_PREFETCH (1U << 8)
#define FLASH_ACR_INSTRUCTION_CACHE (1U << 9)
#define FLASH_ACR_DATA_CACHE (1U << 10)

#define HSI_HZ 16000000U

static bool start_pll(void)
{
    if (!stm32_start_hse()) {
        return false;
    }
    mmio_set(RCC_APB1ENR, RCC_APB1ENR_PWREN);
    (void)mmio_read(RCC_APB1ENR); /* the enable takes two bus cycles */
    mmio_set(PWR_CR, PWR_CR_VOS_SCALE1); /* to be set before the PLL is on */
    stm32_set_pll();
    return mmio_wait(RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY, STM32_READY_TRIES) &&
           stm32_switch_to_pll(FLASH_ACR_PREFETCH | FLASH_ACR_INSTRUCTION_CACHE | FLASH_ACR_DATA_CACHE |
                               MCUQ_CLOCK_FLASH_WAIT_STATES);
}

mcuq_clock mcuq_clock_init(void)
{
    if (start_pll()) {
        const mcuq_clock pll = {MCUQ_CLOCK_HZ, MCUQ_CLOCK_HZ / MCUQ_UART_CLOCK_DIVIDER, false};
        return pll;
    }
    const mcuq_clock hsi = {HSI_HZ, HSI_HZ, true};
    return hsi;
}
