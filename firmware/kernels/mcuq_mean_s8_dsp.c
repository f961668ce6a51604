#include "mcuq_mean_s8_dsp.h"

#include "mcuq_channel_sums.h"
#include "mcuq_requantize.h"

/* Four means: in int16 for as many elements as fit, and these sums in int32. */
static inline void mean_of_4(const mcuq_mean_s8_params *p, const int8_t *input, int8_t *output)
{
    const int32_t step = p->reduced_step_2;
    int32_t total[4] = {p->sum_offset, p->sum_offset, p->sum_offset, p->sum_offset};
    int32_t left = p->reduced_size_2;
    while (left > 0) {
        const int32_t run = (left < MCUQ_CHANNEL_SUMS_PIXELS) ? left : MCUQ_CHANNEL_SUMS_PIXELS;
        mcuq_channel_sums sums = {0U, 0U};
        for (int32_t i = run; i > 0; i--) {
            sums = mcuq_channel_sums_add(sums, mcuq_load_word(input));
            input = &input[step];
        }
        for (uint32_t c = 0U; c < 4U; c++) {
            total[c] += mcuq_channel_sum(sums, c);
        }
        left -= run;
    }
    for (int32_t c = 0; c < 4; c++) {
        const int32_t value = p->output_offset + mcuq_requantize_double(total[c], p->multiplier, p->shift);
        output[c] = (int8_t)mcuq_saturate_int8(value);
    }
}

void mcuq_mean_s8_dsp(const mcuq_mean_s8_params *params, const int8_t *input, int8_t *output)
{
    const int32_t channels = params->kept_size_2;
    for (int32_t i = 0; i < params->kept_size_0; i++) {
        for (int32_t j = 0; j < params->kept_size_1; j++) {
            const int8_t *in = &input[(i * params->kept_step_0) + (j * params->kept_step_1)];
            for (int32_t c = 0; c < channels; c += 4) {
                const int32_t at = (c <= (channels - 4)) ? c : (channels - 4);
                mean_of_4(params, &in[at], &output[at]);
            }
            output = &output[channels];
        }
    }
}
