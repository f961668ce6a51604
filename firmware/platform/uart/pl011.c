/* Arm's PL011, as on RP2040 and RP2350, with FIFOs of 32 bytes.
 *
 * Sources: PrimeCell UART (PL011) TRM, DDI0183, registers; RP2040 and RP2350 datasheets, chapter GPIO. */
#include "platform.h"
#include "rp2_resets.h"

#define DR (MCUQ_UART_BASE + 0x00U)
#define FR (MCUQ_UART_BASE + 0x18U)
#define FR_RXFE (1U << 4)
#define FR_TXFF (1U << 5)
#define IBRD (MCUQ_UART_BASE + 0x24U)
#define FBRD (MCUQ_UART_BASE + 0x28U)
#define LCR_H (MCUQ_UART_BASE + 0x2CU)
#define LCR_H_FIFOS (1U << 4)
#define LCR_H_8_BITS (3U << 5)
#define CR (MCUQ_UART_BASE + 0x30U)
#define CR_ENABLE_TX_AND_RX ((1U << 9) | (1U << 8) | 1U)

#define GPIO_CTRL(pin) (RP2_IO_BANK0 + 8U * (pin) + 4U)
#define GPIO_CTRL_UART 2U
#define PAD(pin) (RP2_PADS_BANK0 + 4U * (pin) + 4U)
#define PAD_INPUT_ENABLED_4_MA_PULLED_UP ((1U << 6) | (1U << 4) | (1U << 3) | (1U << 1)) /* and not isolated on RP2350 */

static void uart_pin(uint32_t pin)
{
    mmio_write(PAD(pin), PAD_INPUT_ENABLED_4_MA_PULLED_UP);
    mmio_write(GPIO_CTRL(pin), GPIO_CTRL_UART);
}

void mcuq_uart_init(uint32_t uart_hz)
{
    const uint32_t uart = RP2_RESETS_UART((MCUQ_UART_BASE - RP2_UART0) / RP2_UART_STRIDE);
    (void)rp2_let_go(uart | RP2_RESETS_IO_BANK0 | RP2_RESETS_PADS_BANK0);
    uart_pin(MCUQ_UART_TX_PIN);
    uart_pin(MCUQ_UART_RX_PIN);
    const uint32_t divider = (4U * uart_hz + MCUQ_UART_BAUD / 2U) / MCUQ_UART_BAUD; /* in 64ths of 16 clocks */
    mmio_write(IBRD, divider / 64U);
    mmio_write(FBRD, divider % 64U);
    mmio_write(LCR_H, LCR_H_8_BITS | LCR_H_FIFOS); /* this write also takes up the divider */
    mmio_write(CR, CR_ENABLE_TX_AND_RX);
}

int32_t mcuq_uart_read(void)
{
    while ((mmio_read(FR) & FR_RXFE) != 0U) {
    }
    return (int32_t)(mmio_read(DR) & 0xFFU); /* an overrun shows as a gap, which the CRC finds */
}

void mcuq_uart_write(uint8_t byte)
{
    while ((mmio_read(FR) & FR_TXFF) != 0U) {
    }
    mmio_write(DR, byte);
}
