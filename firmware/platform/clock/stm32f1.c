/* STM32F100: crystal or external clock and PLL up to 24 MHz; when a step fails, the 8 MHz internal oscillator.
 *
 * The flash needs no wait state at 24 MHz. Source: RM0041, chapter RCC (RCC_CR, RCC_CFGR, RCC_CFGR2). */
#include "stm32_clock.h"

#define RCC_CR (STM32_RCC + 0x00U)
#define RCC_CR_HSEON (1U << 16)
#define RCC_CR_HSERDY (1U << 17)
#define RCC_CR_HSEBYP (1U << 18)
#define RCC_CR_PLLON (1U << 24)
#define RCC_CR_PLLRDY (1U << 25)
#define RCC_CFGR (STM32_RCC + 0x04U)
#define RCC_CFGR_SW_PLL 2U
#define RCC_CFGR_SWS_MASK (3U << 2)
#define RCC_CFGR_SWS_PLL (2U << 2)
#define RCC_CFGR_PLLSRC_PREDIV1 (1U << 16)
#define RCC_CFGR_PLLMUL(n) (((n) - 2U) << 18)
#define RCC_CFGR2 (STM32_RCC + 0x2CU)
#define RCC_CFGR2_PREDIV1(m) ((m) - 1U)

#define HSI_HZ 8000000U

static bool start(void)
{
    mmio_set(RCC_CR, MCUQ_CLOCK_HSE_BYPASS ? RCC_CR_HSEBYP : 0U);
    mmio_set(RCC_CR, RCC_CR_HSEON);
    if (!stm32_wait(RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY)) {
        return false;
    }
    mmio_write(RCC_CFGR2, RCC_CFGR2_PREDIV1(MCUQ_CLOCK_PLL_M));
    mmio_write(RCC_CFGR, RCC_CFGR_PLLSRC_PREDIV1 | RCC_CFGR_PLLMUL(MCUQ_CLOCK_PLL_N));
    mmio_set(RCC_CR, RCC_CR_PLLON);
    if (!stm32_wait(RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return false;
    }
    mmio_set(RCC_CFGR, RCC_CFGR_SW_PLL);
    return stm32_wait(RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

mcuq_clock mcuq_clock_init(void)
{
    return stm32_clocks(start(), HSI_HZ);
}
