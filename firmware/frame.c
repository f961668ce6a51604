#include "frame.h"

#include "platform.h"

/* CRC-32 as zlib computes it (reflected, polynomial 0xEDB88320), four bits at a time: 64 bytes of table. */
static const uint32_t crc_table[16] = {
    0x00000000U, 0x1DB71064U, 0x3B6E20C8U, 0x26D930ACU, 0x76DC4190U, 0x6B6B51F4U, 0x4DB26158U, 0x5005713CU,
    0xEDB88320U, 0xF00F9344U, 0xD6D6A3E8U, 0xCB61B38CU, 0x9B64C2B0U, 0x86D3D2D4U, 0xA00AE278U, 0xBDBDF21CU,
};

#define CRC_START 0xFFFFFFFFU
/* What the register holds after a message followed by its own CRC, whatever the message: so a frame is checked byte by
 * byte as it comes in, and the last byte costs no more than the others. */
#define CRC_RESIDUE 0xDEBB20E3U
/* A COBS code of 0xFF announces 254 data bytes and no zero after them. */
#define COBS_LONGEST 0xFFU

static uint32_t crc_update(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    crc = (crc >> 4) ^ crc_table[crc & 15U];
    return (crc >> 4) ^ crc_table[crc & 15U];
}

uint32_t mcuq_load_u16(const uint8_t *from)
{
    return (uint32_t)from[0] | ((uint32_t)from[1] << 8);
}

uint32_t mcuq_load_u32(const uint8_t *from)
{
    return mcuq_load_u16(from) | (mcuq_load_u16(from + 2) << 16);
}

void mcuq_store_u16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

void mcuq_store_u32(uint8_t *to, uint32_t value)
{
    mcuq_store_u16(to, value);
    mcuq_store_u16(to + 2, value >> 16);
}

void mcuq_store_u64(uint8_t *to, uint64_t value)
{
    mcuq_store_u32(to, (uint32_t)value);
    mcuq_store_u32(to + 4, (uint32_t)(value >> 32));
}

static void decoder_restart(mcuq_frame_decoder *decoder)
{
    decoder->length = 0U;
    decoder->crc = CRC_START;
    decoder->block_code = 0U;
    decoder->block_left = 0U;
    decoder->broken = false;
}

void mcuq_frame_decoder_init(mcuq_frame_decoder *decoder, uint8_t *bytes, uint32_t capacity)
{
    decoder->bytes = bytes;
    decoder->capacity = capacity;
    decoder_restart(decoder);
}

static void decoder_push(mcuq_frame_decoder *decoder, uint8_t byte)
{
    if (decoder->length >= decoder->capacity) {
        decoder->broken = true;
        return;
    }
    decoder->bytes[decoder->length] = byte;
    decoder->length += 1U;
    decoder->crc = crc_update(decoder->crc, byte);
}

uint32_t mcuq_frame_decode(mcuq_frame_decoder *decoder, uint8_t byte)
{
    if (byte == 0U) {
        const bool whole = !decoder->broken && decoder->block_left == 0U &&
                           decoder->length >= MCUQ_FRAME_OVERHEAD_BYTES && decoder->crc == CRC_RESIDUE;
        const uint32_t length = whole ? decoder->length : 0U;
        decoder_restart(decoder);
        return length;
    }
    if (decoder->broken) {
        return 0U;
    }
    if (decoder->block_left > 0U) {
        decoder->block_left -= 1U;
        decoder_push(decoder, byte);
        return 0U;
    }
    if (decoder->block_code != 0U && decoder->block_code != COBS_LONGEST) {
        decoder_push(decoder, 0U);
    }
    decoder->block_code = byte;
    decoder->block_left = (uint32_t)byte - 1U;
    return 0U;
}

uint32_t mcuq_crc32(const uint8_t *bytes, uint32_t count)
{
    uint32_t crc = CRC_START;
    for (uint32_t i = 0U; i < count; i++) {
        crc = crc_update(crc, bytes[i]);
    }
    return ~crc;
}

void mcuq_frame_send(uint8_t *payload, uint32_t length)
{
    mcuq_store_u32(payload + length, mcuq_crc32(payload, length));
    mcuq_frame_resend(payload, length + MCUQ_FRAME_CRC_BYTES);
}

void mcuq_frame_resend(const uint8_t *payload, uint32_t length)
{
    mcuq_uart_write(0U); /* ends whatever noise the other side has collected */
    uint32_t start = 0U;
    for (;;) {
        uint32_t end = start;
        while (end < length && payload[end] != 0U && end - start < COBS_LONGEST - 1U) {
            end++;
        }
        const uint32_t block = end - start;
        mcuq_uart_write((uint8_t)(block + 1U));
        for (; start < end; start++) {
            mcuq_uart_write(payload[start]);
        }
        if (end == length) {
            break;
        }
        if (block < COBS_LONGEST - 1U) {
            start++; /* the zero that this block stands for */
        }
    }
    mcuq_uart_write(0U);
}
