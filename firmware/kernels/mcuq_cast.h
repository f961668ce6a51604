/* Elements of one type as elements of another, without quantization: CAST.
 *
 * mcuq_cast: between bool and integers. Wider integers lose their upper bits; a bool is whether the value is not 0.
 * mcuq_cast_to_f32: to float, rounded to nearest. On cores without a floating-point unit the compiler's library does it.
 * Layouts: any. Scratch: none. Input and output of equal element size may be the same.
 * Cost: about 20 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_CAST_H
#define MCUQ_CAST_H

#include <stdint.h>

typedef enum {
    MCUQ_CAST_BOOL,
    MCUQ_CAST_S8,
    MCUQ_CAST_U8,
    MCUQ_CAST_S16,
    MCUQ_CAST_S32,
    MCUQ_CAST_S64,
} mcuq_cast_type;

void mcuq_cast(mcuq_cast_type from, mcuq_cast_type to, const void *input, void *output, int32_t elements);

void mcuq_cast_to_f32(mcuq_cast_type from, const void *input, float *output, int32_t elements);

#endif
