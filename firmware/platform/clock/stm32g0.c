/* STM32G0x1: the 16 MHz internal oscillator (which also runs after reset) and PLL up to 64 MHz; when a step fails, that
 * oscillator alone.
 *
 * Sources: RM0444, chapters Embedded Flash memory (FLASH_ACR) and RCC (RCC_CR, RCC_CFGR, RCC_PLLCFGR). */
#include "stm32_clock.h"

#define RCC_CR (STM32_RCC + 0x00U)
#define RCC_CR_PLLON (1U << 24)
#define RCC_CR_PLLRDY (1U << 25)
#define RCC_CFGR (STM32_RCC + 0x08U)
#define RCC_CFGR_SW_PLL 2U
#define RCC_CFGR_SWS_MASK (7U << 3)
#define RCC_CFGR_SWS_PLL (2U << 3)
#define RCC_PLLCFGR (STM32_RCC + 0x0CU)
#define RCC_PLLCFGR_SRC_HSI16 2U
#define RCC_PLLCFGR_M(m) (((m) - 1U) << 4)
#define RCC_PLLCFGR_N(n) ((n) << 8)
#define RCC_PLLCFGR_REN (1U << 28)
#define RCC_PLLCFGR_R(r) (((r) - 1U) << 29)

#define FLASH_ACR 0x40022000U
#define FLASH_ACR_LATENCY_MASK 7U
#define FLASH_ACR_PREFETCH (1U << 8)
#define FLASH_ACR_INSTRUCTION_CACHE (1U << 9)

#define HSI16_HZ 16000000U

static bool start(void)
{
    const uint32_t kept = mmio_read(FLASH_ACR) & ~FLASH_ACR_LATENCY_MASK; /* also holds whether a debugger may look in */
    mmio_write(FLASH_ACR, kept | FLASH_ACR_PREFETCH | FLASH_ACR_INSTRUCTION_CACHE | MCUQ_CLOCK_FLASH_WAIT_STATES);
    if (!stm32_wait(FLASH_ACR, FLASH_ACR_LATENCY_MASK, MCUQ_CLOCK_FLASH_WAIT_STATES)) {
        return false;
    }
    mmio_write(RCC_PLLCFGR, RCC_PLLCFGR_SRC_HSI16 | RCC_PLLCFGR_M(MCUQ_CLOCK_PLL_M) | RCC_PLLCFGR_N(MCUQ_CLOCK_PLL_N) |
                                RCC_PLLCFGR_R(MCUQ_CLOCK_PLL_R));
    mmio_set(RCC_CR, RCC_CR_PLLON);
    if (!stm32_wait(RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY)) {
        return false;
    }
    mmio_set(RCC_PLLCFGR, RCC_PLLCFGR_REN);
    mmio_set(RCC_CFGR, RCC_CFGR_SW_PLL);
    return stm32_wait(RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
}

mcuq_clock mcuq_clock_init(void)
{
    return stm32_clocks(start(), HSI16_HZ);
}
