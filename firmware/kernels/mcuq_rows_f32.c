#include "mcuq_rows_f32.h"

#include "mcuq_real.h"

static float greatest(const float *x, int32_t depth)
{
    float best = x[0];
    for (int32_t i = 1; i < depth; i++) {
        best = (x[i] > best) ? x[i] : best;
    }
    return best;
}

void mcuq_softmax_f32(const float *input, float *output, int32_t rows, int32_t depth, float beta)
{
    for (int32_t row = 0; row < rows; row++) {
        const float most = greatest(input, depth);
        float sum = 0.0F;
        for (int32_t i = 0; i < depth; i++) {
            const float e = (float)mcuq_real_exp((double)((input[i] - most) * beta));
            output[i] = e;
            sum += e;
        }
        for (int32_t i = 0; i < depth; i++) {
            output[i] /= sum;
        }
        input += depth;
        output += depth;
    }
}

void mcuq_log_softmax_f32(const float *input, float *output, int32_t rows, int32_t depth)
{
    for (int32_t row = 0; row < rows; row++) {
        const float most = greatest(input, depth);
        float sum = 0.0F;
        for (int32_t i = 0; i < depth; i++) {
            sum += (float)mcuq_real_exp((double)(input[i] - most));
        }
        const float logarithm = (float)mcuq_real_log((double)sum);
        for (int32_t i = 0; i < depth; i++) {
            output[i] = (input[i] - most) - logarithm;
        }
        input += depth;
        output += depth;
    }
}

void mcuq_l2_normalization_f32(const float *input, float *output, int32_t rows, int32_t depth)
{
    for (int32_t row = 0; row < rows; row++) {
        float sum = 0.0F;
        for (int32_t i = 0; i < depth; i++) {
            sum += input[i] * input[i];
        }
        const float root = mcuq_real_sqrt(sum);
        const float norm = (root > 1e-6F) ? root : 1e-6F;
        for (int32_t i = 0; i < depth; i++) {
            output[i] = input[i] / norm;
        }
        input += depth;
        output += depth;
    }
}
