/* Clock and pins of a USART on an STM32. Where they are is in platform/chip; the GPIO ports themselves are of two kinds:
 * that of the F1 (RM0041, GPIOx_CRL, GPIOx_CRH) and that of all later families (RM0090, GPIOx_MODER and on). */
#ifndef MCUQ_STM32_PINS_H
#define MCUQ_STM32_PINS_H

#include "board.h"
#include "mmio.h"
#include MCUQ_CHIP_HEADER

#define STM32_GPIO(port) (STM32_GPIOA + 0x400U * (port))

static inline void stm32_set_field(uint32_t address, uint32_t position, uint32_t width, uint32_t value)
{
    const uint32_t mask = ((1U << width) - 1U) << position;
    mmio_write(address, (mmio_read(address) & ~mask) | (value << position));
}

static inline void stm32_enable(uint32_t address, uint32_t bit)
{
    mmio_set(address, 1U << bit);
    (void)mmio_read(address); /* the enable takes two bus cycles */
}

#ifdef STM32_GPIO_HAS_CRL

#define STM32_GPIO_CRL 0x00U
#define STM32_GPIO_ODR 0x0CU
#define STM32_GPIO_CR_INPUT_PULLED 8U
#define STM32_GPIO_CR_ALTERNATE_10_MHZ 9U

static inline void stm32_uart_pin(uint32_t port, uint32_t pin, uint32_t function, bool is_output)
{
    (void)function; /* the pin's only one, without remapping in AFIO */
    const uint32_t gpio = STM32_GPIO(port);
    mmio_set(gpio + STM32_GPIO_ODR, 1U << pin); /* for an input: pulled up */
    stm32_set_field(gpio + STM32_GPIO_CRL + 4U * (pin / 8U), 4U * (pin % 8U), 4U,
                    is_output ? STM32_GPIO_CR_ALTERNATE_10_MHZ : STM32_GPIO_CR_INPUT_PULLED);
}

#else

#define STM32_GPIO_MODER 0x00U
#define STM32_GPIO_MODE_ALTERNATE 2U
#define STM32_GPIO_OSPEEDR 0x08U
#define STM32_GPIO_PUPDR 0x0CU
#define STM32_GPIO_PULL_UP 1U
#define STM32_GPIO_AFRL 0x20U

static inline void stm32_uart_pin(uint32_t port, uint32_t pin, uint32_t function, bool is_output)
{
    (void)is_output; /* the alternate function knows */
    const uint32_t gpio = STM32_GPIO(port);
    stm32_set_field(gpio + STM32_GPIO_AFRL + 4U * (pin / 8U), 4U * (pin % 8U), 4U, function);
    stm32_set_field(gpio + STM32_GPIO_OSPEEDR, 2U * pin, 2U, 1U);
    stm32_set_field(gpio + STM32_GPIO_PUPDR, 2U * pin, 2U, STM32_GPIO_PULL_UP);
    stm32_set_field(gpio + STM32_GPIO_MODER, 2U * pin, 2U, STM32_GPIO_MODE_ALTERNATE);
}

#endif

static inline void stm32_usart_clock_and_pins(void)
{
    stm32_enable(MCUQ_UART_ENABLE_REGISTER, MCUQ_UART_ENABLE_BIT);
    stm32_enable(STM32_RCC_GPIOENR, STM32_RCC_GPIOENR_FIRST + MCUQ_UART_TX_PORT);
    stm32_enable(STM32_RCC_GPIOENR, STM32_RCC_GPIOENR_FIRST + MCUQ_UART_RX_PORT);
    stm32_uart_pin(MCUQ_UART_TX_PORT, MCUQ_UART_TX_PIN, MCUQ_UART_TX_FUNCTION, true);
    stm32_uart_pin(MCUQ_UART_RX_PORT, MCUQ_UART_RX_PIN, MCUQ_UART_RX_FUNCTION, false);
}

#endif
