/* STM32H743 and H753: external clock or crystal and PLL1 up to 480 MHz (revision V of the chip; voltage scale 0), powered by
 * the LDO; when a step fails, the 64 MHz internal oscillator.
 *
 * Sources: RM0433, chapters Embedded Flash memory (FLASH_ACR), PWR (PWR_CR3, PWR_CSR1, PWR_D3CR), RCC, SYSCFG
 * (SYSCFG_PWRCR), Debug (DBGMCU_IDC). */
#include "stm32_clock.h"

#define RCC_CR (STM32_RCC + 0x00U)
#define RCC_CR_HSEON (1U << 16)
#define RCC_CR_HSERDY (1U << 17)
#define RCC_CR_HSEBYP (1U << 18)
#define RCC_CR_PLL1ON (1U << 24)
#define RCC_CR_PLL1RDY (1U << 25)
#define RCC_CFGR (STM32_RCC + 0x10U)
#define RCC_CFGR_SW_PLL1 3U
#define RCC_CFGR_SWS_MASK (7U << 3)
#define RCC_CFGR_SWS_PLL1 (3U << 3)
#define RCC_D1CFGR (STM32_RCC + 0x18U)
#define RCC_D1CFGR_HPRE_DIV2 8U
#define RCC_D1CFGR_D1PPRE_DIV2 (4U << 4)
#define RCC_D2CFGR (STM32_RCC + 0x1CU)
#define RCC_D2CFGR_D2PPRE1_DIV2 (4U << 4)
#define RCC_D2CFGR_D2PPRE2_DIV2 (4U << 8)
#define RCC_D3CFGR (STM32_RCC + 0x20U)
#define RCC_D3CFGR_D3PPRE_DIV2 (4U << 4)
#define RCC_PLLCKSELR (STM32_RCC + 0x28U)
#define RCC_PLLCKSELR_SRC_HSE 2U
#define RCC_PLLCKSELR_DIVM1(m) ((m) << 4)
#define RCC_PLLCFGR (STM32_RCC + 0x2CU)
#define RCC_PLLCFGR_PLL1RGE_2_TO_4_MHZ (1U << 2) /* and the wide range of the VCO, 192 to 960 MHz */
#define RCC_PLLCFGR_DIVP1EN (1U << 16)
#define RCC_PLL1DIVR (STM32_RCC + 0x30U)
#define RCC_APB4ENR (STM32_RCC + 0xF4U)
#define RCC_APB4ENR_SYSCFGEN (1U << 1)

#define PWR_CSR1 0x58024804U
#define PWR_CSR1_ACTVOSRDY (1U << 13)
#define PWR_CR3 0x5802480CU
#define PWR_CR3_LDOEN (1U << 1)
#define PWR_CR3_SCUEN (1U << 2)
#define PWR_D3CR 0x58024818U
#define PWR_D3CR_VOSRDY (1U << 13)
#define PWR_D3CR_VOS_SCALE1 (3U << 14)
#define SYSCFG_PWRCR 0x5800042CU
#define SYSCFG_PWRCR_ODEN 1U
#define SCALE0_ABOVE_HZ 400000000U

#define DBGMCU_IDC 0x5C001000U
#define DBGMCU_IDC_REVISION_X (0x2001U << 16) /* X and V have scale 0; Z (0x1001) and Y (0x1003) stop at 400 MHz */

#define FLASH_ACR 0x52002000U
#define FLASH_ACR_LATENCY_MASK 15U
#define FLASH_ACR_WRHIGHFREQ (2U << 4)

#define HSI_HZ 64000000U

_Static_assert(MCUQ_CLOCK_PLL_M * 4000000U >= MCUQ_CLOCK_HSE_HZ && MCUQ_CLOCK_PLL_M * 2000000U <= MCUQ_CLOCK_HSE_HZ,
               "PLL1 is set up for an input of 2 to 4 MHz");

