/* The UARTE of nRF52 and nRF53, which moves bytes by DMA alone: here in pieces of one byte.
 *
 * Reception never stops: each end starts the next piece by a shortcut, into the other of two cells, whose address is
 * written while a piece is under way and taken up by the next start. A byte must be fetched before the next but one has
 * come; the link's CRC finds what is lost otherwise. Source: nRF5340 Product Specification, chapter UARTE. */
#include "nrf_pins.h"
#include "platform.h"

#define TASKS_STARTRX (MCUQ_UART_BASE + 0x000U)
#define TASKS_STARTTX (MCUQ_UART_BASE + 0x008U)
#define EVENTS_ENDRX (MCUQ_UART_BASE + 0x110U)
#define EVENTS_ENDTX (MCUQ_UART_BASE + 0x120U)
#define EVENTS_RXSTARTED (MCUQ_UART_BASE + 0x14CU)
#define SHORTS (MCUQ_UART_BASE + 0x200U)
#define SHORTS_ENDRX_STARTRX (1U << 5)
#define ENABLE (MCUQ_UART_BASE + 0x500U)
#define ENABLE_UARTE 8U
#define PSELTXD (MCUQ_UART_BASE + 0x50CU)
#define PSELRXD (MCUQ_UART_BASE + 0x514U)
#define BAUDRATE (MCUQ_UART_BASE + 0x524U)
#define BAUDRATE_115200 0x01D60000U /* as the manual has it for a UARTE: 115,108; computed, as for a UART, 115,942 */
#define RXD_PTR (MCUQ_UART_BASE + 0x534U)
#define RXD_MAXCNT (MCUQ_UART_BASE + 0x538U)
#define TXD_PTR (MCUQ_UART_BASE + 0x544U)
#define TXD_MAXCNT (MCUQ_UART_BASE + 0x548U)
#define START_TRIES 1000U

static volatile uint8_t received[2];
static volatile uint8_t sent;
static uint32_t next; /* the cell that the piece under way fills */

static void receive_later_into(uint32_t cell)
{
    mmio_write(RXD_PTR, (uint32_t)(uintptr_t)&received[cell]);
}

void mcuq_uart_init(uint32_t uart_hz)
{
    (void)uart_hz; /* always 16 MHz */
    nrf_uart_pins();
    mmio_write(PSELTXD, MCUQ_UART_TX_PIN);
    mmio_write(PSELRXD, MCUQ_UART_RX_PIN);
    mmio_write(BAUDRATE, MCUQ_UART_BAUD == 115200U ? BAUDRATE_115200 : NRF_BAUDRATE);
    mmio_write(ENABLE, ENABLE_UARTE);
    mmio_write(RXD_MAXCNT, 1U);
    mmio_write(TXD_MAXCNT, 1U);
    mmio_write(TXD_PTR, (uint32_t)(uintptr_t)&sent);
    mmio_write(SHORTS, SHORTS_ENDRX_STARTRX);
    mmio_write(EVENTS_RXSTARTED, 0U);
    mmio_write(EVENTS_ENDRX, 0U);
    receive_later_into(0U);
    mmio_write(TASKS_STARTRX, 1U);
    (void)mmio_wait(EVENTS_RXSTARTED, 1U, 1U, START_TRIES);
    receive_later_into(1U);
}

int32_t mcuq_uart_read(void)
{
    while (mmio_read(EVENTS_ENDRX) == 0U) {
    }
    mmio_write(EVENTS_ENDRX, 0U);
    const int32_t byte = received[next];
    receive_later_into(next); /* the other cell is being filled now */
    next ^= 1U;
    return byte;
}

void mcuq_uart_write(uint8_t byte)
{
    sent = byte;
    mmio_write(EVENTS_ENDTX, 0U);
    mmio_write(TASKS_STARTTX, 1U);
    while (mmio_read(EVENTS_ENDTX) == 0U) {
    }
}
