#include "protocol.h"

#include "board.h"
#include "frame.h"
#include "mcuq_model.h"
#include "profile.h"

#include <string.h>

#define PAYLOAD_BYTES MCUQ_LINK_PAYLOAD_BYTES
#define BODY_BYTES (PAYLOAD_BYTES - MCUQ_FRAME_OVERHEAD_BYTES)
#define NAME_BYTES 31U /* longer names are cut in the answer to HELLO */

/* HELLO's answer is the longest of fixed size: 42 bytes, two names with their lengths, and which model it is. */
_Static_assert(BODY_BYTES >= 42U + 2U * (NAME_BYTES + 1U) + 2U, "the board's link payload is too small for an identity");
_Static_assert(PAYLOAD_BYTES <= 65535U, "the payload size is sent in 16 bits");

static uint8_t request_bytes[PAYLOAD_BYTES];
static uint8_t response_bytes[PAYLOAD_BYTES]; /* kept until the next request, to answer a repeated one */

/* One struct, because each address of its own costs a load and a word of flash.
 *
 * Which requests are new: none before the first HELLO, for the host must learn of a reset; then those numbered after the
 * last one taken. HELLO itself changes nothing and is answered at any time. */
static struct {
    uint32_t response_length; /* with CRC, 0 before the first */
    uint32_t answered_crc;    /* CRC of the request that was answered, hence of its type and sequence too */
    uint32_t request_crc;     /* of the request that is being answered */
    uint32_t last_sequence;   /* of the request taken last, 0 before the first */
    uint32_t selected;        /* the model that requests are about */
    bool greeted;
    mcuq_clock clock;
    mcuq_counter counter;
    mcuq_frame_decoder decoder;
} line;
#define NEW_SEQUENCES 0x7FFFU /* the numbers after last_sequence, modulo 2^16, that are new */

typedef struct {
    const uint8_t *body;
    uint32_t bytes;
} request;

/* While a model runs whose input is fed: RUN and each INPUT are answered with how many bytes have been taken, and the run
 * goes on when the next INPUT has come. The last of these requests is answered with the run's result. */
static struct {
    const uint8_t *next;     /* bytes that have come in, in request_bytes, and are not yet taken */
    uint32_t left;
    uint32_t taken;          /* bytes of the input, from its start */
    bool abandoned;          /* another request came, or the line was closed: the run ends on zeros, unanswered */
    uint32_t pending_bytes;  /* of that request's frame */
} feed;

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
    if (ask.bytes > 1U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    const uint32_t number = ask.bytes == 0U ? line.selected : ask.body[0];
    if (number >= mcuq_model_count) {
        return REFUSED | MCUQ_NAK_BAD_INDEX;
    }
    const mcuq_model *const model = &mcuq_models[number];
    body[0] = (uint8_t)MCUQ_PROTOCOL_VERSION;
    const bool fed = model->input_count > 0U && model->inputs[0].data == NULL;
    body[1] = (uint8_t)((line.clock.fallback ? MCUQ_FLAG_CLOCK_FALLBACK : 0) | (fed ? MCUQ_FLAG_FED_INPUT : 0));
    body[2] = (uint8_t)line.counter.kind;
    body[3] = (uint8_t)line.counter.bits;
    mcuq_store_u32(body + 4, line.clock.core_hz);
    mcuq_store_u32(body + 8, line.counter.hz);
    mcuq_store_u16(body + 12, PAYLOAD_BYTES);
    body[14] = (uint8_t)model->input_count;
    body[15] = (uint8_t)model->output_count;
    mcuq_store_u32(body + 16, model->layer_count);
    mcuq_store_u32(body + 20, model->arena_bytes);
    memcpy(body + 24, mcuq_build_id, 16U);
    mcuq_store_u16(body + 40, line.last_sequence);
    uint32_t length = 42U;
    length += put_name(body + length, MCUQ_BOARD_NAME);
    length += put_name(body + length, model->name);
    body[length] = (uint8_t)mcuq_model_count;
    body[length + 1U] = (uint8_t)number;
    return length + 2U;
}

