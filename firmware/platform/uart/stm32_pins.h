/* Clock and pins of a USART on STM32F4 and F7 (RM0090 sections 7.3 and 8.4, RM0385 sections 5.3 and 6.4). */
#ifndef MCUQ_STM32_PINS_H
#define MCUQ_STM32_PINS_H

#include "board.h"
#include "mmio.h"

#define STM32_RCC 0x40023800U
#define STM32_RCC_AHB1ENR (STM32_RCC + 0x30U)
#define STM32_GPIO(port) (0x40020000U + 0x400U * (port))
#define STM32_GPIO_MODER 0x00U
#define STM32_GPIO_MODE_ALTERNATE 2U
#define STM32_GPIO_OSPEEDR 0x08U
#define STM32_GPIO_PUPDR 0x0CU
#define STM32_GPIO_PULL_UP 1U
#define STM32_GPIO_AFRL 0x20U

static inline void stm32_set_field(uint32_t address, uint32_t position, uint32_t width, uint32_t value)
{
    const uint32_t mask = ((1U << width) - 1U) << position;
    mmio_write(address, (mmio_read(address) & ~mask) | (value << position));
}

static inline void stm32_alternate_pin(uint32_t port, uint32_t pin, uint32_t function)
{
    mmio_set(STM32_RCC_AHB1ENR, 1U << port);
    (void)mmio_read(STM32_RCC_AHB1ENR); /* the enable takes two bus cycles */
    const uint32_t gpio = STM32_GPIO(port);
    stm32_set_field(gpio + STM32_GPIO_AFRL + 4U * (pin / 8U), 4U * (pin % 8U), 4U, function);
    stm32_set_field(gpio + STM32_GPIO_OSPEEDR, 2U * pin, 2U, 1U);
    stm32_set_field(gpio + STM32_GPIO_PUPDR, 2U * pin, 2U, STM32_GPIO_PULL_UP);
    stm32_set_field(gpio + STM32_GPIO_MODER, 2U * pin, 2U, STM32_GPIO_MODE_ALTERNATE);
}

static inline void stm32_usart_clock_and_pins(void)
{
    mmio_set(STM32_RCC + MCUQ_UART_ENABLE_OFFSET, 1U << MCUQ_UART_ENABLE_BIT);
    (void)mmio_read(STM32_RCC + MCUQ_UART_ENABLE_OFFSET);
    stm32_alternate_pin(MCUQ_UART_TX_PORT, MCUQ_UART_TX_PIN, MCUQ_UART_TX_FUNCTION);
    stm32_alternate_pin(MCUQ_UART_RX_PORT, MCUQ_UART_RX_PIN, MCUQ_UART_RX_FUNCTION);
}

#endif
