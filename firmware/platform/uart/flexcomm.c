/* A Flexcomm interface of the LPC55S6x as USART, with FIFOs of 16 bytes, from the internal oscillator's 12 MHz output.
 *
 * MCUQ_UART_ENABLE_BIT is the interface's bit in AHBCLKCTRL1 and PRESETCTRL1, 11 for Flexcomm 0.
 * Sources: UM11126, chapters SYSCON, IOCON, Flexcomm Interface serial communication, USARTs. */
#include "board.h"
#include "mmio.h"
#include "platform.h"
#include MCUQ_CHIP_HEADER

#define FLEXCOMM (MCUQ_UART_ENABLE_BIT - 11U)
#define IOCON_CLOCK 13U /* in AHBCLKCTRL0 */
#define FCCLKSEL_FRO12M 2U
#define FLEXFRGCTRL_DIV_256 0xFFU /* the only value that it takes */
#define FLEXFRGCTRL_MULT(mult) ((mult) << 8)

#define IOCON_PIN(pin) (LPC_IOCON + 4U * (pin)) /* PIO1_0 is 32 */
#define IOCON_PULL_UP (2U << 4)
#define IOCON_DIGITAL (1U << 8)

#define CFG (MCUQ_UART_BASE + 0x00U)
#define CFG_ENABLE_8_BITS (1U | (1U << 2))
#define BRG (MCUQ_UART_BASE + 0x20U)
#define FIFOCFG (MCUQ_UART_BASE + 0xE00U)
#define FIFOCFG_ENABLE_AND_EMPTY ((3U << 16) | 3U)
#define FIFOSTAT (MCUQ_UART_BASE + 0xE04U)
#define FIFOSTAT_ERRORS 3U
#define FIFOSTAT_TX_NOT_FULL (1U << 5)
#define FIFOSTAT_RX_NOT_EMPTY (1U << 6)
#define FIFOWR (MCUQ_UART_BASE + 0xE20U)
#define FIFORD (MCUQ_UART_BASE + 0xE30U)
#define PSELID (MCUQ_UART_BASE + 0xFF8U)
#define PSELID_USART 1U

/* The USART divides by whole numbers; the fractional divider before it, by 1 + mult / 256, makes up for the rest. */
static void set_baud(uint32_t uart_hz)
{
    const uint32_t baud_16 = 16U * MCUQ_UART_BAUD;
    const uint32_t divider = uart_hz / baud_16 == 0U ? 1U : uart_hz / baud_16;
    const uint32_t undivided = baud_16 * divider;
    const uint32_t rest = uart_hz > undivided ? uart_hz - undivided : 0U;
    const uint32_t mult = (256U * (rest / 64U) + undivided / 128U) / (undivided / 64U);
    mmio_write(LPC_FLEXFRGCTRL(FLEXCOMM), FLEXFRGCTRL_DIV_256 | FLEXFRGCTRL_MULT(mult > 255U ? 255U : mult));
    mmio_write(BRG, divider - 1U);
}

void mcuq_uart_init(uint32_t uart_hz)
{
    mmio_write(LPC_AHBCLKCTRLSET(0U), 1U << IOCON_CLOCK);
    mmio_write(IOCON_PIN(MCUQ_UART_TX_PIN), MCUQ_UART_TX_FUNCTION | IOCON_DIGITAL);
    mmio_write(IOCON_PIN(MCUQ_UART_RX_PIN), MCUQ_UART_RX_FUNCTION | IOCON_PULL_UP | IOCON_DIGITAL);
    mmio_write(LPC_FCCLKSEL(FLEXCOMM), FCCLKSEL_FRO12M);
    mmio_write(LPC_AHBCLKCTRLSET(1U), 1U << MCUQ_UART_ENABLE_BIT);
    mmio_write(LPC_PRESETCTRLCLR(1U), 1U << MCUQ_UART_ENABLE_BIT);
    mmio_write(PSELID, PSELID_USART);
    set_baud(uart_hz);
    mmio_write(FIFOCFG, FIFOCFG_ENABLE_AND_EMPTY);
    mmio_write(CFG, CFG_ENABLE_8_BITS);
}

int32_t mcuq_uart_read(void)
{
    for (;;) {
        const uint32_t status = mmio_read(FIFOSTAT);
        if ((status & FIFOSTAT_ERRORS) != 0U) {
            mmio_write(FIFOSTAT, status & FIFOSTAT_ERRORS); /* an overrun shows as a gap, which the CRC finds */
        }
        if ((status & FIFOSTAT_RX_NOT_EMPTY) != 0U) {
            return (int32_t)(mmio_read(FIFORD) & 0xFFU);
        }
    }
}

void mcuq_uart_write(uint8_t byte)
{
    while ((mmio_read(FIFOSTAT) & FIFOSTAT_TX_NOT_FULL) == 0U) {
    }
    mmio_write(FIFOWR, byte);
}
