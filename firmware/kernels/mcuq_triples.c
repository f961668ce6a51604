#include "mcuq_triples.h"

#include <string.h>

void mcuq_triple_pack(mcuq_triple_packer *packer, const int8_t *x0, const int8_t *x1, const int8_t *x2, int32_t n)
{
    int32_t left = n;
    while (left > 0) {
        const int32_t count = (left < packer->room) ? left : packer->room;
        uint32_t *words = packer->words;
        uint32_t sum_a = packer->sum_a;
        uint32_t sum_b = packer->sum_b;
        for (int32_t i = 0; i < count; i++) {
            const uint32_t middle = (uint32_t)(int32_t)x1[i];
            const uint32_t a = mcuq_triple_a((uint32_t)(int32_t)x0[i], middle);
            const uint32_t b = mcuq_triple_b(middle, (uint32_t)(int32_t)x2[i]);
            words[0] = a;
            words[1] = b;
            words = &words[2];
            sum_a += a;
            sum_b += b;
        }
        x0 = &x0[count];
        x1 = &x1[count];
        x2 = &x2[count];
        left -= count;
        packer->room -= count;
        packer->words = words;
        packer->sum_a = sum_a;
        packer->sum_b = sum_b;
        if (packer->room == 0) {
            words[0] = sum_a << 7U;
            words[1] = sum_b << 7U;
            packer->words = &words[2];
            packer->sum_a = 0U;
            packer->sum_b = 0U;
            packer->room = packer->part_taps;
        }
    }
}

void mcuq_triple_pack_end(mcuq_triple_packer *packer)
{
    static const int8_t zeros[4] = {0, 0, 0, 0};
    while (packer->room != packer->part_taps) {
        const int32_t count = (packer->room < 4) ? packer->room : 4;
        mcuq_triple_pack(packer, zeros, zeros, zeros, count);
    }
}

#if defined(__ARM_ARCH_ISA_THUMB) && (__ARM_ARCH_ISA_THUMB == 1)

/* r0 packed, r1 weights, r2 and r3 a and b, r4 four weights, r5 a product; sums in r6, r7, r8 to r12 and lr. */
#define TAP                                                                                                            \
    "ldmia r1!, {r4}\n\t"                                                                                              \
    "ldmia r0!, {r2, r3}\n\t"                                                                                          \
    "lsrs r5, r4, #8\n\tmuls r5, r2, r5\n\tadds r7, r7, r5\n\t"                                                        \
    "lsrs r5, r4, #16\n\tmuls r5, r2, r5\n\tadd r8, r8, r5\n\t"                                                        \
    "lsrs r5, r4, #24\n\tmuls r5, r2, r5\n\tadd r9, r9, r5\n\t"                                                        \
    "lsrs r5, r4, #8\n\tmuls r5, r3, r5\n\tadd r11, r11, r5\n\t"                                                       \
    "lsrs r5, r4, #16\n\tmuls r5, r3, r5\n\tadd r12, r12, r5\n\t"                                                      \
    "lsrs r5, r4, #24\n\tmuls r5, r3, r5\n\tadd lr, lr, r5\n\t"                                                        \
    "muls r2, r4, r2\n\tadds r6, r6, r2\n\t"                                                                           \
    "muls r3, r4, r3\n\tadd r10, r10, r3\n\t"

