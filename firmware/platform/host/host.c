/* The firmware as a process on the development machine: the serial line is standard input and output.
 *
 * For sanitizers, for fuzzing the protocol, and for the first rung of the ladder of proof. It counts nothing. */
#include "platform.h"

#include <stdlib.h>
#include <unistd.h>

enum { OUT_BYTES = 8192 };

static uint8_t out[OUT_BYTES];
static size_t out_length;
static uint8_t in[OUT_BYTES];
static size_t in_length;
static size_t in_next;

mcuq_clock mcuq_clock_init(void)
{
    const mcuq_clock clock = {0U, 0U, false};
    return clock;
}

mcuq_counter mcuq_counter_init(uint32_t core_hz)
{
    (void)core_hz;
    const mcuq_counter counter = {MCUQ_COUNTER_NONE, 0U, 0U};
    return counter;
}

uint64_t mcuq_ticks64(void)
{
    return 0U;
}

uint32_t mcuq_ticks(void)
{
    return 0U;
}

uint32_t mcuq_stack_used(void)
{
    return 0U;
}

uint32_t mcuq_stack_size(void)
{
    return 0U;
}

void mcuq_uart_init(uint32_t uart_hz)
{
    (void)uart_hz;
}

static void flush(void)
{
    size_t sent = 0U;
    while (sent < out_length) {
        const ssize_t count = write(STDOUT_FILENO, out + sent, out_length - sent);
        if (count <= 0) {
            exit(0); /* the other side is gone */
        }
        sent += (size_t)count;
    }
    out_length = 0U;
}

int32_t mcuq_uart_read(void)
{
    if (in_next == in_length) {
        flush();
        const ssize_t count = read(STDIN_FILENO, in, sizeof in);
        if (count <= 0) {
            return -1;
        }
        in_length = (size_t)count;
        in_next = 0U;
    }
    return in[in_next++];
}

void mcuq_uart_write(uint8_t byte)
{
    if (out_length == sizeof out) {
        flush();
    }
    out[out_length++] = byte;
}
