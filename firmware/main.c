/* The firmware's main function: clocks, counter and serial line up, then requests are answered for ever. */
#include "platform.h"
#include "protocol.h"

int main(void);

int main(void)
{
    const mcuq_clock clock = mcuq_clock_init();
    mcuq_uart_init(clock.uart_hz);
    const mcuq_counter counter = mcuq_counter_init(clock.core_hz);
    mcuq_protocol_serve(clock, counter);
    return 0;
}
