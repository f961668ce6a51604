#include "mcuq_expand_records.h"

enum { HEAD_BYTES = 12 };

static uint64_t number(const uint8_t *from, uint32_t bytes)
{
    uint64_t value = 0U;
    for (uint32_t i = bytes; i > 0U; i--) {
        value = (value << 8) | from[i - 1U];
    }
    return value;
}

void mcuq_expand_records(const uint8_t *records, int32_t channels, int32_t *tables)
{
    const uint32_t bias_bytes = records[0];
    const int32_t unit = (int32_t)(1U << records[1]);
    const uint32_t factor_bytes = records[2];
    const int32_t top = (int8_t)records[3];
    const uint64_t base = number(&records[4], 8U);
    const uint32_t above = 32U - (8U * bias_bytes); /* bits that the sign fills */
    int32_t *const multipliers = &tables[channels];
    int32_t *const shifts = &multipliers[channels];
    const uint8_t *from = &records[HEAD_BYTES];
    for (int32_t i = 0; i < channels; i++) {
        const uint32_t bias = (uint32_t)number(from, bias_bytes) << above;
        const uint64_t factor = number(&from[bias_bytes], factor_bytes);
        uint32_t multiplier = 0x40000000U | ((uint32_t)factor & 0x3fffffffU);
        int32_t shift = top - (int32_t)(factor >> 30);
        if (factor_bytes == 1U) {
            uint64_t product = base * (16U + (factor & 15U));
            shift = top - (int32_t)((uint32_t)factor >> 4);
            if ((product >> 62) != 0U) {
                product >>= 1; /* what is lost was less than half of the last bit */
                shift++;
            }
            multiplier = (uint32_t)((product + 0x40000000U) >> 31);
        }
        tables[i] = ((int32_t)bias >> above) * unit;
        multipliers[i] = (int32_t)multiplier;
        shifts[i] = shift;
        from = &from[bias_bytes + factor_bytes];
    }
}
