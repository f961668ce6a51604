/* Boards whose clock is fixed: FPGA images and their simulators. */
#include "board.h"
#include "platform.h"

mcuq_clock mcuq_clock_init(void)
{
    const mcuq_clock clock = {MCUQ_CLOCK_HZ, MCUQ_UART_CLOCK_HZ, false};
    return clock;
}
