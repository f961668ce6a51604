/* Logistic function and hyperbolic tangent of int16 to int16 with scale 1/32768, by lines between the values of one table.
 *
 * x = round(in * multiplier / 2^shift), whose step is 1/12288; table has 256 values 65536 * sigmoid(i / 24), those of
 * tanh(x) = 2 sigmoid(2x) - 1, too; from entry 255 on the result is the greatest.
 *
 * in * multiplier and half of 2^shift fit int32; shift is 0 .. 31. Layouts: any. Scratch: none. Input may be output.
 * Cost: about 25 instructions an element on a Cortex-M4.
 */
#ifndef MCUQ_SIGMOID_S16_H
#define MCUQ_SIGMOID_S16_H

#include <stdint.h>

void mcuq_logistic_s16(int32_t multiplier, int32_t shift, const uint16_t *table, const int16_t *input, int16_t *output,
                       int32_t elements);
void mcuq_tanh_s16(int32_t multiplier, int32_t shift, const uint16_t *table, const int16_t *input, int16_t *output,
                   int32_t elements);

#endif
