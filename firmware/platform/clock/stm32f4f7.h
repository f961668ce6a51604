/* Registers of RCC that the STM32F4 and F7 have in common (RM0090, RM0390, RM0385, RM0410: RCC register map), and the
 * steps of start-up that are the same on both. */
#ifndef MCUQ_STM32F4F7_H
#define MCUQ_STM32F4F7_H

#include "platform.h"
#include "stm32_clock.h"

#define RCC_CR (STM32_RCC + 0x00U)
#define RCC_CR_HSEON (1U << 16)
#define RCC_CR_HSERDY (1U << 17)
#define RCC_CR_HSEBYP (1U << 18)
#define RCC_CR_PLLON (1U << 24)
#define RCC_CR_PLLRDY (1U << 25)
#define RCC_PLLCFGR (STM32_RCC + 0x04U)
#define RCC_PLLCFGR_SRC_HSE (1U << 22)
#define RCC_PLLCFGR_KEPT (15U << 28) /* PLLR where there is one: 2 after reset, and 0 is wrong; else reserved */
#define RCC_CFGR (STM32_RCC + 0x08U)
#define RCC_CFGR_SW_PLL 2U
#define RCC_CFGR_SWS_MASK (3U << 2)
#define RCC_CFGR_SWS_PLL (2U << 2)
#define RCC_CFGR_PPRE1_DIV4 (5U << 10)
#define RCC_CFGR_PPRE2_DIV2 (4U << 13)
#define RCC_APB1ENR (STM32_RCC + 0x40U)
#define RCC_APB1ENR_PWREN (1U << 28)

#define FLASH_ACR 0x40023C00U
#define FLASH_ACR_LATENCY_MASK 15U

/* PWR: the first register is PWR_CR on the F4, PWR_CR1 on the F7, the second PWR_CSR or PWR_CSR1. */
#define PWR_CR 0x40007000U
#define PWR_CR_ODEN (1U << 16)
#define PWR_CR_ODSWEN (1U << 17)
#define PWR_CSR 0x40007004U
#define PWR_CSR_ODRDY (1U << 16)
#define PWR_CSR_ODSWRDY (1U << 17)

#define HSI_HZ 16000000U

/* Starts the external clock or crystal; false when it does not come up. */
static inline bool stm32_start_hse(void)
{
    if (MCUQ_CLOCK_HSE_BYPASS) {
        mmio_set(RCC_CR, RCC_CR_HSEBYP);
    }
    mmio_set(RCC_CR, RCC_CR_HSEON);
    return stm32_wait(RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY);
}

/* The voltage regulator's scale, to be set before the PLL is on. */
static inline void stm32_set_vos(uint32_t vos)
{
    mmio_set(RCC_APB1ENR, RCC_APB1ENR_PWREN);
    (void)mmio_read(RCC_APB1ENR); /* the enable takes two bus cycles */
    mmio_set(PWR_CR, vos);
}

static inline void stm32_set_pll(void)
{
    mmio_write(RCC_PLLCFGR, (mmio_read(RCC_PLLCFGR) & RCC_PLLCFGR_KEPT) | MCUQ_CLOCK_PLL_M | (MCUQ_CLOCK_PLL_N << 6) |
                                ((MCUQ_CLOCK_PLL_P / 2U - 1U) << 16) | RCC_PLLCFGR_SRC_HSE | (MCUQ_CLOCK_PLL_Q << 24));
    mmio_set(RCC_CR, RCC_CR_PLLON);
}

/* Raises the core's voltage for the highest clocks, between the start of the PLL and the switch to it. */
static inline bool stm32_start_overdrive(void)
{
    mmio_set(PWR_CR, PWR_CR_ODEN);
    if (!stm32_wait(PWR_CSR, PWR_CSR_ODRDY, PWR_CSR_ODRDY)) {
        return false;
    }
    mmio_set(PWR_CR, PWR_CR_ODSWEN);
    return stm32_wait(PWR_CSR, PWR_CSR_ODSWRDY, PWR_CSR_ODSWRDY);
}

/* Sets the flash wait states and buses, then runs the core from the PLL; false when either does not take. */
static inline bool stm32_switch_to_pll(uint32_t flash_acr)
{
    mmio_write(FLASH_ACR, flash_acr);
    if (!stm32_wait(RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY) ||
        !stm32_wait(FLASH_ACR, FLASH_ACR_LATENCY_MASK, flash_acr & FLASH_ACR_LATENCY_MASK)) {
        return false;
    }
    mmio_write(RCC_CFGR, RCC_CFGR_PPRE1_DIV4 | RCC_CFGR_PPRE2_DIV2);
    mmio_set(RCC_CFGR, RCC_CFGR_SW_PLL);
    if (stm32_wait(RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL)) {
        return true;
    }
    mmio_write(RCC_CFGR, 0U); /* the internal oscillator, and the buses undivided */
    return false;
}

#endif
