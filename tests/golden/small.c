/* small for the golden files
 * Made by mcuq 0.1.0; do not edit. */
#include "small.h"

#include <string.h>

#include "mcuq_conv_2d_s8.h"
#include "mcuq_fully_connected_s8.h"
#include "mcuq_softmax_s8.h"

#include "small_weights.h"

/* mcuq's firmware places the arena in the board's bank for it and times each layer; an application need not. */
#ifdef MCUQ_PROFILE
#include "mcuq_model.h"
#define ARENA_ATTRIBUTE MCUQ_ARENA
#define LAYER_DONE(index) mcuq_profile_layer(index)
#else
#define ARENA_ATTRIBUTE __attribute__((aligned(16)))
#define LAYER_DONE(index) ((void)0)
#endif

uint8_t small_arena[SMALL_ARENA_BYTES] ARENA_ATTRIBUTE;

/* Tensors in the arena, and from which layer to which they are alive. */
static int8_t *const t_input = (int8_t *)(void *)&small_arena[8]; /* 1x6x6x1, start to layer 0: tfl.quantize */
static int8_t *const t_00_conv_1 = (int8_t *)(void *)&small_arena[0]; /* 1x2x2x3, layer 0 to layer 2: sequential_1/conv_1/Relu;sequential_1/conv_1/convolution */
static int8_t *const t_01_flat_1_3 = (int8_t *)(void *)&small_arena[0]; /* 1x12, layer 0 to layer 2: sequential_1/flat_1/Reshape */
static int8_t *const t_02_scores_1 = (int8_t *)(void *)&small_arena[16]; /* 1x2, layer 2 to layer 3: sequential_1/scores_1/MatMul2 */
static int8_t *const t_03_softmax_7 = (int8_t *)(void *)&small_arena[8]; /* 1x2, layer 3 to end: StatefulPartitionedCall_1:01 */

/* conv_1: CONV_2D int8[1x6x6x1] -> int8[1x2x2x3], mcuq_conv_2d_s8 */
static void layer_00_conv_1(void)
{
    static const mcuq_conv_2d_s8_params params = {
        .batches = 1,
        .input_height = 6,
        .input_width = 6,
        .input_channels = 1,
        .filter_height = 3,
        .filter_width = 3,
        .filter_channels = 1,
        .output_height = 2,
        .output_width = 2,
        .output_channels = 3,
        .output_pitch = 3,
        .stride_height = 2,
        .stride_width = 2,
        .dilation_height = 1,
        .dilation_width = 1,
        .pad_top = 0,
        .pad_left = 0,
        .input_offset = 128,
        .output_offset = -128,
        .activation_min = -128,
        .activation_max = 127,
    };
    mcuq_conv_2d_s8(
        &params,
        t_input,
        small_00_conv_1_weights,
        small_00_conv_1_bias,
        small_00_conv_1_multipliers,
        small_00_conv_1_shifts,
        t_00_conv_1);
}

/* scores_1: FULLY_CONNECTED int8[1x12] -> int8[1x2], mcuq_fully_connected_s8 */
static void layer_02_scores_1(void)
{
    static const mcuq_fully_connected_s8_params params = {
        .batches = 1,
        .depth = 12,
        .outputs = 2,
        .pitch = 2,
        .scale_step = 1,
        .output_offset = 38,
        .activation_min = -128,
        .activation_max = 127,
    };
    mcuq_fully_connected_s8(
        &params,
        t_01_flat_1_3,
        small_02_scores_1_weights,
        small_02_scores_1_bias,
        small_02_scores_1_multipliers,
        small_02_scores_1_shifts,
        t_02_scores_1);
}

/* softmax_7: SOFTMAX int8[1x2] -> int8[1x2], mcuq_softmax_s8 */
static void layer_03_softmax_7(void)
{
    mcuq_softmax_s8(small_03_softmax_7_exponentials, 256, 1, 2, t_02_scores_1, t_03_softmax_7);
}

int32_t small_invoke(void)
{
    layer_00_conv_1();
    LAYER_DONE(0U);
    /* flat_1:3: RESHAPE int8[1x2x2x3] -> int8[1x12], alias: the same bytes */
    LAYER_DONE(1U);
    layer_02_scores_1();
    LAYER_DONE(2U);
    layer_03_softmax_7();
    LAYER_DONE(3U);
    return 0;
}

int8_t *small_input(void)
{
    return t_input;
}

int8_t *small_output(void)
{
    return t_03_softmax_7;
}

int32_t small_run(const int8_t *input, int8_t *output)
{
    (void)memcpy(t_input, input, 36U);
    const int32_t status = small_invoke();
    (void)memcpy(output, t_03_softmax_7, 2U);
    return status;
}
