/* A function of one byte, as a table: out = table[in], the table indexed by the byte read as 0 .. 255.
 *
 * Runs every element-wise operator from int8 or uint8 to int8 or uint8; input may be output.
 * Layouts: any. Scratch: none. Cost on a Cortex-M4: 5 cycles an element.
 */
#ifndef MCUQ_TABLE_8_H
#define MCUQ_TABLE_8_H

#include <stdint.h>

void mcuq_table_8(const uint8_t *table, const void *input, void *output, int32_t elements);

#endif
