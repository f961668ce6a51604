#include "mcuq_cast.h"

static inline int64_t element(mcuq_cast_type type, const void *input, int32_t i)
{
    switch (type) {
    case MCUQ_CAST_S8:
        return ((const int8_t *)input)[i];
    case MCUQ_CAST_S16:
        return ((const int16_t *)input)[i];
    case MCUQ_CAST_S32:
        return ((const int32_t *)input)[i];
    case MCUQ_CAST_S64:
        return ((const int64_t *)input)[i];
    case MCUQ_CAST_BOOL:
    case MCUQ_CAST_U8:
    default:
        return ((const uint8_t *)input)[i];
    }
}

void mcuq_cast(mcuq_cast_type from, mcuq_cast_type to, const void *input, void *output, int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        const int64_t x = element(from, input, i);
        switch (to) {
        case MCUQ_CAST_BOOL:
            ((uint8_t *)output)[i] = (x != 0) ? 1U : 0U;
            break;
        case MCUQ_CAST_S16:
            ((int16_t *)output)[i] = (int16_t)x;
            break;
        case MCUQ_CAST_S32:
            ((int32_t *)output)[i] = (int32_t)x;
            break;
        case MCUQ_CAST_S64:
            ((int64_t *)output)[i] = x;
            break;
        case MCUQ_CAST_S8:
        case MCUQ_CAST_U8:
        default:
            ((uint8_t *)output)[i] = (uint8_t)x;
            break;
        }
    }
}

void mcuq_cast_to_f32(mcuq_cast_type from, const void *input, float *output, int32_t elements)
{
    for (int32_t i = 0; i < elements; i++) {
        output[i] = (float)element(from, input, i);
    }
}
