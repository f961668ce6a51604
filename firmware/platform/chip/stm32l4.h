/* STM32L4 and L4+: where the clocks and pins of its USARTs are (RM0351, RM0432: memory map, RCC and GPIO register maps).
 */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define STM32_RCC 0x40021000U
#define STM32_RCC_GPIOENR (STM32_RCC + 0x4CU) /* AHB2ENR */
#define STM32_RCC_GPIOENR_FIRST 0U
#define STM32_RCC_ENR_APB1 (STM32_RCC + 0x58U)   /* APB1ENR1 */
#define STM32_RCC_ENR_APB1_2 (STM32_RCC + 0x5CU) /* APB1ENR2 */
#define STM32_RCC_ENR_APB2 (STM32_RCC + 0x60U)
#define STM32_DIVIDER_APB1 1U
#define STM32_DIVIDER_APB1_2 1U
#define STM32_DIVIDER_APB2 1U

#define STM32_GPIOA 0x48000000U

#endif
