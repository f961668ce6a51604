/* What kernels of float32 share. Every operation rounds once: mcuq compiles with -ffp-contract=off. */
#ifndef MCUQ_F32_H
#define MCUQ_F32_H

/* x between low and high; not a number stays. */
static inline float mcuq_clamp_f32(float x, float low, float high)
{
    const float above = (x < low) ? low : x;
    return (high < above) ? high : above;
}

#endif
