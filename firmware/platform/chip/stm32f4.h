/* STM32F4: where the clocks and pins of its USARTs are (RM0090, RM0390: memory map, RCC and GPIO register maps).
 *
 * The dividers are those that clock/stm32f4.c sets: APB1 may run at 42 or 45 MHz, APB2 at twice that. */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define STM32_RCC 0x40023800U
#define STM32_RCC_GPIOENR (STM32_RCC + 0x30U) /* AHB1ENR */
#define STM32_RCC_GPIOENR_FIRST 0U
#define STM32_RCC_ENR_APB1 (STM32_RCC + 0x40U)
#define STM32_RCC_ENR_APB2 (STM32_RCC + 0x44U)
#define STM32_DIVIDER_APB1 4U
#define STM32_DIVIDER_APB2 2U

#define STM32_GPIOA 0x40020000U

#endif
