/* SVDF: each filter's product with the data is remembered for some inferences, and each unit adds up its filters' memories.
 *
 * newest = saturate(requantize_double(feature_bias[f] + sum over i of in[i] * feature[f,i])) to int16, which moves into the
 * last of the filter's `places` places while all others move one to the front; then
 * out[u] = clamp(output_offset + requantize_double(bias[u] + sum over filters of u, places of memory * time))
 * The feature bias holds the input's zero point: feature_bias[f] = -zero_point * sum over i of feature[f,i].
 *
 * Layouts: feature weights filters x inputs, time weights filters x places, memory batches x filters x places; filters are
 * units x rank. The memory is changed. Rounding: double. The
 * second sum wraps. Scratch: none.
 * Cost: about 6 instructions a multiply-accumulate on a Cortex-M4, and 3 for each place that moves.
 */
#ifndef MCUQ_SVDF_S8_H
#define MCUQ_SVDF_S8_H

#include <stdint.h>

typedef struct {
    int32_t batches;
    int32_t inputs;
    int32_t units;
    int32_t rank;
    int32_t places;
    int32_t feature_multiplier;
    int32_t feature_shift;
    int32_t time_multiplier;
    int32_t time_shift;
    int32_t output_offset; /* the output's zero point */
} mcuq_svdf_s8_params;

void mcuq_svdf_s8(const mcuq_svdf_s8_params *params, const int8_t *input, const int8_t *feature,
                  const int32_t *feature_bias, const int16_t *time, const int32_t *bias, int16_t *memory, int8_t *output);

#endif
