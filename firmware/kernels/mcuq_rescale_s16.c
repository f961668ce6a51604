#include "mcuq_rescale_s16.h"

#include "mcuq_requantize.h"

static inline int32_t rescaled(const mcuq_rescale_params *p, int32_t value)
{
    const int32_t x = value + p->input_offset;
    const int32_t y = (x >= 0) ? mcuq_requantize_double(x, p->positive_multiplier, p->positive_shift)
                               : mcuq_requantize_double(x, p->negative_multiplier, p->negative_shift);
    return mcuq_clamp(y + p->output_offset, p->output_min, p->output_max);
}

void mcuq_rescale_s16_s16(const mcuq_rescale_params *params, const int16_t *input, int16_t *output, int32_t elements)
{
    const mcuq_rescale_params p = *params;
    for (int32_t i = 0; i < elements; i++) {
        output[i] = (int16_t)rescaled(&p, input[i]);
    }
}

void mcuq_rescale_s16_s8(const mcuq_rescale_params *params, const int16_t *input, int8_t *output, int32_t elements)
{
    const mcuq_rescale_params p = *params;
    for (int32_t i = 0; i < elements; i++) {
        output[i] = (int8_t)rescaled(&p, input[i]);
    }
}

void mcuq_rescale_s8_s16(const mcuq_rescale_params *params, const int8_t *input, int16_t *output, int32_t elements)
{
    const mcuq_rescale_params p = *params;
    for (int32_t i = 0; i < elements; i++) {
        output[i] = (int16_t)rescaled(&p, input[i]);
    }
}
