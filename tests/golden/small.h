/* small for the golden files
 * Made by mcuq 0.1.0; do not edit.
 *
 * Write the input into small_input(), call small_invoke(), read small_output(). Both lie in the arena, which
 * small_invoke() reuses: write the input again before each call. Or let small_run() copy.
 * No heap, no recursion, no floating point in small_invoke(). Not reentrant.
 */
#ifndef SMALL_H
#define SMALL_H

#include <stddef.h>
#include <stdint.h>

#define SMALL_ARENA_BYTES 48U
#define SMALL_LAYERS 4U

/* input: int8_t 1x6x6x1, real = 0.0039177486f * (q - -128) */
#define SMALL_INPUT_ELEMENTS 36U
#define SMALL_INPUT_SCALE 0.0039177486f
#define SMALL_INPUT_ZERO_POINT (-128)

/* output: int8_t 1x2, real = 0.00390625f * (q - -128) */
#define SMALL_OUTPUT_ELEMENTS 2U
#define SMALL_OUTPUT_SCALE 0.00390625f
#define SMALL_OUTPUT_ZERO_POINT (-128)

extern uint8_t small_arena[SMALL_ARENA_BYTES];

int8_t *small_input(void);
int8_t *small_output(void);

/* One inference. Returns 0, or the 1-based number of the layer whose kernel refused its arguments. */
int32_t small_invoke(void);

/* One inference on copies of the inputs and outputs. Returns what small_invoke() returns. */
int32_t small_run(const int8_t *input, int8_t *output);

/* The quantized value of a real number, rounded half away from zero; NaN becomes the least value. */
static inline int8_t small_quantize_input(float real)
{
    const float scaled = real / 0.0039177486f;
    if (!(scaled > 0.0f)) {
        return -128;
    }
    if (scaled >= 255.0f) {
        return 127;
    }
    int32_t whole = (int32_t)scaled;
    const float rest = scaled - (float)whole;
    if (rest >= 0.5f) {
        whole++;
    } else if (rest <= -0.5f) {
        whole--;
    }
    return (int8_t)(whole + (-128));
}

/* The real number of a quantized value. */
static inline float small_dequantize_output(int8_t quantized)
{
    return 0.00390625f * (float)((int32_t)quantized - (-128));
}

#endif
