/* 3x3 depthwise convolution for cores with the DSP extension, a line's outputs unrolled: quicker than
 * mcuq_depthwise_3x3_s8.h, for more flash. Any channel multiplier and padding, stride 1 or 2 along the line.
 *
 * Formula, rounding, records of weights and planes: those of mcuq_depthwise_planes_s8.h, whose code it also is where
 * there is no FPU, and on the host. Scratch: as many planes, and the unpacked records of as many channels.
 *
 * MCUQ_DEPTHWISE_3X3_UNROLLED_S8(stride, line_stride, pitch, step, line_step, fours, rest, form) defines the
 * function for a stride along the line and from line to line, planes with `pitch` bytes between lines, outputs `step`
 * bytes apart and lines of them `line_step`, lines of 4 * fours + rest outputs, and a form of the requantization.
 * All are literals: no pointer moves within a line, and up to six times four outputs follow one another without a
 * branch.
 *
 * Cost on a Cortex-M4: stride 1: 51 cycles for four outputs (corrected: 61), 41 for three, 27 for two, 18 for one;
 * stride 2: 58, 42, 28, 17; 9 a line and 80 a channel; and the planes: 1.8 an input element and 6 a line.
 * Flash: 190 bytes for four outputs, at most eleven times, 90 to 160 for the rest, and 250.
 */
#ifndef MCUQ_DEPTHWISE_3X3_UNROLLED_S8_H
#define MCUQ_DEPTHWISE_3X3_UNROLLED_S8_H

#include "mcuq_depthwise_planes_s8.h"

#if MCUQ_HAS_DSP && defined(__ARM_FP)

/* What the lines of neighbouring output channels are computed from. The assembly reads it by its layout. */
typedef struct {
    int32_t plane_advance; /* bytes from a channel's plane to the next channel's */
    int32_t lines_bytes;   /* of a plane, from the first line to where one after the last would start */
    int32_t rounding;
    int32_t channels;
    const int32_t *record;
    const uint32_t *plane;
    int8_t *output;
} mcuq_depthwise_job;

enum { MCUQ_3X3_UNROLLED = 6 }; /* fours in a round, at most */

/* Registers: r0-r3 accumulators, r4-r6 data, r7, r9, r11 (w0,w1) and r8, r10, r12 (w1,w2) of the three lines, lr the
 * plane's line. s0 b, s1 M, s2 d, s3 plane_advance, s4 lines_bytes, s5 rounding, s6 channels left, s7 record, s8 plane,
 * s9 the channel's output, s10 output, s11 end of the plane, s12 rounds left. An FPU register is a register that takes
 * one cycle to reach.
 * .Lmcuq_in and .Lmcuq_out: bytes from lr and s10 to the next output's first word and to the output. */

/* Stride 1: one line of the window for the outputs 0 to 3: words in data registers, weights, what is added to. */
#define MCUQ_3X3_EVEN(sum, word, next, w01, w12, from)                                                                \
    "smlad " sum ", " word ", " w01 ", " from "\n\tsmlabt " sum ", " next ", " w12 ", " sum "\n\t"
#define MCUQ_3X3_ODD(sum, word, next, w01, w12, from)                                                                 \
    "smlatb " sum ", " word ", " w01 ", " from "\n\tsmlad " sum ", " next ", " w12 ", " sum "\n\t"
#define MCUQ_3X3_LOAD(register, line, index)                                                                          \
    "ldr.w " register ", [lr, #(.Lmcuq_in + " #line " * %c[pitch] + 4 * " #index ")]\n\t"