void mcuq_triple_multiply(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                          uint32_t products[MCUQ_TRIPLE_PRODUCTS])
{
    register const uint32_t *x __asm__("r0") = packed;
    register const uint32_t *w __asm__("r1") = weights;
    const uint32_t *volatile last = end;
    uint32_t *volatile results = products;
    __asm__ volatile(".syntax unified\n\tmovs r6, #0\n\tmovs r7, #0\n\tmov r8, r6\n\tmov r9, r6\n\t"
                     "mov r10, r6\n\tmov r11, r6\n\tmov r12, r6\n\tmov lr, r6\n\t"
                     "1:\n\t" TAP TAP TAP TAP "ldr r5, %[last]\n\t"
                     "cmp r0, r5\n\t"
                     "bne 1b\n\t"
                     "ldr r5, %[results]\n\t"
                     "mov r2, r8\n\tmov r3, r9\n\tmovs r4, #0\n\t"
                     "stmia r5!, {r6, r7}\n\tstmia r5!, {r2, r3, r4}\n\t"
                     "mov r2, r10\n\tmov r3, r11\n\tmov r6, r12\n\tmov r7, lr\n\t"
                     "stmia r5!, {r2, r3, r6, r7}\n\tstmia r5!, {r4}\n\t"
                     : "+&l"(x), "+&l"(w)
                     : [last] "m"(last), [results] "m"(results)
                     : "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#elif defined(__ARM_ARCH_ISA_THUMB)

/* As above, with a sum's multiplication and addition in one instruction; r5 is the end. */
#define TAP                                                                                                            \
    "ldr r4, [r1], #4\n\t"                                                                                             \
    "ldrd r2, r3, [r0], #8\n\t"                                                                                        \
    "mla r6, r2, r4, r6\n\tmla r10, r3, r4, r10\n\tlsrs r4, r4, #8\n\t"                                                \
    "mla r7, r2, r4, r7\n\tmla r11, r3, r4, r11\n\tlsrs r4, r4, #8\n\t"                                                \
    "mla r8, r2, r4, r8\n\tmla r12, r3, r4, r12\n\tlsrs r4, r4, #8\n\t"                                                \
    "mla r9, r2, r4, r9\n\tmla lr, r3, r4, lr\n\t"

void mcuq_triple_multiply(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                          uint32_t products[MCUQ_TRIPLE_PRODUCTS])
{
    register const uint32_t *x __asm__("r0") = packed;
    register const uint32_t *w __asm__("r1") = weights;
    register const uint32_t *last __asm__("r5") = end;
    uint32_t *volatile results = products;
    __asm__ volatile("movs r6, #0\n\tmovs r7, #0\n\tmovs r8, #0\n\tmovs r9, #0\n\t"
                     "movs r10, #0\n\tmovs r11, #0\n\tmovs r12, #0\n\tmov lr, #0\n\t"
                     "1:\n\t" TAP TAP TAP TAP "cmp r0, r5\n\t"
                     "bne 1b\n\t"
                     "ldr r2, %[results]\n\t"
                     "movs r3, #0\n\t"
                     "stmia r2!, {r6, r7, r8, r9}\n\t"
                     "str r3, [r2], #4\n\t"
                     "stmia r2!, {r10, r11, r12, lr}\n\t"
                     "str r3, [r2]\n\t"
                     : "+&r"(x), "+&r"(w)
                     : "r"(last), [results] "m"(results)
                     : "r2", "r3", "r4", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#else

void mcuq_triple_multiply(const uint32_t *packed, const uint32_t *end, const uint32_t *weights,
                          uint32_t products[MCUQ_TRIPLE_PRODUCTS])
{
    for (int32_t k = 0; k < MCUQ_TRIPLE_PRODUCTS; k++) {
        products[k] = 0U;
    }
    const uint32_t *w = weights;
    for (const uint32_t *x = packed; x != end; x = &x[2]) {
        for (uint32_t k = 0U; k < MCUQ_TRIPLE_CHANNELS; k++) {
            products[k] += (*w >> (8U * k)) * x[0];
            products[MCUQ_TRIPLE_B + k] += (*w >> (8U * k)) * x[1];
        }
        w = &w[1];
    }
}

#endif

void mcuq_triple_sums(const uint32_t *packed, int32_t parts, int32_t part_taps, const uint32_t *weights,
                      int32_t sums[MCUQ_TRIPLE_CHANNELS][3])
{
    uint32_t products[MCUQ_TRIPLE_PRODUCTS];
    (void)memset(sums, 0, MCUQ_TRIPLE_CHANNELS * sizeof sums[0]);
    for (int32_t part = 0; part < parts; part++) {
        const uint32_t *const end = &packed[2 * part_taps];
        mcuq_triple_multiply(packed, end, weights, products);
        for (int32_t k = 0; k < MCUQ_TRIPLE_CHANNELS; k++) {
            int32_t found[3];
            mcuq_triple_split(products[k] - (products[k + 1] << 8U) - end[0],
                              products[MCUQ_TRIPLE_B + k] - (products[MCUQ_TRIPLE_B + k + 1] << 8U) - end[1], found);
            sums[k][0] += found[0];
            sums[k][1] += found[1];
            sums[k][2] += found[2];
        }
        packed = &end[2];
        weights = &weights[part_taps];
    }
}