static bool chip_is_fast_enough(void)
{
    return MCUQ_CLOCK_HZ <= SCALE0_ABOVE_HZ || mmio_read(DBGMCU_IDC) >= DBGMCU_IDC_REVISION_X;
}

/* Scale 1, and from there scale 0 for more than 400 MHz. PWR_CR3 locks the way of supply at its first writing. */
static bool raise_voltage(void)
{
    mmio_write(PWR_CR3, (mmio_read(PWR_CR3) & ~PWR_CR3_SCUEN) | PWR_CR3_LDOEN);
    if (!stm32_wait(PWR_CSR1, PWR_CSR1_ACTVOSRDY, PWR_CSR1_ACTVOSRDY)) {
        return false;
    }
    mmio_set(PWR_D3CR, PWR_D3CR_VOS_SCALE1);
    if (!stm32_wait(PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY)) {
        return false;
    }
    if (MCUQ_CLOCK_HZ <= SCALE0_ABOVE_HZ) {
        return true;
    }
    mmio_set(RCC_APB4ENR, RCC_APB4ENR_SYSCFGEN);
    (void)mmio_read(RCC_APB4ENR); /* the enable takes two bus cycles */
    mmio_set(SYSCFG_PWRCR, SYSCFG_PWRCR_ODEN);
    return stm32_wait(PWR_D3CR, PWR_D3CR_VOSRDY, PWR_D3CR_VOSRDY);
}

static bool start_pll(void)
{
    mmio_set(RCC_CR, MCUQ_CLOCK_HSE_BYPASS ? RCC_CR_HSEBYP : 0U);
    mmio_set(RCC_CR, RCC_CR_HSEON);
    if (!stm32_wait(RCC_CR, RCC_CR_HSERDY, RCC_CR_HSERDY)) {
        return false;
    }
    mmio_write(RCC_PLLCKSELR, RCC_PLLCKSELR_SRC_HSE | RCC_PLLCKSELR_DIVM1(MCUQ_CLOCK_PLL_M));
    mmio_write(RCC_PLLCFGR, RCC_PLLCFGR_PLL1RGE_2_TO_4_MHZ | RCC_PLLCFGR_DIVP1EN);
    mmio_write(RCC_PLL1DIVR, (MCUQ_CLOCK_PLL_N - 1U) | ((MCUQ_CLOCK_PLL_P - 1U) << 9));
    mmio_set(RCC_CR, RCC_CR_PLL1ON);
    return stm32_wait(RCC_CR, RCC_CR_PLL1RDY, RCC_CR_PLL1RDY);
}

static bool start(void)
{
    if (!chip_is_fast_enough() || !raise_voltage() || !start_pll()) {
        return false;
    }
    mmio_write(FLASH_ACR, FLASH_ACR_WRHIGHFREQ | MCUQ_CLOCK_FLASH_WAIT_STATES);
    if (!stm32_wait(FLASH_ACR, FLASH_ACR_LATENCY_MASK, MCUQ_CLOCK_FLASH_WAIT_STATES)) {
        return false;
    }
    mmio_write(RCC_D1CFGR, RCC_D1CFGR_HPRE_DIV2 | RCC_D1CFGR_D1PPRE_DIV2);
    mmio_write(RCC_D2CFGR, RCC_D2CFGR_D2PPRE1_DIV2 | RCC_D2CFGR_D2PPRE2_DIV2);
    mmio_write(RCC_D3CFGR, RCC_D3CFGR_D3PPRE_DIV2);
    mmio_write(RCC_CFGR, RCC_CFGR_SW_PLL1);
    if (stm32_wait(RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL1)) {
        return true;
    }
    mmio_write(RCC_CFGR, 0U);
    mmio_write(RCC_D1CFGR, 0U);
    mmio_write(RCC_D2CFGR, 0U);
    mmio_write(RCC_D3CFGR, 0U);
    return false;
}

mcuq_clock mcuq_clock_init(void)
{
    return stm32_clocks(start(), HSI_HZ);
}