#define MCUQ_3X3_4_LINE_STRIDE_1(line, w01, w12, f0, f1, f2, f3)                                                      \
    MCUQ_3X3_LOAD("r4", line, 0) MCUQ_3X3_LOAD("r5", line, 1) MCUQ_3X3_LOAD("r6", line, 2)                            \
    MCUQ_3X3_EVEN("r0", "r4", "r5", w01, w12, f0) MCUQ_3X3_ODD("r1", "r4", "r5", w01, w12, f1)                        \
    MCUQ_3X3_EVEN("r2", "r5", "r6", w01, w12, f2) MCUQ_3X3_ODD("r3", "r5", "r6", w01, w12, f3)
#define MCUQ_3X3_3_LINE_STRIDE_1(line, w01, w12, f0, f1, f2, f3)                                                      \
    MCUQ_3X3_LOAD("r4", line, 0) MCUQ_3X3_LOAD("r5", line, 1) MCUQ_3X3_LOAD("r6", line, 2)                            \
    MCUQ_3X3_EVEN("r0", "r4", "r5", w01, w12, f0) MCUQ_3X3_ODD("r1", "r4", "r5", w01, w12, f1)                        \
    MCUQ_3X3_EVEN("r2", "r5", "r6", w01, w12, f2)
#define MCUQ_3X3_WINDOW(LINE)                                                                                         \
    LINE(2, "r11", "r12", "r3", "r3", "r3", "r3") LINE(1, "r9", "r10", "r0", "r1", "r2", "r3")                        \
    LINE(0, "r7", "r8", "r0", "r1", "r2", "r3")
#define MCUQ_3X3_SUMS_4_STRIDE_1 MCUQ_3X3_WINDOW(MCUQ_3X3_4_LINE_STRIDE_1)
#define MCUQ_3X3_SUMS_3_STRIDE_1 MCUQ_3X3_WINDOW(MCUQ_3X3_3_LINE_STRIDE_1)
#define MCUQ_3X3_SUMS_2_STRIDE_1                                                                                      \
    MCUQ_3X3_LOAD("r4", 2, 0) MCUQ_3X3_LOAD("r5", 2, 1) MCUQ_3X3_LOAD("r6", 1, 0) MCUQ_3X3_LOAD("r2", 1, 1)           \
    MCUQ_3X3_EVEN("r0", "r4", "r5", "r11", "r12", "r3") MCUQ_3X3_ODD("r1", "r4", "r5", "r11", "r12", "r3")            \
    MCUQ_3X3_EVEN("r0", "r6", "r2", "r9", "r10", "r0") MCUQ_3X3_ODD("r1", "r6", "r2", "r9", "r10", "r1")              \
    MCUQ_3X3_LOAD("r4", 0, 0) MCUQ_3X3_LOAD("r5", 0, 1)                                                               \
    MCUQ_3X3_EVEN("r0", "r4", "r5", "r7", "r8", "r0") MCUQ_3X3_ODD("r1", "r4", "r5", "r7", "r8", "r1")
#define MCUQ_3X3_SUMS_1_STRIDE_1                                                                                      \
    MCUQ_3X3_LOAD("r4", 2, 0) MCUQ_3X3_LOAD("r5", 2, 1) MCUQ_3X3_LOAD("r6", 1, 0) MCUQ_3X3_LOAD("r2", 1, 1)           \
    MCUQ_3X3_EVEN("r0", "r4", "r5", "r11", "r12", "r3") MCUQ_3X3_LOAD("r4", 0, 0) MCUQ_3X3_LOAD("r5", 0, 1)           \
    MCUQ_3X3_EVEN("r0", "r6", "r2", "r9", "r10", "r0") MCUQ_3X3_EVEN("r0", "r4", "r5", "r7", "r8", "r0")

/* Stride 2: a word meets (w0,w1) of one output and w2 of the output before. The three w2 are r8's bottom and top and
 * r10's top, which leaves r12 to data. */
