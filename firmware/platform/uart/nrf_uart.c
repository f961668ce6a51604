/* The UART of nRF51 and nRF52, with a receive FIFO of six bytes.
 *
 * Sources: nRF51 Series Reference Manual 3.0 and nRF52840 Product Specification, chapter UART. */
#include "nrf_pins.h"
#include "platform.h"

#define TASKS_STARTRX (MCUQ_UART_BASE + 0x000U)
#define TASKS_STARTTX (MCUQ_UART_BASE + 0x008U)
#define EVENTS_RXDRDY (MCUQ_UART_BASE + 0x108U)
#define EVENTS_TXDRDY (MCUQ_UART_BASE + 0x11CU)
#define ENABLE (MCUQ_UART_BASE + 0x500U)
#define ENABLE_UART 4U
#define PSELTXD (MCUQ_UART_BASE + 0x50CU)
#define PSELRXD (MCUQ_UART_BASE + 0x514U)
#define RXD (MCUQ_UART_BASE + 0x518U)
#define TXD (MCUQ_UART_BASE + 0x51CU)
#define BAUDRATE (MCUQ_UART_BASE + 0x524U)

void mcuq_uart_init(uint32_t uart_hz)
{
    (void)uart_hz; /* always 16 MHz */
    nrf_uart_pins();
    mmio_write(PSELTXD, MCUQ_UART_TX_PIN);
    mmio_write(PSELRXD, MCUQ_UART_RX_PIN);
    mmio_write(BAUDRATE, NRF_BAUDRATE);
    mmio_write(ENABLE, ENABLE_UART);
    mmio_write(TASKS_STARTTX, 1U);
    mmio_write(TASKS_STARTRX, 1U);
}

int32_t mcuq_uart_read(void)
{
    while (mmio_read(EVENTS_RXDRDY) == 0U) {
    }
    mmio_write(EVENTS_RXDRDY, 0U); /* before RXD is read: reading it brings the FIFO's next byte and its event */
    return (int32_t)(mmio_read(RXD) & 0xFFU);
}

void mcuq_uart_write(uint8_t byte)
{
    mmio_write(EVENTS_TXDRDY, 0U);
    mmio_write(TXD, byte);
    while (mmio_read(EVENTS_TXDRDY) == 0U) {
    }
}
