/* The nRF51's UART.
 *
 * Source: nRF51 Series Reference Manual 3.0, section 29 (UART); section 14 (GPIO). */
#include "board.h"
#include "mmio.h"
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

#define GPIO_OUTSET 0x50000508U
#define GPIO_DIRSET 0x50000518U

/* BAUDRATE holds baud * 2^32 / 16 MHz, of which the low 12 bits are not used. */
#define BAUDRATE_VALUE ((uint32_t)((((uint64_t)MCUQ_UART_BAUD << 32) / 16000000U + 0x800U) & 0xFFFFF000U))

void mcuq_uart_init(uint32_t uart_hz)
{
    (void)uart_hz; /* always 16 MHz */
    mmio_write(GPIO_OUTSET, 1U << MCUQ_UART_TX_PIN); /* the idle level, before the UART takes the pin */
    mmio_write(GPIO_DIRSET, 1U << MCUQ_UART_TX_PIN);
    mmio_write(PSELTXD, MCUQ_UART_TX_PIN);
    mmio_write(PSELRXD, MCUQ_UART_RX_PIN);
    mmio_write(BAUDRATE, BAUDRATE_VALUE);
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
