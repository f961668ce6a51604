/* Pins of a serial line on an nRF: number 32 is P1.00. Source: nRF52840 Product Specification, GPIO registers. */
#ifndef MCUQ_NRF_PINS_H
#define MCUQ_NRF_PINS_H

#include "board.h"
#include "mmio.h"
#include MCUQ_CHIP_HEADER

#define NRF_GPIO_PORT(pin) (NRF_GPIO + 0x300U * ((pin) / 32U))
#define NRF_GPIO_OUTSET(pin) (NRF_GPIO_PORT(pin) + 0x508U)
#define NRF_GPIO_DIRSET(pin) (NRF_GPIO_PORT(pin) + 0x518U)
#define NRF_GPIO_PIN_CNF(pin) (NRF_GPIO_PORT(pin) + 0x700U + 4U * ((pin) % 32U))
#define NRF_GPIO_PIN_CNF_INPUT_PULLED_UP (3U << 2)

/* BAUDRATE holds baud * 2^32 / 16 MHz, of which the low 12 bits are not used. */
#define NRF_BAUDRATE ((uint32_t)((((uint64_t)MCUQ_UART_BAUD << 32) / 16000000U + 0x800U) & 0xFFFFF000U))

/* Before the UART takes the pins: the idle level on TX, RX connected. */
static inline void nrf_uart_pins(void)
{
    mmio_write(NRF_GPIO_OUTSET(MCUQ_UART_TX_PIN), 1U << (MCUQ_UART_TX_PIN % 32U));
    mmio_write(NRF_GPIO_DIRSET(MCUQ_UART_TX_PIN), 1U << (MCUQ_UART_TX_PIN % 32U));
    mmio_write(NRF_GPIO_PIN_CNF(MCUQ_UART_RX_PIN), NRF_GPIO_PIN_CNF_INPUT_PULLED_UP);
}

#endif
