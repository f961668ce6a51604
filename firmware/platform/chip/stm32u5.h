/* STM32U575 and U585 without TrustZone: where the clocks and pins of its USARTs are (RM0456: memory map, RCC and GPIO
 * register maps). */
#ifndef MCUQ_CHIP_H
#define MCUQ_CHIP_H

#define STM32_RCC 0x46020C00U
#define STM32_RCC_GPIOENR (STM32_RCC + 0x8CU) /* AHB2ENR1 */
#define STM32_RCC_GPIOENR_FIRST 0U
#define STM32_RCC_ENR_APB1 (STM32_RCC + 0x9CU) /* APB1ENR1 */
#define STM32_RCC_ENR_APB2 (STM32_RCC + 0xA4U)
#define STM32_DIVIDER_APB1 1U
#define STM32_DIVIDER_APB2 1U

#define STM32_GPIOA 0x42020000U

#endif
