/* Frames on a serial line: COBS with a zero byte before and after, and a CRC-32 over what is inside.
 *
 * A frame's payload is `type u8, sequence u16, body, crc u32`, little endian. The decoder never keeps more than its
 * buffer holds: a longer frame, or one that breaks the encoding, is dropped whole and the next zero byte starts afresh.
 * docs/protocol.md is the specification. Nothing here allocates, and nothing here knows what a message means. */
#ifndef MCUQ_FRAME_H
#define MCUQ_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define MCUQ_FRAME_HEADER_BYTES 3U
#define MCUQ_FRAME_CRC_BYTES 4U
#define MCUQ_FRAME_OVERHEAD_BYTES (MCUQ_FRAME_HEADER_BYTES + MCUQ_FRAME_CRC_BYTES)

typedef struct {
    uint8_t *bytes;      /* the payload decoded so far */
    uint32_t capacity;   /* room in bytes[] */
    uint32_t length;     /* payload bytes decoded so far */
    uint32_t crc;        /* running CRC register over them */
    uint32_t block_code; /* code of the COBS block being read, 0 before the first */
    uint32_t block_left; /* data bytes of that block still to come */
    bool broken;         /* too long: ignore everything up to the next delimiter */
} mcuq_frame_decoder;

void mcuq_frame_decoder_init(mcuq_frame_decoder *decoder, uint8_t *bytes, uint32_t capacity);

/* Takes one byte from the line. Returns the payload's length, CRC included, when this byte ends a frame whose CRC is right
 * (the payload is then valid until the next call), else 0. */
uint32_t mcuq_frame_decode(mcuq_frame_decoder *decoder, uint8_t byte);

/* CRC-32 as zlib computes it. */
uint32_t mcuq_crc32(const uint8_t *bytes, uint32_t count);

/* Appends the CRC to payload[0..length) (which needs room for it) and sends it as one frame. */
void mcuq_frame_send(uint8_t *payload, uint32_t length);

/* Sends payload[0..length) whose CRC is there already. */
void mcuq_frame_resend(const uint8_t *payload, uint32_t length);

uint32_t mcuq_load_u16(const uint8_t *from);
uint32_t mcuq_load_u32(const uint8_t *from);
void mcuq_store_u16(uint8_t *to, uint32_t value);
void mcuq_store_u32(uint8_t *to, uint32_t value);
void mcuq_store_u64(uint8_t *to, uint64_t value);

#endif