#define MCUQ_3X3_PACK_STRIDE_1 ""
#define MCUQ_3X3_PACK_STRIDE_2 "pkhtb r8, r10, r8, asr #16\n\tmov r10, r12\n\t"
#define MCUQ_3X3_PAIR_0(sum, word, from) "smlad " sum ", " word ", r7, " from "\n\t"
#define MCUQ_3X3_PAIR_1(sum, word, from) "smlad " sum ", " word ", r9, " from "\n\t"
#define MCUQ_3X3_PAIR_2(sum, word, from) "smlad " sum ", " word ", r11, " from "\n\t"
#define MCUQ_3X3_LAST_0(sum, word) "smlabb " sum ", " word ", r8, " sum "\n\t"
#define MCUQ_3X3_LAST_1(sum, word) "smlabt " sum ", " word ", r8, " sum "\n\t"
#define MCUQ_3X3_LAST_2(sum, word) "smlabt " sum ", " word ", r10, " sum "\n\t"

#define MCUQ_3X3_SUMS_4_STRIDE_2                                                                                      \
    MCUQ_3X3_LOAD("r4", 2, 0) MCUQ_3X3_LOAD("r5", 2, 1) MCUQ_3X3_LOAD("r6", 2, 2) MCUQ_3X3_LOAD("r12", 2, 3)          \
    MCUQ_3X3_PAIR_2("r0", "r4", "r3") MCUQ_3X3_LAST_2("r0", "r5") MCUQ_3X3_PAIR_2("r1", "r5", "r3")                   \
    MCUQ_3X3_LAST_2("r1", "r6") MCUQ_3X3_PAIR_2("r2", "r6", "r3") MCUQ_3X3_LAST_2("r2", "r12")                        \
    MCUQ_3X3_PAIR_2("r3", "r12", "r3")                                                                                \
    MCUQ_3X3_LOAD("r4", 2, 4) MCUQ_3X3_LOAD("r5", 1, 0) MCUQ_3X3_LOAD("r6", 1, 1) MCUQ_3X3_LOAD("r12", 1, 2)          \
    MCUQ_3X3_LAST_2("r3", "r4") MCUQ_3X3_PAIR_1("r0", "r5", "r0") MCUQ_3X3_LAST_1("r0", "r6")                         \
    MCUQ_3X3_PAIR_1("r1", "r6", "r1") MCUQ_3X3_LAST_1("r1", "r12") MCUQ_3X3_PAIR_1("r2", "r12", "r2")                 \
    MCUQ_3X3_LOAD("r4", 1, 3) MCUQ_3X3_LOAD("r5", 1, 4) MCUQ_3X3_LOAD("r6", 0, 0) MCUQ_3X3_LOAD("r12", 0, 1)          \
    MCUQ_3X3_LAST_1("r2", "r4") MCUQ_3X3_PAIR_1("r3", "r4", "r3") MCUQ_3X3_LAST_1("r3", "r5")                         \
    MCUQ_3X3_PAIR_0("r0", "r6", "r0") MCUQ_3X3_LAST_0("r0", "r12") MCUQ_3X3_PAIR_0("r1", "r12", "r1")                 \
    MCUQ_3X3_LOAD("r4", 0, 2) MCUQ_3X3_LOAD("r5", 0, 3) MCUQ_3X3_LOAD("r6", 0, 4)                                     \
    MCUQ_3X3_LAST_0("r1", "r4") MCUQ_3X3_PAIR_0("r2", "r4", "r2") MCUQ_3X3_LAST_0("r2", "r5")                         \
    MCUQ_3X3_PAIR_0("r3", "r5", "r3") MCUQ_3X3_LAST_0("r3", "r6")

#define MCUQ_3X3_3_LINE_STRIDE_2(line, f0, f1, f2)                                                                    \
    MCUQ_3X3_LOAD("r4", line, 0) MCUQ_3X3_LOAD("r5", line, 1) MCUQ_3X3_LOAD("r6", line, 2)                            \
    MCUQ_3X3_LOAD("r12", line, 3)                                                                                     \
    MCUQ_3X3_PAIR_##line("r0", "r4", f0) MCUQ_3X3_LAST_##line("r0", "r5") MCUQ_3X3_PAIR_##line("r1", "r5", f1)        \
    MCUQ_3X3_LAST_##line("r1", "r6") MCUQ_3X3_PAIR_##line("r2", "r6", f2) MCUQ_3X3_LAST_##line("r2", "r12")
