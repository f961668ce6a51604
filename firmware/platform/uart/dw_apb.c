/* Synopsys' DW_apb_uart with its fractional divider, as on Alif's Ensemble chips: a 16550 with registers of 32 bits.
 *
 * MCUQ_UART_ENABLE_BIT is the UART's number, whose bit in UART_CTRL lets its clock through and, 8 bits up, takes SYST_PCLK
 * for it. Pins are numbered through, 8 a port: P12_1 is 97.
 * Sources: Alif Ensemble E8 Hardware Reference Manual, chapters UART, CLKCTL_PER_SLV, PINMUX; DW_apb_uart databook. */
#include "board.h"
#include "mmio.h"
#include "platform.h"

#define DATA (MCUQ_UART_BASE + 0x00U) /* and the divider's low byte */
#define DLH (MCUQ_UART_BASE + 0x04U)
#define FCR (MCUQ_UART_BASE + 0x08U)
#define FCR_FIFOS_EMPTIED 7U
#define LCR (MCUQ_UART_BASE + 0x0CU)
#define LCR_8_BITS 3U
#define LCR_DIVIDER (1U << 7)
#define LSR (MCUQ_UART_BASE + 0x14U)
#define LSR_RECEIVED 1U
#define LSR_TRANSMIT_EMPTY (1U << 5)
#define SRR (MCUQ_UART_BASE + 0x88U)
#define SRR_RESET 7U
#define DLF (MCUQ_UART_BASE + 0xC0U) /* in 16ths */

#define UART_CTRL 0x4902F008U
#define UART_CTRL_ENABLE_FROM_PCLK ((1U << MCUQ_UART_ENABLE_BIT) | (1U << (MCUQ_UART_ENABLE_BIT + 8U)))
#define PINMUX(pin) (0x1A603000U + 4U * (pin))
#define PINMUX_4_MA (1U << 21)
#define PINMUX_INPUT_PULLED_UP ((1U << 19) | (1U << 16))

/* The pins' registers lie where a core takes all for memory: it may join two writes, unless there is a barrier. */
static void uart_pin(uint32_t pin, uint32_t setting)
{
    mmio_write(PINMUX(pin), setting);
    __asm__ volatile("dsb" ::: "memory");
}

void mcuq_uart_init(uint32_t uart_hz)
{
    uart_pin(MCUQ_UART_TX_PIN, PINMUX_4_MA | MCUQ_UART_TX_FUNCTION);
    uart_pin(MCUQ_UART_RX_PIN, PINMUX_INPUT_PULLED_UP | MCUQ_UART_RX_FUNCTION);
    mmio_set(UART_CTRL, UART_CTRL_ENABLE_FROM_PCLK);
    mmio_write(SRR, SRR_RESET);
    const uint32_t divider = (uart_hz + MCUQ_UART_BAUD / 2U) / MCUQ_UART_BAUD; /* in 16ths of 16 clocks */
    mmio_write(LCR, LCR_DIVIDER | LCR_8_BITS);
    mmio_write(DATA, divider / 16U & 0xFFU);
    mmio_write(DLH, divider / 16U >> 8);
    mmio_write(DLF, divider % 16U);
    mmio_write(LCR, LCR_8_BITS);
    mmio_write(FCR, FCR_FIFOS_EMPTIED);
}

int32_t mcuq_uart_read(void)
{
    while ((mmio_read(LSR) & LSR_RECEIVED) == 0U) {
    }
    return (int32_t)(mmio_read(DATA) & 0xFFU); /* an overrun shows as a gap, which the CRC finds */
}

void mcuq_uart_write(uint8_t byte)
{
    while ((mmio_read(LSR) & LSR_TRANSMIT_EMPTY) == 0U) {
    }
    mmio_write(DATA, byte);
}
