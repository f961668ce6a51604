/* small for the golden files
 * Constant tables of small, made by mcuq 0.1.0. */
#ifndef SMALL_WEIGHTS_H
#define SMALL_WEIGHTS_H

#include <stdint.h>

extern const int8_t small_00_conv_1_weights[27]; /* OHWI */
extern const int32_t small_00_conv_1_bias[3];
extern const int32_t small_00_conv_1_multipliers[3]; /* Q31, one for each output channel */
extern const int32_t small_00_conv_1_shifts[3]; /* powers of two, one for each output channel */
extern const int8_t small_02_scores_1_weights[24]; /* outputs x depth */
extern const int32_t small_02_scores_1_bias[2]; /* less the input's zero point times the weights */
extern const int32_t small_02_scores_1_multipliers[2]; /* Q31, one for each output */
extern const int32_t small_02_scores_1_shifts[2]; /* powers of two, one for each output */
extern const int32_t small_03_softmax_7_exponentials[256]; /* exp(-d * beta * scale) in Q0.31 */

#endif
