/* Sum or difference of two int8 tensors for cores without the DSP extension: mcuq_linear_s8.h's formula and parameters.
 *
 * factor * q >> 8 is computed as (factor >> 8) * q + ((factor & 255) * q >> 8), which needs no long product.
 * The output may take the place of either input. Scratch: none.
 * Cost: about 40 cycles an element on a Cortex-M0, 25 on a Cortex-M3.
 */
#ifndef MCUQ_LINEAR_S8_PLAIN_H
#define MCUQ_LINEAR_S8_PLAIN_H

#include "mcuq_linear_s8.h"

void mcuq_linear_s8_plain(const mcuq_linear_s8_params *params, const int8_t *input1, const int8_t *input2,
                          int8_t *output);

#endif
