#include "mcuq_conv_2d_1x1_mve.h"

#include "mcuq_copy_mve.h"

MCUQ_WEIGHTS_INLINE void run(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input, const int32_t *stream,
                             void *scratch, int8_t *output, const mcuq_weights kind)
{
    const int32_t channels = params->channels;
    const int32_t column = params->gemm.vectors * 16;
    int8_t *const columns = scratch;

    const int32_t last = params->last;

    for (int32_t y = 0; y < params->rows; y++) {
        for (int32_t done = 0; done <= last; done += params->together) {
            const int32_t first = params->backwards ? (last - done) : done;
            const int32_t left = params->columns - first;
            const int32_t count = (left < params->together) ? left : params->together;
            const int8_t *pixel = &input[first * params->column_bytes];
            for (int32_t i = 0; i < count; i++) {
                mcuq_copy_mve(&columns[i * column], pixel, channels);
                pixel += params->column_bytes;
            }
            mcuq_gemm_mve_of(&params->gemm, columns, column, count, stream, &output[first * params->gemm.channels], kind);
        }
        input += params->row_bytes;
        output += params->columns * params->gemm.channels;
    }
}

void mcuq_conv_2d_1x1_mve(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input, const int32_t *stream,
                          void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int8);
}

void mcuq_conv_2d_1x1_mve_int4(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input, const int32_t *stream,
                               void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int4);
}

void mcuq_conv_2d_1x1_mve_int2(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input, const int32_t *stream,
                               void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int2);
}

void mcuq_conv_2d_1x1_mve_palette16(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input,
                                    const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_palette16);
}

void mcuq_conv_2d_1x1_mve_palette4(const mcuq_conv_2d_1x1_mve_params *params, const int8_t *input,
                                   const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_palette4);
}
