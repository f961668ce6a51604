/* A model to test the firmware with: its output is its input, and its second layer is a loop of as many rounds as the
 * input's first four bytes say. The fifth byte asks for trouble. With ECHO_CALM neither is so. A second model, in the same
 * arena, inverts its input. */
#include "mcuq_model.h"

#include <stdbool.h>
#include <string.h>

#ifndef ECHO_BYTES
#define ECHO_BYTES 600
#endif

#ifdef ECHO_CALM
#define CALM true
#else
#define CALM false
#endif

enum { TROUBLE_FAULT = 0xF1, TROUBLE_HANG = 0xF2, TROUBLE_STATUS = 0xF3, TROUBLE_STACK = 0xF4, TROUBLE_FLOAT = 0xF5 };

static uint8_t arena[2 * ECHO_BYTES] MCUQ_ARENA;
static uint8_t side_input[3];
static uint8_t side_output[4]; /* side input and the number of runs of both models */
static uint8_t runs;
static uint8_t resets_of_inverse;

enum { ECHO, INVERSE };

static const mcuq_buffer inputs[] = {{arena, ECHO_BYTES}, {side_input, sizeof side_input}};
static const mcuq_buffer outputs[] = {{arena + ECHO_BYTES, ECHO_BYTES}, {side_output, sizeof side_output}};
static const mcuq_buffer inverse_input[] = {{arena, 4U}};
static const mcuq_buffer inverse_output[] = {{arena, 4U}, {&resets_of_inverse, 1U}};
const mcuq_model mcuq_models[] = {
    [ECHO] = {"echo", inputs, outputs, 2U, 2U, 2U, sizeof arena},
    [INVERSE] = {"inverse", inverse_input, inverse_output, 1U, 2U, 1U, 4U},
};
const uint32_t mcuq_model_count = 2U;
uint8_t *const mcuq_arena = arena;
uint32_t mcuq_layer_ticks[2];
const uint8_t mcuq_build_id[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255};

static uint32_t rounds(void)
{
    return (uint32_t)arena[0] | ((uint32_t)arena[1] << 8) | ((uint32_t)arena[2] << 16) | ((uint32_t)arena[3] << 24);
}

static void layer_copy(void)
{
    memcpy(arena + ECHO_BYTES, arena, ECHO_BYTES);
    memcpy(side_output, side_input, sizeof side_input);
    side_output[3] = runs;
}

/* Two instructions a round. */
static void layer_loop(uint32_t count)
{
#if defined(__arm__)
    if (count > 0U) {
        __asm__ volatile(".syntax unified\n1: subs %0, %0, #1\n bne 1b" : "+l"(count)::"cc");
    }
#else
    (void)count;
#endif
}

#if defined(__arm__)
/* Four kilobytes below the stack's end, or far into whatever lies there. */
static uint32_t overrun_stack(uint32_t depth)
{
    volatile uint8_t frame[256];
    frame[0] = (uint8_t)depth;
    return depth == 0U ? 0U : overrun_stack(depth - 1U) + frame[0];
}
#endif

static int32_t trouble(uint8_t kind)
{
    if (kind == TROUBLE_HANG) {
        for (volatile uint32_t forever = 1U; forever != 0U;) {
        }
    }
#if defined(__arm__)
    if (kind == TROUBLE_FAULT) {
        __asm__ volatile("udf #1");
    }
    if (kind == TROUBLE_STACK) {
        return overrun_stack(0x4000U) == 1U ? 7 : 8;
    }
#endif
    if (kind == TROUBLE_FLOAT) {
        volatile float third = 1.0F;
        third = third / 3.0F;
        return third > 0.33F ? 5 : 6;
    }
    return kind == TROUBLE_STATUS ? 2 : 0;
}

static int32_t invert(void)
{
    for (uint32_t i = 0U; i < 4U; i++) {
        arena[i] = (uint8_t)~arena[i];
    }
#ifdef MCUQ_PROFILE
    mcuq_profile_layer(0U);
#endif
    return 0;
}

void mcuq_model_reset(uint32_t model)
{
    resets_of_inverse = (uint8_t)(resets_of_inverse + (model == INVERSE));
}

int32_t mcuq_model_invoke(uint32_t model)
{
    runs++;
    if (model == INVERSE) {
        return invert();
    }
    layer_copy();
#ifdef MCUQ_PROFILE
    mcuq_profile_layer(0U);
#endif
    layer_loop(CALM ? 0U : rounds());
#ifdef MCUQ_PROFILE
    mcuq_profile_layer(1U);
#endif
    return CALM ? 0 : trouble(arena[4]);
}
