/* STM32U575 and U585: the 16 MHz internal oscillator and PLL1 up to 160 MHz, with the booster of the core's supply; when a
 * step fails, the 4 MHz MSIS oscillator that runs after reset. Also turns the instruction cache on, which lies before the
 * flash.
 *
 * Sources: RM0456, chapters FLASH (FLASH_ACR), PWR (PWR_VOSR), RCC (RCC_CR, RCC_CFGR1, RCC_PLL1CFGR, RCC_PLL1DIVR), ICACHE
 * (ICACHE_CR, ICACHE_SR). */
#include "stm32_clock.h"

#define RCC_CR (STM32_RCC + 0x00U)
#define RCC_CR_HSION (1U << 8)
#define RCC_CR_HSIRDY (1U << 10)
#define RCC_CR_PLL1ON (1U << 24)
#define RCC_CR_PLL1RDY (1U << 25)
#define RCC_CFGR1 (STM32_RCC + 0x1CU)
#define RCC_CFGR1_SW_PLL1 3U
#define RCC_CFGR1_SWS_MASK (3U << 2)
#define RCC_CFGR1_SWS_PLL1 (3U << 2)
#define RCC_PLL1CFGR (STM32_RCC + 0x28U)
#define RCC_PLL1CFGR_SRC_HSI16 2U
#define RCC_PLL1CFGR_RGE_8_TO_16_MHZ (3U << 2)
#define RCC_PLL1CFGR_M(m) (((m) - 1U) << 8)
#define RCC_PLL1CFGR_MBOOST_DIV1 (0U << 12) /* the booster takes 4 to 16 MHz */
#define RCC_PLL1CFGR_REN (1U << 18)
#define RCC_PLL1DIVR (STM32_RCC + 0x34U)
#define RCC_PLL1DIVR_N(n) ((n) - 1U)
#define RCC_PLL1DIVR_P_AND_Q_DIV2 ((1U << 9) | (1U << 16)) /* their reset values; both are off */
#define RCC_PLL1DIVR_R(r) (((r) - 1U) << 24)
#define RCC_AHB3ENR (STM32_RCC + 0x94U)
#define RCC_AHB3ENR_PWREN (1U << 2)

#define PWR_VOSR 0x4602080CU
#define PWR_VOSR_BOOSTRDY (1U << 14)
#define PWR_VOSR_VOSRDY (1U << 15)
#define PWR_VOSR_RANGE1 (3U << 16)
#define PWR_VOSR_BOOSTEN (1U << 18)

#define FLASH_ACR 0x40022000U
#define FLASH_ACR_LATENCY_MASK 15U
#define FLASH_ACR_PREFETCH (1U << 8)

#define ICACHE_CR 0x40030400U
#define ICACHE_CR_EN 1U
#define ICACHE_SR 0x40030404U
#define ICACHE_SR_BUSY 1U

#define MSIS_HZ 4000000U
#define HSI16_HZ 16000000U

_Static_assert(HSI16_HZ / MCUQ_CLOCK_PLL_M > 8000000U, "PLL1 and the booster are set up for an input of 8 to 16 MHz");

/* The booster's clock is PLL1's source behind PLL1MBOOST: both are chosen before the booster is asked for. */
static bool raise_voltage(void)
{
    mmio_set(RCC_AHB3ENR, RCC_AHB3ENR_PWREN);
    (void)mmio_read(RCC_AHB3ENR); /* the enable takes two bus cycles */
    mmio_set(PWR_VOSR, PWR_VOSR_RANGE1);
    if (!stm32_wait(PWR_VOSR, PWR_VOSR_VOSRDY, PWR_VOSR_VOSRDY)) {
        return false;
    }
    mmio_set(PWR_VOSR, PWR_VOSR_BOOSTEN);
    return stm32_wait(PWR_VOSR, PWR_VOSR_BOOSTRDY, PWR_VOSR_BOOSTRDY);
}

static bool start(void)
{
    mmio_set(RCC_CR, RCC_CR_HSION);
    if (!stm32_wait(RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY)) {
        return false;
    }
    mmio_write(RCC_PLL1CFGR, RCC_PLL1CFGR_SRC_HSI16 | RCC_PLL1CFGR_RGE_8_TO_16_MHZ | RCC_PLL1CFGR_M(MCUQ_CLOCK_PLL_M) |
                                 RCC_PLL1CFGR_MBOOST_DIV1 | RCC_PLL1CFGR_REN);
    mmio_write(RCC_PLL1DIVR,
               RCC_PLL1DIVR_N(MCUQ_CLOCK_PLL_N) | RCC_PLL1DIVR_P_AND_Q_DIV2 | RCC_PLL1DIVR_R(MCUQ_CLOCK_PLL_R));
    if (!raise_voltage()) {
        return false;
    }
    mmio_set(RCC_CR, RCC_CR_PLL1ON);
    mmio_write(FLASH_ACR, FLASH_ACR_PREFETCH | MCUQ_CLOCK_FLASH_WAIT_STATES);
    if (!stm32_wait(RCC_CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY) ||
        !stm32_wait(FLASH_ACR, FLASH_ACR_LATENCY_MASK, MCUQ_CLOCK_FLASH_WAIT_STATES)) {
        return false;
    }
    mmio_set(RCC_CFGR1, RCC_CFGR1_SW_PLL1);
    return stm32_wait(RCC_CFGR1, RCC_CFGR1_SWS_MASK, RCC_CFGR1_SWS_PLL1);
}

mcuq_clock mcuq_clock_init(void)
{
    const bool started = start();
    if (stm32_wait(ICACHE_SR, ICACHE_SR_BUSY, 0U)) { /* its own invalidation after reset */
        mmio_set(ICACHE_CR, ICACHE_CR_EN);
    }
    return stm32_clocks(started, MSIS_HZ);
}
