/* STM32G0x1: where the clocks and pins of its USARTs are (RM0444: memory map, RCC and GPIO register maps). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define STM32_RCC 0x40021000U
#define STM32_RCC_GPIOENR (STM32_RCC + 0x34U) /* IOPENR */
#define STM32_RCC_GPIOENR_FIRST 0U
#define STM32_RCC_ENR_APB1 (STM32_RCC + 0x3CU) /* APBENR1; there is one APB with two enable registers */
#define STM32_RCC_ENR_APB2 (STM32_RCC + 0x40U) /* APBENR2 */
#define STM32_DIVIDER_APB1 1U
#define STM32_DIVIDER_APB2 1U

#define STM32_GPIOA 0x50000000U

#endif
