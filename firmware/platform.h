/* What the portable part of the firmware (main.c, protocol.c, profile.c) needs from a platform.
 *
 * platform/cortexm with one file each of platform/clock, platform/uart and platform/counter implements it for a board;
 * platform/host implements it for a process on the development machine. */
#ifndef MCUQ_PLATFORM_H
#define MCUQ_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

/* The clocks that run after mcuq_clock_init; `fallback` says that the board's own clock did not come up in time and the
 * core still runs from the oscillator it came out of reset with. */
typedef struct {
    uint32_t core_hz;
    uint32_t uart_hz;
    bool fallback;
} mcuq_clock;

typedef enum {
    MCUQ_COUNTER_NONE = 0,
    MCUQ_COUNTER_DWT = 1,     /* CYCCNT: core cycles, 32 bits */
    MCUQ_COUNTER_SYSTICK = 2, /* SysTick, extended to 56 bits by its interrupt */
    MCUQ_COUNTER_TIMER = 3    /* a 32 bit timer of the chip */
} mcuq_counter_kind;

typedef struct {
    mcuq_counter_kind kind;
    uint32_t bits; /* ticks wrap, unseen, at 2^bits */
    uint32_t hz;   /* ticks a second on the real chip */
} mcuq_counter;

mcuq_clock mcuq_clock_init(void);

/* `core_hz` is what mcuq_clock_init found. */
mcuq_counter mcuq_counter_init(uint32_t core_hz);

/* Ticks since mcuq_counter_init. The 64 bit form is extended in software; see mcuq_counter.bits. */
uint64_t mcuq_ticks64(void);
uint32_t mcuq_ticks(void);

/* Sets up pins and baud rate; `uart_hz` is what mcuq_clock_init found. */
void mcuq_uart_init(uint32_t uart_hz);

/* Waits for one byte: 0 to 255, or -1 when the line is closed for good (host only). */
int32_t mcuq_uart_read(void);

/* Waits for room, then sends one byte. */
void mcuq_uart_write(uint8_t byte);

/* The most stack used since reset, and the size of the stack, in bytes; both 0 on the host. */
uint32_t mcuq_stack_used(void);
uint32_t mcuq_stack_size(void);

#endif