#define MCUQ_3X3_SUMS_3_STRIDE_2                                                                                      \
    MCUQ_3X3_3_LINE_STRIDE_2(2, "r3", "r3", "r3") MCUQ_3X3_3_LINE_STRIDE_2(1, "r0", "r1", "r2")                       \
    MCUQ_3X3_3_LINE_STRIDE_2(0, "r0", "r1", "r2")

#define MCUQ_3X3_SUMS_2_STRIDE_2                                                                                      \
    MCUQ_3X3_LOAD("r4", 2, 0) MCUQ_3X3_LOAD("r5", 2, 1) MCUQ_3X3_LOAD("r6", 2, 2) MCUQ_3X3_LOAD("r12", 1, 0)          \
    MCUQ_3X3_LOAD("r2", 1, 1)                                                                                         \
    MCUQ_3X3_PAIR_2("r0", "r4", "r3") MCUQ_3X3_LAST_2("r0", "r5") MCUQ_3X3_PAIR_2("r1", "r5", "r3")                   \
    MCUQ_3X3_LAST_2("r1", "r6") MCUQ_3X3_PAIR_1("r0", "r12", "r0") MCUQ_3X3_LAST_1("r0", "r2")                        \
    MCUQ_3X3_PAIR_1("r1", "r2", "r1")                                                                                 \
    MCUQ_3X3_LOAD("r4", 1, 2) MCUQ_3X3_LOAD("r5", 0, 0) MCUQ_3X3_LOAD("r6", 0, 1) MCUQ_3X3_LOAD("r12", 0, 2)          \
    MCUQ_3X3_LAST_1("r1", "r4") MCUQ_3X3_PAIR_0("r0", "r5", "r0") MCUQ_3X3_LAST_0("r0", "r6")                         \
    MCUQ_3X3_PAIR_0("r1", "r6", "r1") MCUQ_3X3_LAST_0("r1", "r12")

#define MCUQ_3X3_SUMS_1_STRIDE_2                                                                                      \
    MCUQ_3X3_LOAD("r4", 2, 0) MCUQ_3X3_LOAD("r5", 2, 1) MCUQ_3X3_LOAD("r6", 1, 0) MCUQ_3X3_LOAD("r12", 1, 1)          \
    MCUQ_3X3_LOAD("r1", 0, 0) MCUQ_3X3_LOAD("r2", 0, 1)                                                               \
    MCUQ_3X3_PAIR_2("r0", "r4", "r3") MCUQ_3X3_LAST_2("r0", "r5") MCUQ_3X3_PAIR_1("r0", "r6", "r0")                   \
    MCUQ_3X3_LAST_1("r0", "r12") MCUQ_3X3_PAIR_0("r0", "r1", "r0") MCUQ_3X3_LAST_0("r0", "r2")

#define MCUQ_3X3_EACH_1(apply) apply("r0")
#define MCUQ_3X3_EACH_2(apply) apply("r0") apply("r1")
#define MCUQ_3X3_EACH_3(apply) apply("r0") apply("r1") apply("r2")
#define MCUQ_3X3_EACH_4(apply) apply("r0") apply("r1") apply("r2") apply("r3")

