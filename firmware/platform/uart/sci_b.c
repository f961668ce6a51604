/* The SCI of the RA8 (SCI_B), asynchronous, with its FIFOs of 16 bytes.
 *
 * MCUQ_UART_ENABLE_BIT is the channel's bit in MSTPCRB, 22 for SCI9. Source: RA8M1 User's Manual: Hardware (R01UH0994),
 * chapters Serial Communications Interface, Low Power Modes (MSTPCRB), I/O Ports (PmnPFS, PWPRS). */
#include "board.h"
#include "mmio.h"
#include "platform.h"
#include MCUQ_CHIP_HEADER

#define RDR (MCUQ_UART_BASE + 0x00U)
#define TDR (MCUQ_UART_BASE + 0x04U)
#define CCR0 (MCUQ_UART_BASE + 0x08U)
#define CCR0_RE_TE ((1U << 4) | 1U)
#define CCR1 (MCUQ_UART_BASE + 0x0CU)
#define CCR1_TXD_HIGH (3U << 4) /* while the transmitter is off */
#define CCR2 (MCUQ_UART_BASE + 0x10U)
#define CCR2_BGDM (1U << 4) /* with ABCS 0: 16 clocks a bit */
#define CCR2_BRR(n) ((n) << 8)
#define CCR2_MODULATED(mddr) (((mddr) << 24) | (1U << 16))
#define CCR2_UNMODULATED (0xFFU << 24)
#define CCR3 (MCUQ_UART_BASE + 0x14U)
#define CCR3_8_BITS_LSB_FIRST_FIFO ((2U << 8) | (1U << 12) | (1U << 20))
#define CCR4 (MCUQ_UART_BASE + 0x18U)
#define FCR (MCUQ_UART_BASE + 0x24U)
#define FCR_RESET ((1U << 23) | (1U << 15))
#define CSR (MCUQ_UART_BASE + 0x48U)
#define CSR_ERRORS ((1U << 28) | (1U << 27) | (1U << 24)) /* framing, parity, overrun; the same bits clear them in CFCLR */
#define FRSR (MCUQ_UART_BASE + 0x50U)
#define FRSR_RECEIVED (63U << 8)
#define FTSR (MCUQ_UART_BASE + 0x54U)
#define FTSR_WAITING 63U
#define FIFO_BYTES 16U
#define CFCLR (MCUQ_UART_BASE + 0x68U)

#define PWPRS_PFSWE (1U << 6)
#define PWPRS_B0WI (1U << 7)
#define PFS_MEDIUM_DRIVE (1U << 10)
#define PFS_PERIPHERAL (1U << 16)
#define PFS_PSEL(function) ((function) << 24)

/* A pin's function is chosen before the pin is handed over to it. */
static void uart_pin(uint32_t port, uint32_t pin, uint32_t function)
{
    mmio_write(RA_PFS(port, pin), PFS_PSEL(function) | PFS_MEDIUM_DRIVE);
    mmio_write(RA_PFS(port, pin), PFS_PSEL(function) | PFS_MEDIUM_DRIVE | PFS_PERIPHERAL);
}

_Static_assert(MCUQ_CLOCK_HZ / 4U / 16U / MCUQ_UART_BAUD < 256U, "the baud rate is too low for a divider of 8 bits");

/* 16 clocks a bit, divided by n + 1; what that is too fast, the modulation takes off in 256ths. */
static uint32_t ccr2_for(uint32_t uart_hz)
{
    const uint32_t bit_hz = 16U * MCUQ_UART_BAUD;
    const uint32_t divider = uart_hz < bit_hz ? 1U : uart_hz / bit_hz;
    const uint32_t step = uart_hz / 65536U;
    const uint32_t mddr = (bit_hz * divider / 256U + step / 2U) / step;
    const uint32_t ccr2 = CCR2_BGDM | CCR2_BRR(divider - 1U);
    return ccr2 | (mddr < 256U ? CCR2_MODULATED(mddr) : CCR2_UNMODULATED);
}

void mcuq_uart_init(uint32_t uart_hz)
{
    mmio_write8(RA_PWPRS, 0U); /* PFSWE itself is locked by B0WI */
    mmio_write8(RA_PWPRS, PWPRS_PFSWE);
    uart_pin(MCUQ_UART_TX_PORT, MCUQ_UART_TX_PIN, MCUQ_UART_TX_FUNCTION);
    uart_pin(MCUQ_UART_RX_PORT, MCUQ_UART_RX_PIN, MCUQ_UART_RX_FUNCTION);
    mmio_write8(RA_PWPRS, 0U);
    mmio_write8(RA_PWPRS, PWPRS_B0WI);

    mmio_clear(RA_MSTPCRB, 1U << MCUQ_UART_ENABLE_BIT);
    (void)mmio_read(RA_MSTPCRB); /* the module runs when this has been read */
    mmio_write(CCR0, 0U);
    mmio_write(CCR3, CCR3_8_BITS_LSB_FIRST_FIFO);
    mmio_write(CCR2, ccr2_for(uart_hz));
    mmio_write(CCR1, CCR1_TXD_HIGH);
    mmio_write(CCR4, 0U);
    mmio_write(FCR, FCR_RESET);
    mmio_write(CFCLR, CSR_ERRORS);
    mmio_write(CCR0, CCR0_RE_TE);
}

int32_t mcuq_uart_read(void)
{
    for (;;) {
        const uint32_t errors = mmio_read(CSR) & CSR_ERRORS;
        if (errors != 0U) {
            mmio_write(CFCLR, errors); /* an overrun stops reception until it is cleared; the CRC finds the gap */
        }
        if ((mmio_read(FRSR) & FRSR_RECEIVED) != 0U) {
            return (int32_t)(mmio_read(RDR) & 0xFFU);
        }
    }
}

void mcuq_uart_write(uint8_t byte)
{
    while ((mmio_read(FTSR) & FTSR_WAITING) >= FIFO_BYTES) {
    }
    mmio_write8(TDR, byte);
}
