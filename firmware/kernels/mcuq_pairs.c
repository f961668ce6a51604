#include "mcuq_pairs.h"

void mcuq_pair_pack(mcuq_triple_packer *packer, const int8_t *x0, const int8_t *x1, int32_t n)
{
    int32_t left = n;
    while (left > 0) {
        const int32_t count = (left < packer->room) ? left : packer->room;
        uint32_t *words = packer->words;
        uint32_t sum = packer->sum_a;
        for (int32_t i = 0; i < count; i++) {
            const uint32_t both = (uint32_t)(int32_t)x0[i] + ((uint32_t)(int32_t)x1[i] << 16U);
            words[i] = both;
            sum += both;
        }
        x0 = &x0[count];
        x1 = &x1[count];
        left -= count;
        words = &words[count];
        packer->room -= count;
        packer->sum_a = sum;
        if (packer->room == 0) {
            words[0] = sum;
            words = &words[1];
            packer->sum_a = 0U;
            packer->room = packer->part_taps;
        }
        packer->words = words;
    }
}

void mcuq_pair_pack_end(mcuq_triple_packer *packer)
{
    static const int8_t zeros[4] = {0, 0, 0, 0};
    while (packer->room != packer->part_taps) {
        const int32_t count = (packer->room < 4) ? packer->room : 4;
        mcuq_pair_pack(packer, zeros, zeros, count);
    }
}

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)

/* r0 packed, r1 weights, r2 x, r3 the codes, r4 a product; sums in r5 to r12, the end in lr. */
#define PRODUCT(shift, sum) "lsrs r4, r3, #" shift "\n\tmuls r4, r2, r4\n\tadd " sum ", " sum ", r4\n\t"
#define LAST(sum) "muls r3, r2, r3\n\tadd " sum ", " sum ", r3\n\t"
#define INPUT "ldmia r0!, {r2}\n\t"
#define CODES "ldmia r1!, {r3}\n\t"
#define INT4_TAP                                                                                                       \
    CODES INPUT PRODUCT("4", "r6") PRODUCT("8", "r7") PRODUCT("12", "r8") PRODUCT("16", "r9") PRODUCT("20", "r10")     \
    PRODUCT("24", "r11") PRODUCT("28", "r12") LAST("r5")
/* The codes of the first tap wait in lr while those of the second are above them. */
#define INT2_TWO                                                                                                       \
    CODES INPUT "mov lr, r3\n\tuxth r3, r3\n\t"                                                                        \
    PRODUCT("2", "r6") PRODUCT("4", "r7") PRODUCT("6", "r8") PRODUCT("8", "r9") PRODUCT("10", "r10")                   \
    PRODUCT("12", "r11") PRODUCT("14", "r12") LAST("r5")                                                               \
    INPUT "mov r3, lr\n\t"                                                                                             \
    PRODUCT("16", "r5") PRODUCT("18", "r6") PRODUCT("20", "r7") PRODUCT("22", "r8") PRODUCT("24", "r9")                \
    PRODUCT("26", "r10") PRODUCT("28", "r11") PRODUCT("30", "r12")
#define SUMS                                                                                                           \
    ".syntax unified\n\tmovs r5, #0\n\tmovs r6, #0\n\tmovs r7, #0\n\tmov r8, r5\n\tmov r9, r5\n\t"                     \
    "mov r10, r5\n\tmov r11, r5\n\tmov r12, r5\n\t"                                                                    \
    "1:\n\t" FOUR "ldr r4, %[last]\n\tcmp r0, r4\n\tbne 1b\n\t"                                                        \
    "ldr r4, %[results]\n\t"                                                                                           \
    "mov r0, r8\n\tmov r1, r9\n\tmov r2, r10\n\tmov r3, r11\n\t"                                                       \
    "stmia r4!, {r5, r6, r7}\n\tstmia r4!, {r0, r1, r2, r3}\n\t"                                                       \
    "mov r0, r12\n\tmovs r1, #0\n\tstmia r4!, {r0, r1}\n\t"

