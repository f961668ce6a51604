/* STM32L4 and L4+: the 16 MHz internal oscillator and PLL up to 80 MHz, or 120 MHz on an L4+; when a step fails, the 4 MHz
 * MSI oscillator that runs after reset.
 *
 * Sources: RM0351 and RM0432, chapters Embedded Flash memory (FLASH_ACR), PWR (PWR_CR2, PWR_CR5), RCC (RCC_CR, RCC_CFGR,
 * RCC_PLLCFGR). */
#include "stm32_clock.h"

#define RCC_CR (STM32_RCC + 0x00U)
#define RCC_CR_HSION (1U << 8)
#define RCC_CR_HSIRDY (1U << 10)
#define RCC_CR_PLLON (1U << 24)
#define RCC_CR_PLLRDY (1U << 25)
#define RCC_CFGR (STM32_RCC + 0x08U)
#define RCC_CFGR_SW_PLL 3U
#define RCC_CFGR_SWS_MASK (3U << 2)
#define RCC_CFGR_SWS_PLL (3U << 2)
#define RCC_CFGR_HPRE_DIV2 (8U << 4)
#define RCC_PLLCFGR (STM32_RCC + 0x0CU)
#define RCC_PLLCFGR_SRC_HSI16 2U
#define RCC_PLLCFGR_M(m) (((m) - 1U) << 4)
#define RCC_PLLCFGR_N(n) ((n) << 8)
#define RCC_PLLCFGR_REN (1U << 24)
#define RCC_PLLCFGR_R(r) (((r) / 2U - 1U) << 25)
#define RCC_APB1ENR1_PWREN 28U

#define PWR_CR2 0x40007004U
#define PWR_CR2_IOSV (1U << 9)
#define PWR_CR5 0x40007080U
#define PWR_CR5_R1MODE (1U << 8) /* set: normal mode, for 80 MHz at most; clear: boost mode, on an L4+ only */
#define NORMAL_MODE_HZ 80000000U

#define FLASH_ACR 0x40022000U
#define FLASH_ACR_LATENCY_MASK 15U
#define FLASH_ACR_PREFETCH (1U << 8)
#define FLASH_ACR_INSTRUCTION_CACHE (1U << 9)
#define FLASH_ACR_DATA_CACHE (1U << 10)

#define PORT_G 6U /* the one port that has a supply of its own, VDDIO2, which must be declared valid */
#define MSI_HZ 4000000U

static void set_up_power(void)
{
    mmio_set(STM32_RCC_ENR_APB1, 1U << RCC_APB1ENR1_PWREN);
    (void)mmio_read(STM32_RCC_ENR_APB1); /* the enable takes two bus cycles */
    if (MCUQ_UART_TX_PORT == PORT_G || MCUQ_UART_RX_PORT == PORT_G) {
        mmio_set(PWR_CR2, PWR_CR2_IOSV);
    }
    if (MCUQ_CLOCK_HZ > NORMAL_MODE_HZ) {
        mmio_clear(PWR_CR5, PWR_CR5_R1MODE);
    }
}

/* Above 80 MHz the bus is to run at half the clock for 1 microsecond around the switch. */
static bool switch_to_pll(void)
{
    const uint32_t divided = MCUQ_CLOCK_HZ > NORMAL_MODE_HZ ? RCC_CFGR_HPRE_DIV2 : 0U;
    mmio_write(RCC_CFGR, divided);
    mmio_write(RCC_CFGR, divided | RCC_CFGR_SW_PLL);
    const bool switched = stm32_wait(RCC_CFGR, RCC_CFGR_SWS_MASK, RCC_CFGR_SWS_PLL);
    for (uint32_t i = 0U; i < 64U; i++) {
        (void)mmio_read(RCC_CFGR);
    }
    mmio_write(RCC_CFGR, switched ? RCC_CFGR_SW_PLL : 0U);
    return switched;
}

static bool start(void)
{
    mmio_set(RCC_CR, RCC_CR_HSION);
    if (!stm32_wait(RCC_CR, RCC_CR_HSIRDY, RCC_CR_HSIRDY)) {
        return false;
    }
    mmio_write(RCC_PLLCFGR, RCC_PLLCFGR_SRC_HSI16 | RCC_PLLCFGR_M(MCUQ_CLOCK_PLL_M) | RCC_PLLCFGR_N(MCUQ_CLOCK_PLL_N) |
                                RCC_PLLCFGR_R(MCUQ_CLOCK_PLL_R));
    mmio_set(RCC_CR, RCC_CR_PLLON);
    mmio_write(FLASH_ACR, FLASH_ACR_PREFETCH | FLASH_ACR_INSTRUCTION_CACHE | FLASH_ACR_DATA_CACHE |
                              MCUQ_CLOCK_FLASH_WAIT_STATES);
    if (!stm32_wait(RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY) ||
        !stm32_wait(FLASH_ACR, FLASH_ACR_LATENCY_MASK, MCUQ_CLOCK_FLASH_WAIT_STATES)) {
        return false;
    }
    mmio_set(RCC_PLLCFGR, RCC_PLLCFGR_REN);
    return switch_to_pll();
}

mcuq_clock mcuq_clock_init(void)
{
    set_up_power();
    return stm32_clocks(start(), MSI_HZ);
}