#define MCUQ_3X3_CORRECT(register) "and r4, r5, " register ", asr #31\n\tsub " register ", " register ", r4\n\t"
#define MCUQ_3X3_MULTIPLY(register) "smmul " register ", " register ", r4\n\t"
#define MCUQ_3X3_MULTIPLY_ROUNDED(register) "smmla " register ", " register ", r4, r6\n\t"
#define MCUQ_3X3_SATURATE(register) "ssat " register ", #8, " register ", asr #14\n\t"
#define MCUQ_3X3_SCALE_plain(EACH) "vmov r4, s1\n\t" EACH(MCUQ_3X3_MULTIPLY)
#define MCUQ_3X3_SCALE_corrected(EACH)                                                                                \
    "vmov r5, s2\n\t" EACH(MCUQ_3X3_CORRECT) "vmov r4, s1\n\tvmov r6, s5\n\t" EACH(MCUQ_3X3_MULTIPLY_ROUNDED)
#define MCUQ_3X3_CONSTANTS_plain "vldmia r4!, {s0-s1}\n\t"
#define MCUQ_3X3_CONSTANTS_corrected "vldmia r4!, {s0-s2}\n\t"

#define MCUQ_3X3_STORE(register, index) "strb.w " register ", [r5, #(.Lmcuq_out + " #index " * %c[step])]\n\t"
#define MCUQ_3X3_STORE_1 MCUQ_3X3_STORE("r0", 0)
#define MCUQ_3X3_STORE_2 MCUQ_3X3_STORE_1 MCUQ_3X3_STORE("r1", 1)
#define MCUQ_3X3_STORE_3 MCUQ_3X3_STORE_2 MCUQ_3X3_STORE("r2", 2)
#define MCUQ_3X3_STORE_4 MCUQ_3X3_STORE_3 MCUQ_3X3_STORE("r3", 3)

/* Move the output's base, which is r5, to the next output. */
#define MCUQ_3X3_REBASE                                                                                               \
    ".if .Lmcuq_out <= 4095\n\taddw r5, r5, #.Lmcuq_out\n\t"                                                          \
    ".else\n\tmovw r4, #.Lmcuq_out\n\tadd.w r5, r5, r4\n\t.endif\n\t"                                                 \
    "vmov s10, r5\n\t.set .Lmcuq_out, 0\n\t"

#define MCUQ_3X3_OUTPUTS(stride, form, count)                                                                         \
    "vmov r3, s0\n\t" MCUQ_3X3_SUMS_##count##_STRIDE_##stride MCUQ_3X3_SCALE_##form(MCUQ_3X3_EACH_##count)            \
    "vmov r5, s10\n\t.if .Lmcuq_out + (" #count " - 1) * %c[step] > 4095\n\t" MCUQ_3X3_REBASE ".endif\n\t"            \
    MCUQ_3X3_EACH_##count(MCUQ_3X3_SATURATE) MCUQ_3X3_STORE_##count

#define MCUQ_3X3_FOUR(stride, form)                                                                                   \
    MCUQ_3X3_OUTPUTS(stride, form, 4)                                                                                 \
    ".set .Lmcuq_in, .Lmcuq_in + 8 * " #stride "\n\t.set .Lmcuq_out, .Lmcuq_out + 4 * %c[step]\n\t"

#define MCUQ_3X3_REST_0(stride, form) ""
#define MCUQ_3X3_REST_1(stride, form) MCUQ_3X3_OUTPUTS(stride, form, 1)
#define MCUQ_3X3_REST_2(stride, form) MCUQ_3X3_OUTPUTS(stride, form, 2)
#define MCUQ_3X3_REST_3(stride, form) MCUQ_3X3_OUTPUTS(stride, form, 3)

/* From r5, the base of the line's last outputs, to the next line's. */
#define MCUQ_3X3_NEXT_LINE                                                                                            \
    ".set .Lmcuq_out, %c[output_line] + .Lmcuq_out - %c[fours_bytes]\n\t"                                             \
    ".if (.Lmcuq_out >= 0) && (.Lmcuq_out <= 4095)\n\taddw r5, r5, #.Lmcuq_out\n\t"                                   \
    ".elseif (.Lmcuq_out < 0) && (.Lmcuq_out >= -4095)\n\tsubw r5, r5, #(-.Lmcuq_out)\n\t"                            \
    ".else\n\tmovw r4, #(.Lmcuq_out & 0xffff)\n\tmovt r4, #((.Lmcuq_out >> 16) & 0xffff)\n\tadd r5, r5, r4\n\t"       \
    ".endif\n\t"

