#include "mcuq_running_mean_s8.h"

#include "mcuq_requantize.h"

/* The sum of one channel of the frame that begins at `input`. */
static inline int32_t frame_sum(const mcuq_running_mean_params *p, const int8_t *input)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < p->rows_before; i++) {
        const int8_t *in = &input[i * p->frames * p->rows_behind * p->channels];
        for (int32_t j = 0; j < p->rows_behind; j++) {
            sum += (int32_t)in[j * p->channels];
        }
    }
    return sum;
}

static inline int32_t after(const mcuq_running_mean_params *p, int32_t place)
{
    return (place + 1 == p->window) ? 0 : place + 1;
}

static inline void means(const mcuq_running_mean_params *p, const int32_t *total, int8_t *output)
{
    for (int32_t c = 0; c < p->channels; c++) {
        const int32_t value = p->output_offset + mcuq_requantize_double(p->sum_offset + total[c], p->multiplier, p->shift);
        output[c] = (int8_t)mcuq_clamp(value, INT8_MIN, INT8_MAX);
    }
}

void mcuq_running_mean_s8(const mcuq_running_mean_params *params, const int8_t *input, int16_t *sums, int32_t *total,
                          int32_t *place, int8_t *output)
{
    const mcuq_running_mean_params p = *params;
    for (int32_t frame = 0; frame < p.frames; frame++) {
        const int8_t *const in = &input[frame * p.rows_behind * p.channels];
        int16_t *const oldest = &sums[*place * p.channels];
        for (int32_t c = 0; c < p.channels; c++) {
            const int32_t sum = frame_sum(&p, &in[c]);
            total[c] += sum - (int32_t)oldest[c];
            oldest[c] = (int16_t)sum;
        }
        *place = after(&p, *place);
    }
    means(&p, total, output);
}

void mcuq_running_mean_single_s8(const mcuq_running_mean_params *params, const int8_t *input, int8_t *sums,
                                 int32_t *total, int32_t *place, int8_t *output)
{
    const mcuq_running_mean_params p = *params;
    for (int32_t frame = 0; frame < p.frames; frame++) {
        const int8_t *const in = &input[frame * p.channels];
        int8_t *const oldest = &sums[*place * p.channels];
        for (int32_t c = 0; c < p.channels; c++) {
            total[c] += (int32_t)in[c] - (int32_t)oldest[c];
            oldest[c] = in[c];
        }
        *place = after(&p, *place);
    }
    means(&p, total, output);
}