static uint32_t answer_select(request ask)
{
    if (ask.bytes != 1U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    if (ask.body[0] >= mcuq_model_count) {
        return REFUSED | MCUQ_NAK_BAD_INDEX;
    }
    line.selected = ask.body[0];
    return 0U;
}

static uint32_t answer_buffers(request ask, uint8_t *body)
{
    if (ask.bytes != 2U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    const bool outputs = ask.body[0] != 0U;
    const mcuq_buffer *const buffers = outputs ? mcuq_models[line.selected].outputs : mcuq_models[line.selected].inputs;
    const uint32_t count = outputs ? mcuq_models[line.selected].output_count : mcuq_models[line.selected].input_count;
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
    if (index >= mcuq_models[line.selected].input_count) {
        return REFUSED | MCUQ_NAK_BAD_INDEX;
    }
    const mcuq_buffer input = mcuq_models[line.selected].inputs[index];
    if (input.data == NULL || offset > input.bytes || count > input.bytes - offset) {
        return REFUSED | MCUQ_NAK_OUT_OF_RANGE;
    }
    memcpy(input.data + offset, ask.body + 5, count);
    return 0U;
}

static uint32_t answer_run(request ask, uint8_t *body)
{
    if (ask.bytes != 0U && ask.bytes != 4U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    feed.left = 0U;
    feed.taken = 0U;
    feed.abandoned = false;
    mcuq_model_reset(line.selected); /* every sample stands alone */
    mcuq_profile_begin(mcuq_models[line.selected].layer_count, ask.bytes == 0U ? 0U : mcuq_load_u32(ask.body));
    const int32_t status = mcuq_model_invoke(line.selected);
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
    if (index >= mcuq_models[line.selected].output_count) {
        return REFUSED | MCUQ_NAK_BAD_INDEX;
    }
    const mcuq_buffer output = mcuq_models[line.selected].outputs[index];
    if (count > BODY_BYTES || offset > output.bytes || count > output.bytes - offset) {
        return REFUSED | MCUQ_NAK_OUT_OF_RANGE;
    }
    memcpy(body, output.data + offset, count);
    return count;
}

/* What stands in the arena: its bytes, or their CRC. */
static uint32_t answer_arena(uint8_t type, request ask, uint8_t *body)
{
    if (ask.bytes != 8U) {
        return REFUSED | MCUQ_NAK_BAD_LENGTH;
    }
    const uint32_t offset = mcuq_load_u32(ask.body);
    const uint32_t count = mcuq_load_u32(ask.body + 4);
    const uint32_t arena_bytes = mcuq_models[line.selected].arena_bytes;
    const bool read = type == (uint8_t)MCUQ_REQUEST_READ_ARENA;
    if (offset > arena_bytes || count > arena_bytes - offset || (read && count > BODY_BYTES)) {
        return REFUSED | MCUQ_NAK_OUT_OF_RANGE;
    }
    if (read) {
        memcpy(body, mcuq_arena + offset, count);
        return count;
    }
    mcuq_store_u32(body, mcuq_crc32(mcuq_arena + offset, count));
    return 4U;
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
        mcuq_store_u32(body + length, mcuq_layer_ticks[i]);
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
    case MCUQ_REQUEST_ARENA_CRC:
    case MCUQ_REQUEST_READ_ARENA:
        return answer_arena(type, ask, body);
    case MCUQ_REQUEST_SELECT:
        return answer_select(ask);
    default:
        return REFUSED | MCUQ_NAK_UNKNOWN_REQUEST;
    }
}

/* Is the request in request_bytes the one answered last? Then it is answered again. Two requests of different numbers may
 * have the same CRC. */
static bool repeated(uint32_t frame_bytes)
{
    line.request_crc = mcuq_load_u32(request_bytes + frame_bytes - MCUQ_FRAME_CRC_BYTES);
    if (line.response_length == 0U || line.request_crc != line.answered_crc || request_bytes[1] != response_bytes[1] ||
        request_bytes[2] != response_bytes[2]) {
        return false;
    }
    mcuq_frame_resend(response_bytes, line.response_length);
    return true;
}

/* Is the request in request_bytes to be executed? One that comes late, from before other requests or before a reset, is
 * refused; the answer that is kept stays. */
static bool in_step(void)
{
    if (request_bytes[0] == (uint8_t)MCUQ_REQUEST_HELLO) {
        line.greeted = true;
        return true;
    }
    const uint32_t sequence = mcuq_load_u16(request_bytes + 1);
    if (line.greeted && ((sequence - line.last_sequence - 1U) & 0xFFFFU) < NEW_SEQUENCES) {
        line.last_sequence = sequence;
        return true;
    }
    uint8_t frame[MCUQ_FRAME_OVERHEAD_BYTES + 2U] = {
        (uint8_t)MCUQ_NAK, request_bytes[1], request_bytes[2], request_bytes[0], (uint8_t)MCUQ_NAK_OUT_OF_STEP,
    };
    mcuq_frame_send(frame, MCUQ_FRAME_HEADER_BYTES + 2U);
    return false;
}

/* Answers the request in request_bytes with what stands in the response's body, or refuses it. */
static void respond(uint32_t body_bytes)
{
    uint8_t *const body = response_bytes + MCUQ_FRAME_HEADER_BYTES;
    response_bytes[0] = (uint8_t)(request_bytes[0] | MCUQ_RESPONSE);
    if ((body_bytes & REFUSED) != 0U) {
        response_bytes[0] = (uint8_t)MCUQ_NAK;
        body[0] = request_bytes[0];
        body[1] = (uint8_t)body_bytes;
        body_bytes = 2U;
    }
    response_bytes[1] = request_bytes[1];
    response_bytes[2] = request_bytes[2];
    line.answered_crc = line.request_crc;
    line.response_length = MCUQ_FRAME_OVERHEAD_BYTES + body_bytes;
    mcuq_frame_send(response_bytes, line.response_length - MCUQ_FRAME_CRC_BYTES);
}

/* Waits for a request that is to be executed. Returns its frame's length, 0 when the line is closed. */
static uint32_t receive(void)
{
    for (;;) {
        const int32_t byte = mcuq_uart_read();
        if (byte < 0) {
            return 0U;
        }
        const uint32_t frame_bytes = mcuq_frame_decode(&line.decoder, (uint8_t)byte);
        if (frame_bytes > 0U && !repeated(frame_bytes) && in_step()) {
            return frame_bytes;
        }
    }
}

/* Asks for input from feed.taken on, until it comes or the run is abandoned. */
static void ask_for_input(void)
{
    uint8_t *const body = response_bytes + MCUQ_FRAME_HEADER_BYTES;
    mcuq_store_u32(body, feed.taken);
    uint32_t answer = 4U;
    for (;;) {
        respond(answer);
        const uint32_t frame_bytes = receive();
        if (frame_bytes == 0U || request_bytes[0] != (uint8_t)MCUQ_REQUEST_INPUT) {
            feed.abandoned = true;
            feed.pending_bytes = frame_bytes;
            return;
        }
        const uint8_t *const data = request_bytes + MCUQ_FRAME_HEADER_BYTES;
        const uint32_t data_bytes = frame_bytes - MCUQ_FRAME_OVERHEAD_BYTES;
        if (data_bytes <= 4U) {
            answer = REFUSED | MCUQ_NAK_BAD_LENGTH;
        } else if (mcuq_load_u32(data) != feed.taken || data_bytes - 4U > mcuq_models[line.selected].inputs[0].bytes - feed.taken) {
            answer = REFUSED | MCUQ_NAK_OUT_OF_RANGE;
        } else {
            feed.next = data + 4;
            feed.left = data_bytes - 4U;
            return;
        }
    }
}

void mcuq_input_read(void *to, uint32_t bytes)
{
    uint8_t *next = to;
    mcuq_profile_pause();
    while (bytes > 0U) {
        if (feed.left == 0U && !feed.abandoned) {
            ask_for_input();
        }
        if (feed.abandoned) {
            memset(next, 0, bytes);
            break;
        }
        const uint32_t count = bytes < feed.left ? bytes : feed.left;
        memcpy(next, feed.next, count);
        next += count;
        bytes -= count;
        feed.next += count;
        feed.left -= count;
        feed.taken += count;
    }
    mcuq_profile_resume();
}

uint32_t mcuq_protocol_stopped(uint32_t parts)
{
    if (feed.abandoned) {
        return 0U;
    }
    uint8_t *const body = response_bytes + MCUQ_FRAME_HEADER_BYTES;
    feed.left = 0U; /* requests take the place of input that has come and was not taken: it is asked for again */
    mcuq_store_u64(body, parts);
    uint32_t answer = 8U;
    for (;;) {
        respond(answer);
        const uint32_t frame_bytes = receive();
        const uint8_t type = frame_bytes > 0U ? request_bytes[0] : 0U;
        const request ask = {request_bytes + MCUQ_FRAME_HEADER_BYTES, frame_bytes - MCUQ_FRAME_OVERHEAD_BYTES};
        if (type == (uint8_t)MCUQ_REQUEST_STEP) {
            const uint32_t next = ask.bytes == 4U ? mcuq_load_u32(ask.body) : 0U;
            if (next > parts) {
                return next;
            }
            answer = REFUSED | (ask.bytes == 4U ? MCUQ_NAK_OUT_OF_RANGE : MCUQ_NAK_BAD_LENGTH);
        } else if (type == (uint8_t)MCUQ_REQUEST_ARENA_CRC || type == (uint8_t)MCUQ_REQUEST_READ_ARENA) {
            answer = answer_arena(type, ask, body);
        } else {
            feed.abandoned = true;
            feed.pending_bytes = frame_bytes;
            return 0U;
        }
    }
}

void mcuq_protocol_serve(mcuq_clock clock, mcuq_counter counter)
{
    line.clock = clock;
    line.counter = counter;
    mcuq_frame_decoder_init(&line.decoder, request_bytes, PAYLOAD_BYTES);
    uint32_t frame_bytes = receive();
    while (frame_bytes > 0U) {
        const uint8_t type = request_bytes[0];
        const request ask = {request_bytes + MCUQ_FRAME_HEADER_BYTES, frame_bytes - MCUQ_FRAME_OVERHEAD_BYTES};
        const uint32_t body_bytes = dispatch(type, ask, response_bytes + MCUQ_FRAME_HEADER_BYTES);
        if (feed.abandoned) {
            feed.abandoned = false;
            frame_bytes = feed.pending_bytes;
        } else {
            respond(body_bytes);
            frame_bytes = receive();
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
