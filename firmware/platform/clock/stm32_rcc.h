/* Registers of RCC that the STM32F4 and F7 have in common (RM0090 section 7.3, RM0385 section 5.3), and the two steps of
 * start-up that are the same on both. */
#ifndef MCUQ_STM32_RCC_H
#define MCUQ_STM32_RCC_H

#include "board.h"
#include "mmio.h"

#define RCC 0x40023800U
#define RCC_CR (RCC + 0x00U)
#define RCC_CR_HSEON (1U << 16)
#define RCC_CR_HSERDY (1U << 17)
#define RCC_CR_HSEBYP (1U << 18)
#define RCC_CR_PLLON (1U << 24)
#define RCC_CR_PLLRDY (1U << 25)
#define RCC_PLLCFGR (RCC + 0x04U)
#define RCC_PLLCFGR_SRC_HSE (1U << 22)
#define RCC_CFGR (RCC + 0x08U)
#define RCC_CFGR_SW_PLL 2U
#define RCC_CFGR_SW_MASK 3U
#define RCC_CFGR_SWS_MASK (3U << 2)
#define RCC_CFGR_SWS_PLL (2U << 2)
#define RCC_CFGR_PPRE1_DIV4 (5U << 10)
#define RCC_CFGR_PPRE2_DIV2 (4U << 13)
#define RCC_AHB1ENR (RCC + 0x30U)
#define RCC_APB1ENR (RCC + 0x40U)
#define RCC_APB1ENR_PWREN (1U << 28)
#define RCC_APB2ENR (RCC + 0x44U)

#define FLASH_ACR 0x40023C00U
#define FLASH_ACR_LATENCY_MASK 15U

/* More than the slowest start-up (a crystal's few milliseconds) at 16 MHz, and soon over where nothing answers. */
#define STM32_READY_TRIES 50000U

/* Starts the external clock or crystal; false when it does not come up. */
static inline bool stm32_start_hse(void)
{
    if (MCUQ_CLOCK_HSE_BYPASS) {
        mmio_set(RCC_CR, RCC_CR_HSEBYP);
    }
    mmio_set(RCC_CR, RCC_CR_HSEON);
    return mmio_wait(RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY, STM32_READY_TRIES);
}

static inline void stm32_set_pll(void)
{
    mmio_write(RCC_PLLCFGR, MCUQ_CLOCK_PLL_M | (MCUQ_CLOCK_PLL_N << 6) | ((MCUQ_CLOCK_PLL_P / 2U - 1U) << 16) |
                                RCC_PLLCFGR_SRC_HSE | (MCUQ_CLOCK_PLL_Q << 24));
    mmio_set(RCC_CR, RCC_CR_PLLON);
}

/* Sets the flash wait states and buses, then runs the core from the PLL; false when either does not take. */
static inline bool stm32_switch_to_pll(uint32_t flash_acr)
{
    mmio_write(FLASH_ACR, flash_acr);
    if (!mmio_wait(FLASH_ACR, FLASH_ACR_LATENCY_MASK, flash_acr & FLASH_ACR_LATENCY_MASK, STM32_READY_TRIES)) {
        return false;
    }
    mmio_set(RCC_CFGR, RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2);
    mmio_write(RCC_CFGR, (mmio_read(RCC_CFGR) & ~RCC_CFGR_SW_MASK) | RCC_CFGR_SW_PLL);
    return mmio_wait(RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL, STM32_READY_TRIES);
}

#endif
