#include "mcuq_unary_f32.h"

#include "mcuq_real.h"

/* A function that gives `value`, of x, for each element. */
#define OF_ELEMENTS(function, value)                                                                                   \
    void function(const float *input, float *output, int32_t elements)                                                 \
    {                                                                                                                  \
        for (int32_t i = 0; i < elements; i++) {                                                                       \
            const float x = input[i];                                                                                  \
            output[i] = (value);                                                                                       \
        }                                                                                                              \
    }

/* From 2^23 up every float is whole. */
static inline float floor_of(float x)
{
    if (!((x > -8388608.0F) && (x < 8388608.0F))) {
        return x;
    }
    const float whole = (float)(int32_t)x;
    if (whole == x) {
        return x; /* -0 among them */
    }
    return (whole > x) ? (whole - 1.0F) : whole;
}

static inline float sign_of(float x)
{
    if (x > 0.0F) {
        return 1.0F;
    }
    return (x < 0.0F) ? -1.0F : (isnan(x) ? x : 0.0F);
}

static inline float hard_swish_of(float x)
{
    const float above = x + 3.0F;
    const float lower = (above > 0.0F) ? above : 0.0F;
    return (x * ((lower < 6.0F) ? lower : 6.0F)) / 6.0F;
}

static inline float exp_of(float x)
{
    return (float)mcuq_real_exp((double)x);
}

static inline float logistic_of(float x)
{
    if (x > 16.619047164916992188F) {
        return 1.0F;
    }
    return (x < -9.0F) ? exp_of(x) : (1.0F / (1.0F + exp_of(-x)));
}

/* The factors are -sqrt(1/2) and sqrt(2/pi), rounded. */
static inline float gelu_of(float x)
{
    return (0.5F * x) * (float)mcuq_real_erfc((double)(x * -0.70710677F));
}

static inline float gelu_approximate_of(float x)
{
    const float argument = 0.7978846F * (x + (0.044715F * ((x * x) * x)));
    return (0.5F * x) * (1.0F + (float)mcuq_real_tanh((double)argument));
}

OF_ELEMENTS(mcuq_abs_f32, fabsf(x))
OF_ELEMENTS(mcuq_neg_f32, -x)
OF_ELEMENTS(mcuq_square_f32, x * x)
OF_ELEMENTS(mcuq_sqrt_f32, mcuq_real_sqrt(x))
OF_ELEMENTS(mcuq_rsqrt_f32, 1.0F / mcuq_real_sqrt(x))
OF_ELEMENTS(mcuq_floor_f32, floor_of(x))
OF_ELEMENTS(mcuq_sign_f32, sign_of(x))
OF_ELEMENTS(mcuq_hard_swish_f32, hard_swish_of(x))
OF_ELEMENTS(mcuq_exp_f32, exp_of(x))
OF_ELEMENTS(mcuq_log_f32, (float)mcuq_real_log((double)x))
OF_ELEMENTS(mcuq_tanh_f32, (float)mcuq_real_tanh((double)x))
OF_ELEMENTS(mcuq_logistic_f32, logistic_of(x))
OF_ELEMENTS(mcuq_sin_f32, (float)mcuq_real_wave((double)x, 0))
OF_ELEMENTS(mcuq_cos_f32, (float)mcuq_real_wave((double)x, 1))
OF_ELEMENTS(mcuq_gelu_f32, gelu_of(x))
OF_ELEMENTS(mcuq_gelu_approximate_f32, gelu_approximate_of(x))

void mcuq_bound_f32(const float *input, float *output, int32_t elements, float low, float high)
{
    for (int32_t i = 0; i < elements; i++) {
        const float x = input[i];
        output[i] = (x > high) ? high : ((x < low) ? low : x);
    }
}

void mcuq_leaky_relu_f32(const float *input, float *output, int32_t elements, float alpha)
{
    for (int32_t i = 0; i < elements; i++) {
        const float x = input[i];
        output[i] = (x > 0.0F) ? x : (x * alpha);
    }
}
