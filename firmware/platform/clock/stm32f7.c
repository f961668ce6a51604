/* STM32F7: external clock and PLL up to 216 MHz with over-drive; when a step fails, the 16 MHz internal oscillator.
 *
 * Sources: RM0385 section 3.3.2 (flash wait states), 4.1.4 (over-drive), 5.2 and 5.3 (RCC). */
#include "platform.h"
#include "stm32_rcc.h"

#define PWR_CR1 0x40007000U
#define PWR_CR1_VOS_SCALE1 (3U << 14)
#define PWR_CR1_ODEN (1U << 16)
#define PWR_CR1_ODSWEN (1U << 17)
#define PWR_CSR1 0x40007004U
#define PWR_CSR1_ODRDY (1U << 16)
#define PWR_CSR1_ODSWRDY (1U << 17)

#define FLASH_ACR_PREFETCH (1U << 8)
#define FLASH_ACR_ART (1U << 9)

#define HSI_HZ 16000000U

static bool start_overdrive(void)
{
    mmio_set(PWR_CR1, PWR_CR1_ODEN);
    if (!mmio_wait(PWR_CSR1, PWR_CSR1_ODRDY, PWR_CSR1_ODRDY, STM32_READY_TRIES)) {
        return false;
    }
    mmio_set(PWR_CR1, PWR_CR1_ODSWEN);
    return mmio_wait(PWR_CSR1, PWR_CSR1_ODSWRDY, PWR_CSR1_ODSWRDY, STM32_READY_TRIES);
}

static bool start_pll(void)
{
    if (!stm32_start_hse()) {
        return false;
    }
    mmio_set(RCC_APB1ENR, RCC_APB1ENR_PWREN);
    (void)mmio_read(RCC_APB1ENR); /* the enable takes two bus cycles */
    mmio_set(PWR_CR1, PWR_CR1_VOS_SCALE1); /* to be set before the PLL is on */
    stm32_set_pll();
    return start_overdrive() && mmio_wait(RCC_CR, RCC_CR_PLLRDY, RCC_CR_PLLRDY, STM32_READY_TRIES) &&
           stm32_switch_to_pll(FLASH_ACR_PREFETCH | FLASH_ACR_ART | MCUQ_CLOCK_FLASH_WAIT_STATES);
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
