/* STM32F100: where the clocks and pins of its USARTs are (RM0041: memory map, RCC and GPIO register maps). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define STM32_RCC 0x40021000U
#define STM32_RCC_GPIOENR (STM32_RCC + 0x18U) /* APB2ENR */
#define STM32_RCC_GPIOENR_FIRST 2U            /* IOPAEN */
#define STM32_RCC_ENR_APB1 (STM32_RCC + 0x1CU)
#define STM32_RCC_ENR_APB2 (STM32_RCC + 0x18U)
#define STM32_DIVIDER_APB1 1U
#define STM32_DIVIDER_APB2 1U

#define STM32_GPIOA 0x40010800U
#define STM32_GPIO_HAS_CRL 1 /* one register for mode and configuration, no alternate functions by number */

#endif
