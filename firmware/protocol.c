#include "protocol.h"

#include "board.h"
#include "frame.h"
#include "mcuq_model.h"
#include "profile.h"

#include <string.h>

#define PAYLOAD_BYTES MCUQ_LINK_PAYLOAD_BYTES
#define BODY_BYTES (PAYLOAD_BYTES - MCUQ_FRAME_OVERHEAD_BYTES)
#define NAME_BYTES 31U /* longer names are cut in the answer to HELLO */

/* HELLO's answer is the longest of fixed size: 40 bytes and two names with their lengths. */
_Static_assert(BODY_BYTES >= 40U + 2U * (NAME_BYTES + 1U), "the board's link payload is too small for an identity");
_Static_assert(PAYLOAD_BYTES <= 65535U, "the payload size is sent in 16 bits");

static uint8_t request_bytes[PAYLOAD_BYTES];
static uint8_t response_bytes[PAYLOAD_BYTES]; /* kept until the next request, to answer a repeated one */
static uint32_t response_length;              /* with CRC, 0 before the first */
static uint32_t answered_crc;                 /* CRC of the request that was answered, hence of its type and sequence too */

static mcuq_clock session_clock;
static mcuq_counter session_counter;

typedef struct {
    const uint8_t *body;
    uint32_t bytes;
} request;

/* Each handler writes an answer into `body` and returns its length, or a NAK code with this bit. */
#define REFUSED 0x80000000U

static uint32_t put_name(uint8_t *to, const char *name)
{
    uint32_t length = 0U;
    while (length < NAME_BYTES && name[length] != '\0') {
        to[1U + length] = (uint8_t)name[length];
        length++;
    }
    to[0] = (uint8_t)length;
    return length + 1U;
}

