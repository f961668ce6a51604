/* The USART of STM32F1, F2, F4 and L1, with one data register for both directions.
 *
 * Source: RM0090, chapter USART: registers. */
#include "platform.h"
#include "stm32_pins.h"

#define SR (MCUQ_UART_BASE + 0x00U)
#define SR_RXNE (1U << 5)
#define SR_TXE (1U << 7)
#define DR (MCUQ_UART_BASE + 0x04U)
#define BRR (MCUQ_UART_BASE + 0x08U)
#define CR1 (MCUQ_UART_BASE + 0x0CU)
#define CR1_RE (1U << 2)
#define CR1_TE (1U << 3)
#define CR1_UE (1U << 13)

void mcuq_uart_init(uint32_t uart_hz)
{
    stm32_usart_clock_and_pins();
    mmio_write(BRR, (uart_hz + MCUQ_UART_BAUD / 2U) / MCUQ_UART_BAUD);
    mmio_write(CR1, CR1_UE | CR1_TE | CR1_RE);
}

int32_t mcuq_uart_read(void)
{
    while ((mmio_read(SR) & SR_RXNE) == 0U) {
    }
    return (int32_t)(mmio_read(DR) & 0xFFU); /* reading SR, then DR, also clears the overrun flag */
}

void mcuq_uart_write(uint8_t byte)
{
    while ((mmio_read(SR) & SR_TXE) == 0U) {
    }
    mmio_write(DR, byte);
}
