/* The UART of Arm's CMSDK, as on the MPS2 and MPS3 FPGA images.
 *
 * Source: Cortex-M System Design Kit TRM (DDI0479), APB UART. */
#include "board.h"
#include "mmio.h"
#include "platform.h"

#define DATA (MCUQ_UART_BASE + 0x00U)
#define STATE (MCUQ_UART_BASE + 0x04U)
#define STATE_TX_FULL 1U
#define STATE_RX_FULL 2U
#define CTRL (MCUQ_UART_BASE + 0x08U)
#define CTRL_TX_AND_RX_ENABLE 3U
#define BAUDDIV (MCUQ_UART_BASE + 0x10U)
#define BAUDDIV_LEAST 16U

void mcuq_uart_init(uint32_t uart_hz)
{
    const uint32_t divider = (uart_hz + MCUQ_UART_BAUD / 2U) / MCUQ_UART_BAUD;
    mmio_write(BAUDDIV, divider < BAUDDIV_LEAST ? BAUDDIV_LEAST : divider);
    mmio_write(CTRL, CTRL_TX_AND_RX_ENABLE);
}

int32_t mcuq_uart_read(void)
{
    while ((mmio_read(STATE) & STATE_RX_FULL) == 0U) {
    }
    return (int32_t)(mmio_read(DATA) & 0xFFU);
}

void mcuq_uart_write(uint8_t byte)
{
    while ((mmio_read(STATE) & STATE_TX_FULL) != 0U) {
    }
    mmio_write(DATA, byte);
}
