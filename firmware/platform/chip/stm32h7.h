/* STM32H743: where the clocks and pins of its USARTs are (RM0433: memory map, RCC and GPIO register maps).
 *
 * The dividers are from the core to the bus, as clock/stm32h7.c sets them: AHB at half the core clock, APB at half of
 * that. */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define STM32_RCC 0x58024400U
#define STM32_RCC_GPIOENR (STM32_RCC + 0xE0U) /* AHB4ENR */
#define STM32_RCC_GPIOENR_FIRST 0U
#define STM32_RCC_ENR_APB1 (STM32_RCC + 0xE8U) /* APB1LENR */
#define STM32_RCC_ENR_APB2 (STM32_RCC + 0xF0U)
#define STM32_DIVIDER_APB1 4U
#define STM32_DIVIDER_APB2 4U

#define STM32_GPIOA 0x58020000U

#endif
