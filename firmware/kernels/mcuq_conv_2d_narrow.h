/* 2-D convolution of int8 activations with weights of four or two bits or of a palette, for cores with DSP extension.
 *
 * The kernels mcuq_conv_2d_s8_columns and mcuq_conv_2d_s8_window, whose headers hold formula, rounding and orders, for
 * a few output channels at a time: their weights are unpacked (mcuq_unpack_dsp.h) into scratch memory, then all pixels
 * are computed. Input rows are gathered anew for each of these parts.
 *
 * Scratch: what the int8 kernel needs, then the unpacked stream of tile channels and the table of a palette.
 * The output may overlap the input only where one part is the whole layer.
 * Cost on a Cortex-M4: that of the int8 kernel, of unpacking once, and of gathering once for each further part.
 *
 * MCUQ_NARROW_CONV_2D(kind, function, encoding) defines function_encoding, which calls the int8 kernel function of the
 * kind columns or window.
 */
#ifndef MCUQ_CONV_2D_NARROW_H
#define MCUQ_CONV_2D_NARROW_H

#include <stdint.h>

#include "mcuq_conv_2d_s8_columns.h"
#include "mcuq_conv_2d_s8_window.h"
#include "mcuq_unpack_dsp.h"

typedef struct {
    int32_t channels;     /* that are unpacked together, a multiple of 4 */
    int32_t stream_start; /* words of scratch before their stream */
    int32_t table_start;  /* and before the table */
    int32_t seeds;        /* constants that stand before the weights of a group */
} mcuq_narrow_tile;

typedef struct {
    mcuq_conv_2d_s8_columns_params layer;
    mcuq_narrow_tile tile;
} mcuq_conv_2d_narrow_columns_params;

typedef struct {
    mcuq_conv_2d_s8_window_params layer;
    mcuq_narrow_tile tile;
} mcuq_conv_2d_narrow_window_params;

#define MCUQ_NARROW_CONV_2D(kind, function, encoding)                                                                  \
    static __attribute__((noinline)) void function##_##encoding(                                                       \
        const mcuq_conv_2d_narrow_##kind##_params *params, const int8_t *input, const int32_t *packed,                 \
        int32_t *scratch, int8_t *output)                                                                              \
    {                                                                                                                  \
        const int32_t channels = params->layer.gemm.channels;                                                          \
        int32_t *const stream = &scratch[params->tile.stream_start];                                                   \
        uint16_t *const table = (uint16_t *)&scratch[params->tile.table_start];                                        \
        const int32_t *from = mcuq_unpack_begin(packed, table, mcuq_encoding_##encoding);                              \
        mcuq_conv_2d_s8_##kind##_params part = params->layer;                                                          \
        for (int32_t channel = 0; channel < channels; channel += params->tile.channels) {                              \
            const int32_t left = channels - channel;                                                                   \
            part.gemm.channels = (left < params->tile.channels) ? left : params->tile.channels;                        \
            from = mcuq_unpack(&part.gemm, params->tile.seeds, from, table, stream, mcuq_encoding_##encoding);         \
            function(&part, input, stream, (int16_t *)scratch, &output[channel]);                                      \
        }                                                                                                              \
    }

#endif
