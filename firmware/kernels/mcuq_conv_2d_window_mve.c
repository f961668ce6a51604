#include "mcuq_conv_2d_window_mve.h"

MCUQ_WEIGHTS_INLINE void run(const mcuq_conv_2d_window_mve_params *params, const int8_t *input, const int32_t *stream,
                             void *scratch, int8_t *output, const mcuq_weights kind)
{
    const mcuq_conv_2d_window_mve_params p = *params;
    const int32_t distance = p.stride_width * p.window.window_height * p.window.channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int8_t *const columns = mcuq_window_mve_row(&p.window, input, y, scratch);
            mcuq_gemm_mve_of(&p.gemm, columns, distance, p.output_width, stream, output, kind);
            output += p.output_width * p.gemm.channels;
        }
        input += p.window.input_height * p.window.input_width * p.window.channels;
    }
}

void mcuq_conv_2d_window_mve(const mcuq_conv_2d_window_mve_params *params, const int8_t *input, const int32_t *stream,
                             void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int8);
}

void mcuq_conv_2d_window_mve_int4(const mcuq_conv_2d_window_mve_params *params, const int8_t *input,
                                  const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int4);
}

void mcuq_conv_2d_window_mve_int2(const mcuq_conv_2d_window_mve_params *params, const int8_t *input,
                                  const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_int2);
}

void mcuq_conv_2d_window_mve_palette16(const mcuq_conv_2d_window_mve_params *params, const int8_t *input,
                                       const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_palette16);
}

void mcuq_conv_2d_window_mve_palette4(const mcuq_conv_2d_window_mve_params *params, const int8_t *input,
                                      const int32_t *stream, void *scratch, int8_t *output)
{
    run(params, input, stream, scratch, output, mcuq_weights_palette4);
}