#define MCUQ_3X3_LINES(name, stride, literal_line_stride, literal_pitch, literal_step, line_step, fours, rest,        \
                       form)                                                                                          \
    static __attribute__((noinline)) void name(const mcuq_depthwise_job *job)                                         \
    {                                                                                                                 \
        enum {                                                                                                        \
            ROUNDS = ((fours) + MCUQ_3X3_UNROLLED - 1) / MCUQ_3X3_UNROLLED,                                           \
            A_ROUND = (ROUNDS > 0) ? ((fours) / ((ROUNDS > 0) ? ROUNDS : 1)) : 0,                                     \
            BEHIND = (fours) - (ROUNDS * A_ROUND)                                                                     \
        };                                                                                                            \
        register const mcuq_depthwise_job *r0 __asm__("r0") = job;                                                    \
        /* MISRA C:2012 dir 4.3: assembly, encapsulated here. */                                                      \
        __asm__ volatile(                                                                                             \
            "vldmia r0, {s3-s9}\n"                                                                                    \
            "3:\n\tvmov r4, s7\n\tldmia r4!, {r7-r12}\n\t"                                                            \
            MCUQ_3X3_PACK_STRIDE_##stride MCUQ_3X3_CONSTANTS_##form                                                   \
            "vmov s7, r4\n\tvmov lr, s8\n\tvmov r4, s4\n\tadd r4, r4, lr\n\tvmov s11, r4\n\t"                         \
            "vmov r4, s3\n\tadd r4, r4, lr\n\tvmov s8, r4\n\tvmov r5, s9\n"                                           \
            "1:\n\tvmov s10, r5\n\t.set .Lmcuq_in, 0\n\t.set .Lmcuq_out, 0\n\t"                                       \
            ".if %c[rounds] > 1\n\tmovs r4, #%c[rounds]\n\tvmov s12, r4\n\t.endif\n"                                  \
            "2:\n\t.rept %c[a_round]\n\t" MCUQ_3X3_FOUR(stride, form) ".endr\n\t"                                     \
            ".if %c[rounds] > 1\n\t"                                                                                  \
            ".if .Lmcuq_out\n\t" MCUQ_3X3_REBASE ".endif\n\t"                                                         \
            "addw lr, lr, #.Lmcuq_in\n\t.set .Lmcuq_in, 0\n\t"                                                        \
            "vmov r4, s12\n\tsubs r4, r4, #1\n\tvmov s12, r4\n\tbne.w 2b\n\t.endif\n\t"                               \
            ".rept %c[behind]\n\t" MCUQ_3X3_FOUR(stride, form) ".endr\n\t" MCUQ_3X3_REST_##rest(stride, form)         \
            MCUQ_3X3_NEXT_LINE                                                                                        \
            "vmov r4, s11\n\taddw lr, lr, #(%c[line] - %c[moved])\n\tcmp lr, r4\n\tbne.w 1b\n\t"                      \
            "vmov r5, s9\n\tadd r5, r5, #1\n\tvmov s9, r5\n\t"                                                        \
            "vmov r4, s6\n\tsubs r4, r4, #1\n\tvmov s6, r4\n\tbne.w 3b\n\t"                                           \
            : "+r"(r0)                                                                                                \
            : [pitch] "i"(literal_pitch), [step] "i"(literal_step), [rounds] "i"(ROUNDS), [a_round] "i"(A_ROUND),     \
              [behind] "i"(BEHIND), [line] "i"((literal_line_stride) * (literal_pitch)),                              \
              [moved] "i"((ROUNDS > 1) ? (ROUNDS * A_ROUND * 8 * (stride)) : 0), [output_line] "i"(line_step),        \
              [fours_bytes] "i"(4 * (fours) * (literal_step))                                                         \
            : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "s0", "s1", "s2",      \
              "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12", "cc", "memory");                         \
    }

