/* The USART and the LPUART of STM32F0, F3, F7, G0, G4, H7, L0, L4 and later, with separate data registers and flags cleared
 * in ICR. An LPUART differs in its divider alone, which is in 256ths.
 *
 * Sources: RM0385, chapter USART, and RM0432, chapter LPUART: registers. */
#include "platform.h"
#include "stm32_pins.h"

#define CR1 (MCUQ_UART_BASE + 0x00U)
#define CR1_UE 1U
#define CR1_RE (1U << 2)
#define CR1_TE (1U << 3)
#define BRR (MCUQ_UART_BASE + 0x0CU)
#define ISR (MCUQ_UART_BASE + 0x1CU)
#define ISR_ERRORS 15U /* parity, framing, noise, overrun; the same bits clear them in ICR */
#define ISR_RXNE (1U << 5)
#define ISR_TXE (1U << 7)
#define ICR (MCUQ_UART_BASE + 0x20U)
#define RDR (MCUQ_UART_BASE + 0x24U)
#define TDR (MCUQ_UART_BASE + 0x28U)

void mcuq_uart_init(uint32_t uart_hz)
{
    stm32_usart_clock_and_pins();
    const uint32_t rest = uart_hz % MCUQ_UART_BAUD;
    mmio_write(BRR, MCUQ_UART_BRR_FACTOR * (uart_hz / MCUQ_UART_BAUD) +
                        (MCUQ_UART_BRR_FACTOR * rest + MCUQ_UART_BAUD / 2U) / MCUQ_UART_BAUD);
    mmio_write(CR1, CR1_TE | CR1_RE);
    mmio_set(CR1, CR1_UE);
}

int32_t mcuq_uart_read(void)
{
    for (;;) {
        const uint32_t status = mmio_read(ISR);
        if ((status & ISR_ERRORS) != 0U) {
            mmio_write(ICR, status & ISR_ERRORS); /* an overrun stops reception until it is cleared; the CRC finds the gap */
        }
        if ((status & ISR_RXNE) != 0U) {
            return (int32_t)(mmio_read(RDR) & 0xFFU);
        }
    }
}

void mcuq_uart_write(uint8_t byte)
{
    while ((mmio_read(ISR) & ISR_TXE) == 0U) {
    }
    mmio_write(TDR, byte);
}
