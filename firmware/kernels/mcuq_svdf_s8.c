#include "mcuq_svdf_s8.h"

#include "mcuq_requantize.h"

void mcuq_svdf_s8(const mcuq_svdf_s8_params *params, const int8_t *input, const int8_t *feature,
                  const int32_t *feature_bias, const int16_t *time, const int32_t *bias, int16_t *memory, int8_t *output)
{
    const mcuq_svdf_s8_params p = *params;

    for (int32_t n = 0; n < p.batches; n++) {
        const int8_t *weights = feature;
        const int16_t *factors = time;
        int32_t filter = 0;
        for (int32_t unit = 0; unit < p.units; unit++) {
            uint32_t sum = (uint32_t)bias[unit]; /* wraps, as LiteRT's does */
            for (int32_t r = 0; r < p.rank; r++) {
                int32_t acc = feature_bias[filter];
                for (int32_t i = 0; i < p.inputs; i++) {
                    acc += (int32_t)input[i] * (int32_t)weights[i];
                }
                const int32_t newest = mcuq_requantize_double(acc, p.feature_multiplier, p.feature_shift);
                for (int32_t m = 0; m < (p.places - 1); m++) {
                    memory[m] = memory[m + 1];
                    sum += (uint32_t)((int32_t)memory[m] * (int32_t)factors[m]);
                }
                memory[p.places - 1] = (int16_t)mcuq_clamp(newest, INT16_MIN, INT16_MAX);
                sum += (uint32_t)((int32_t)memory[p.places - 1] * (int32_t)factors[p.places - 1]);
                weights += p.inputs;
                factors += p.places;
                memory += p.places;
                filter++;
            }
            const int32_t value = p.output_offset + mcuq_requantize_double((int32_t)sum, p.time_multiplier, p.time_shift);
            *output = (int8_t)mcuq_clamp(value, INT8_MIN, INT8_MAX);
            output++;
        }
        input += p.inputs;
    }
}
