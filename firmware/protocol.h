/* The messages of the serial protocol, as docs/protocol.md specifies them.
 *
 * Request and response: the host asks, the device answers, one at a time. A request that is repeated byte for byte is
 * answered again from the kept response; one whose number is not new is refused. Neither is executed again. */
#ifndef MCUQ_PROTOCOL_H
#define MCUQ_PROTOCOL_H

#include "platform.h"

#include <stdint.h>

#define MCUQ_PROTOCOL_VERSION 3U

enum {
    MCUQ_REQUEST_HELLO = 0x01,
    MCUQ_REQUEST_BUFFERS = 0x02,
    MCUQ_REQUEST_WRITE_INPUT = 0x03,
    MCUQ_REQUEST_RUN = 0x04,
    MCUQ_REQUEST_READ_OUTPUT = 0x05,
    MCUQ_REQUEST_LAYERS = 0x06,
    MCUQ_REQUEST_STACK = 0x07,
    MCUQ_REQUEST_INPUT = 0x08,
    MCUQ_REQUEST_STEP = 0x09,
    MCUQ_REQUEST_ARENA_CRC = 0x0A,
    MCUQ_REQUEST_READ_ARENA = 0x0B,
    MCUQ_REQUEST_SELECT = 0x0C,
    MCUQ_RESPONSE = 0x80, /* or-ed to the request's type */
    MCUQ_FAULT = 0xFE,
    MCUQ_NAK = 0xFF
};

enum {
    MCUQ_NAK_UNKNOWN_REQUEST = 1,
    MCUQ_NAK_BAD_LENGTH = 2,
    MCUQ_NAK_BAD_INDEX = 3,
    MCUQ_NAK_OUT_OF_RANGE = 4,
    MCUQ_NAK_OUT_OF_STEP = 5
};

enum { MCUQ_FLAG_CLOCK_FALLBACK = 1, MCUQ_FLAG_FED_INPUT = 2 };

/* Answers requests until the line is closed, which happens on the host only. */
void mcuq_protocol_serve(mcuq_clock clock, mcuq_counter counter);

/* Called by profile.c when a run has done as many parts of layers as the host has asked for: tells the host so, and what
 * stands in the arena, as often as it asks, until it lets the run go on. Returns after how many parts to stop again, 0 for
 * none. */
uint32_t mcuq_protocol_stopped(uint32_t parts);

/* Reports a processor fault as a frame of its own; uses no state of the session and no more than 100 bytes of stack. */
void mcuq_protocol_report_fault(uint32_t pc, uint32_t lr, uint32_t cfsr, uint32_t exception);

#endif