static uint32_t answer_hello(request ask, uint8_t *body)
{
    if (ask.bytes != 0U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    body[0] = (uint8_t)MCUQ_PROTOCOL_VERSION;
    body[1] = session_clock.fallback ? (uint8_t)MCUQ_FLAG_CLOCK_FALLBACK : 0U;
    body[2] = (uint8_t)session_counter.kind;
    body[3] = (uint8_t)session_counter.bits;
    mcuq_store_u32(body + 4, session_clock.core_hz);
    mcuq_store_u32(body + 8, session_counter.hz);
    mcuq_store_u16(body + 12, PAYLOAD_BYTES);
    body[14] = (uint8_t)mcuq_model_input_count;
    body[15] = (uint8_t)mcuq_model_output_count;
    mcuq_store_u32(body + 16, mcuq_model_layer_count);
    mcuq_store_u32(body + 20, mcuq_model_arena_bytes);
    memcpy(body + 24, mcuq_model_build_id, 16U);
    uint32_t length = 40U;
    length += put_name(body + length, MCUQ_BOARD_NAME);
    length += put_name(body + length, mcuq_model_name);
    return length;
}

static uint32_t answer_buffers(request ask, uint8_t *body)
{
    if (ask.bytes != 2U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    const bool outputs = ask.body[0] != 0U;
    const mcuq_buffer *const buffers = outputs ? mcuq_model_outputs : mcuq_model_inputs;
    const uint32_t count = outputs ? mcuq_model_output_count : mcuq_model_input_count;
    uint32_t length = 0U;
    for (uint32_t i = ask.body[1]; i < count && length + 4U <= BODY_BYTES; i++) {
        mcuq_store_u32(body + length, buffers[i].bytes);
        length += 4U;
    }
    return length;
}

static uint32_t answer_write_input(request ask)
{
    if (ask.bytes < 5U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    const uint32_t index = ask.body[0];
    const uint32_t offset = mcuq_load_u32(ask.body + 1);
    const uint32_t count = ask.bytes - 5U;
    if (index >= mcuq_model_input_count) {
        return REFUSED | MCUQ_NAK_BAD_INDEX;
    }
    const mcuq_buffer input = mcuq_model_inputs[index];
    if (offset > input.bytes || count > input.bytes - offset) {
        return REFUSED | MCUQ_NAK_OUT_OF_RANGE;
    }
    memcpy(input.data + offset, ask.body + 5, count);
    return 0U;
}

static uint32_t answer_run(request ask, uint8_t *body)
{
    if (ask.bytes != 0U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    mcuq_profile_begin();
    const int32_t status = mcuq_model_invoke();
    const uint64_t ticks = mcuq_profile_end();
    mcuq_store_u32(body, (uint32_t)status);
    mcuq_store_u64(body + 4, ticks);
    return 12U;
}

static uint32_t answer_read_output(request ask, uint8_t *body)
{
    if (ask.bytes != 7U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    const uint32_t index = ask.body[0];
    const uint32_t offset = mcuq_load_u32(ask.body + 1);
    const uint32_t count = mcuq_load_u16(ask.body + 5);
    if (index >= mcuq_model_output_count) {
        return REFUSED | MCUQ_NAK_BAD_INDEX;
    }
    const mcuq_buffer output = mcuq_model_outputs[index];
    if (count > BODY_BYTES || offset > output.bytes || count > output.bytes - offset) {
        return REFUSED | MCUQ_NAK_OUT_OF_RANGE;
    }
    memcpy(body, output.data + offset, count);
    return count;
}

static uint32_t answer_layers(request ask, uint8_t *body)
{
    if (ask.bytes != 4U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    const uint32_t count = mcuq_profile_layers();
    mcuq_store_u32(body, count);
    mcuq_store_u32(body + 4, mcuq_profile_hook_ticks());
    uint32_t length = 8U;
    for (uint32_t i = mcuq_load_u32(ask.body); i < count && length + 4U <= BODY_BYTES; i++) {
        mcuq_store_u32(body + length, mcuq_model_layer_ticks[i]);
        length += 4U;
    }
    return length;
}

static uint32_t answer_stack(request ask, uint8_t *body)
{
    if (ask.bytes != 0U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    mcuq_store_u32(body, mcuq_stack_used());
    mcuq_store_u32(body + 4, mcuq_stack_size());
    return 8U;
}

static uint32_t dispatch(uint8_t type, request ask, uint8_t *body)
{
    switch (type) {
    case MCUQ_REQUEST_HELLO:
        return answer_hello(ask, body);
    case MCUQ_REQUEST_BUFFERS:
        return answer_buffers(ask, body);
    case MCUQ_REQUEST_WRITE_INPUT:
        return answer_write_input(ask);
    case MCUQ_REQUEST_RUN:
        return answer_run(ask, body);
    case MCUQ_REQUEST_READ_OUTPUT:
        return answer_read_output(ask, body);
    case MCUQ_REQUEST_LAYERS:
        return answer_layers(ask, body);
    case MCUQ_REQUEST_STACK:
        return answer_stack(ask, body);
    default:
        return REFUSED | MCUQ_NAK_UNKNOWN_REQUEST;
    }
}

static void answer(uint32_t frame_bytes)
{
    const uint32_t crc = mcuq_load_u32(request_bytes + frame_bytes - MCUQ_FRAME_CRC_BYTES);
    if (response_length > 0U && crc == answered_crc) {
        mcuq_frame_resend(response_bytes, response_length);
        return;
    }
    const uint8_t type = request_bytes[0];
    const request ask = {request_bytes + MCUQ_FRAME_HEADER_BYTES, frame_bytes - MCUQ_FRAME_OVERHEAD_BYTES};
    uint8_t *const body = response_bytes + MCUQ_FRAME_HEADER_BYTES;
    uint32_t body_bytes = dispatch(type, ask, body);

    response_bytes[0] = (uint8_t)(type | MCUQ_RESPONSE);
    if ((body_bytes & REFUSED) != 0U) {
        response_bytes[0] = (uint8_t)MCUQ_NAK;
        body[0] = type;
        body[1] = (uint8_t)body_bytes;
        body_bytes = 2U;
    }
    response_bytes[1] = request_bytes[1];
    response_bytes[2] = request_bytes[2];
    answered_crc = crc;
    response_length = MCUQ_FRAME_OVERHEAD_BYTES + body_bytes;
    mcuq_frame_send(response_bytes, response_length - MCUQ_FRAME_CRC_BYTES);
}

void mcuq_protocol_serve(mcuq_clock clock, mcuq_counter counter)
{
    session_clock = clock;
    session_counter = counter;
    mcuq_frame_decoder decoder;
    mcuq_frame_decoder_init(&decoder, request_bytes, PAYLOAD_BYTES);
    for (;;) {
        const int32_t byte = mcuq_uart_read();
        if (byte < 0) {
            return;
        }
        const uint32_t frame_bytes = mcuq_frame_decode(&decoder, (uint8_t)byte);
        if (frame_bytes > 0U) {
            answer(frame_bytes);
        }
    }
}

void mcuq_protocol_report_fault(uint32_t pc, uint32_t lr, uint32_t cfsr, uint32_t exception)
{
    uint8_t frame[MCUQ_FRAME_OVERHEAD_BYTES + 16U] = {(uint8_t)MCUQ_FAULT, 0U, 0U};
    mcuq_store_u32(frame + 3, pc);
    mcuq_store_u32(frame + 7, lr);
    mcuq_store_u32(frame + 11, cfsr);
    mcuq_store_u32(frame + 15, exception);
    mcuq_frame_send(frame, MCUQ_FRAME_HEADER_BYTES + 16U);
}