#elif defined(__ARM_ARCH_ISA_THUMB)

#define PRODUCT(sum) "mla " sum ", r2, r3, " sum "\n\t"
#define NEXT(bits, sum) "lsrs r3, r3, #" bits "\n\t" PRODUCT(sum)
#define INPUT "ldr r2, [r0], #4\n\t"
#define CODES "ldr r3, [r1], #4\n\t"
#define EIGHT(bits)                                                                                                    \
    PRODUCT("r5") NEXT(bits, "r6") NEXT(bits, "r7") NEXT(bits, "r8") NEXT(bits, "r9") NEXT(bits, "r10")                \
    NEXT(bits, "r11") NEXT(bits, "r12")
#define INT4_TAP CODES INPUT EIGHT("4")
#define INT2_TWO CODES INPUT "mov r4, r3\n\tuxth r3, r3\n\t" EIGHT("2") INPUT "lsrs r3, r4, #16\n\t" EIGHT("2")
#define SUMS                                                                                                           \
    "movs r5, #0\n\tmovs r6, #0\n\tmovs r7, #0\n\tmov r8, r5\n\tmov r9, r5\n\tmov r10, r5\n\tmov r11, r5\n\t"          \
    "mov r12, r5\n\t"                                                                                                  \
    "1:\n\t" FOUR "ldr r4, %[last]\n\tcmp r0, r4\n\tbne 1b\n\t"                                                        \
    "ldr r4, %[results]\n\tmovs r3, #0\n\t"                                                                            \
    "stmia r4!, {r5, r6, r7, r8, r9, r10, r11, r12}\n\tstr r3, [r4]\n\t"

#endif

#if defined(__ARM_ARCH_ISA_THUMB)

#define MULTIPLY                                                                                                       \
    __asm__ volatile(SUMS                                                                                              \
                     : "+&l"(x), "+&l"(w)                                                                              \
                     : [last] "m"(last), [results] "m"(results)                                                        \
                     : "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory")

ALWAYS_INLINE void multiply(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                            uint32_t products[MCUQ_PAIR_PRODUCTS], const mcuq_pairs kind)
{
    register const uint32_t *x __asm__("r0") = packed;
    register const uint32_t *w __asm__("r1") = weights;
    const uint32_t *volatile last = end;
    uint32_t *volatile results = products;
    if (kind == mcuq_pairs_int4) {
#define FOUR INT4_TAP INT4_TAP INT4_TAP INT4_TAP
        MULTIPLY;
#undef FOUR
    } else {
#define FOUR INT2_TWO INT2_TWO
        MULTIPLY;
#undef FOUR
    }
}

#else

ALWAYS_INLINE void multiply(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                            uint32_t products[MCUQ_PAIR_PRODUCTS], const mcuq_pairs kind)
{
    for (int32_t k = 0; k < MCUQ_PAIR_PRODUCTS; k++) {
        products[k] = 0U;
    }
    for (int32_t i = 0; &packed[i] != end; i++) {
        const uint32_t half = (weights[i / 2] >> (16U * ((uint32_t)i % 2U))) & 0xffffU;
        const uint32_t codes = (kind == mcuq_pairs_int4) ? weights[i] : half;
        for (uint32_t k = 0U; k < MCUQ_PAIR_CHANNELS; k++) {
            products[k] += (codes >> ((uint32_t)kind * k)) * packed[i];
        }
    }
}

#endif

void mcuq_pair_multiply_int4(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                             uint32_t products[MCUQ_PAIR_PRODUCTS])
{
    multiply(packed, end, weights, products, mcuq_pairs_int4);
}

void mcuq_pair_multiply_int2(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                             uint32_t products[MCUQ_PAIR_PRODUCTS])
{
    multiply(packed, end, weights, products, mcuq_pairs_int2);
}