/* `count` output channels from planes that are `advance` bytes apart. */
#define MCUQ_3X3_BAND(name, stride, pitch, rest, form, count, advance)                                                \
    {                                                                                                                 \
        const int32_t bytes = band.lines * params->line_stride * (pitch);                                             \
        const mcuq_depthwise_job job = {advance, bytes, params->rounding, count, record, plane, out};                 \
        name(&job);                                                                                                   \
    }

#else

#define MCUQ_3X3_LINES(name, stride, line_stride, pitch, step, line_step, fours, rest, form)
#define MCUQ_3X3_BAND(name, stride, pitch, rest, form, count, advance)                                                \
    for (int32_t i = 0; i < (count); i++) {                                                                           \
        mcuq_depthwise_band(params, &plane[(i * (advance)) / 4], band.lines, &record[i * params->record_words],       \
                            &out[i], 3, 3, stride, (pitch) / 4, rest, #form[0] == 'c');                               \
    }

#endif

#define MCUQ_3X3_DEFINE(name, stride, line_stride, pitch, step, line_step, fours, rest, form)                         \
    MCUQ_3X3_LINES(name##_lines, stride, line_stride, pitch, step, line_step, fours, rest, form)                      \
    static __attribute__((noinline)) void name(const mcuq_planes_params *params, const int8_t *input,                 \
                                               const int32_t *weights, void *scratch, int8_t *output)                 \
    {                                                                                                                 \
        const int32_t multiplier = params->channel_multiplier;                                                        \
        const int32_t most = (params->channels < MCUQ_PLANES_TOGETHER) ? params->channels : MCUQ_PLANES_TOGETHER;     \
        int32_t *const records = &((int32_t *)scratch)[most * (params->plane_bytes / 4)]; /* behind the planes */     \
        mcuq_planes_band band = {0};                                                                                  \
        while (mcuq_planes_next(params, input, (uint32_t *)scratch, &band)) {                                         \
            if (band.first == 0) {                                                                                    \
                mcuq_planes_unpack_3x3(params, weights, band.channel * multiplier, band.channels * multiplier,        \
                                       records);                                                                      \
            }                                                                                                         \
            const int32_t *record = records;                                                                          \
            const uint32_t *plane = (const uint32_t *)scratch;                                                        \
            int8_t *out = &output[(band.batch * params->output_batch) + (band.channel * multiplier) +                 \
                                  (band.first * params->output_line_step)];                                           \
            const int32_t planes = (multiplier == 1) ? 1 : band.channels;                                             \
            const int32_t channels = (multiplier == 1) ? band.channels : multiplier; /* of the output, in one go */   \
            const int32_t advance = (multiplier == 1) ? params->plane_bytes : 0;                                      \
            for (int32_t c = 0; c < planes; c++) {                                                                    \
                MCUQ_3X3_BAND(name##_lines, stride, pitch, rest, form, channels, advance)                             \
                record = &record[multiplier * params->record_words];                                                  \
                out = &out[multiplier];                                                                               \
                plane = &plane[(uint32_t)params->plane_bytes / 4U];                                                   \
            }                                                                                                         \
        }                                                                                                             \
    }

#define MCUQ_DEPTHWISE_3X3_UNROLLED_S8(stride, line_stride, pitch, step, line_step, fours, rest, form)                \
    MCUQ_3X3_DEFINE(                                                                                                  \
        mcuq_depthwise_3x3_##stride##_##line_stride##_##pitch##_##step##_##line_step##_##fours##_##rest##_##form##_s8,\
        stride, line_stride, pitch, step, line_step, fours, rest, form)

#endif
