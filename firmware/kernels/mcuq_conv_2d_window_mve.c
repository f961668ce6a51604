#include "mcuq_conv_2d_window_mve.h"

void mcuq_conv_2d_window_mve(const mcuq_conv_2d_window_mve_params *params, const int8_t *input, const int32_t *stream,
                             void *scratch, int8_t *output)
{
    const mcuq_conv_2d_window_mve_params p = *params;
    const int32_t distance = p.stride_width * p.window.window_height * p.window.channels;

    for (int32_t n = 0; n < p.batches; n++) {
        for (int32_t y = 0; y < p.output_height; y++) {
            const int8_t *const columns = mcuq_window_mve_row(&p.window, input, y, scratch);
            mcuq_gemm_mve(&p.gemm, columns, distance, p.output_width, stream, output);
            output += p.output_width * p.gemm.channels;
        }
        input += p.window.input_height * p.window.input_width * p.window.channels;
    }
}
