/* Bias, multiplier and shift of each output channel, from a few bytes each to the three tables that kernels in plain C read.
 *
 * records: [bytes of a bias, 1 to 4] [b] [bytes of a factor: 1, 4 or 5] [s, an int8] [a base B of eight bytes], then of each
 * channel its bias and its factor f. Numbers are little-endian, the lowest byte first.
 *   bias        the number, with its sign, times 2^b
 *   factor of 4 or 5 bytes: multiplier 2^30 + the low 30 bits of f, shift s - (f >> 30)
 *   factor of 1 byte, of a scale that is 16 to 31 times a power of two times what is the layer's: P = B * (16 + f % 16), which
 *               is from 2^61 on and below 2^63; multiplier P / 2^31 rounded and shift s - f / 16, from P = 2^62 on
 *               P / 2^32 rounded and one more
 * tables: int32, the biases of all channels, their multipliers (Q31), their shifts.
 *
 * Which bytes give the very tables is searched and proven when the model is built (mcuq/kernels/short_records.py).
 * Cost on a Cortex-M4: 75 to 85 cycles a channel.
 */
#ifndef MCUQ_EXPAND_RECORDS_H
#define MCUQ_EXPAND_RECORDS_H

#include <stdint.h>

void mcuq_expand_records(const uint8_t *records, int32_t channels, int32_t *tables);

#endif
