#include "mcuq_depthwise_3x3_s8.h"

#include <stdbool.h>

#include "mcuq_dsp.h"
#include "mcuq_prescaled_requantize.h"

/* What the lines of one output channel are computed from. The assembly reads it by its layout. */
typedef struct {
    const int32_t *record;
    const uint32_t *plane;
    int8_t *output;
    int32_t output_step;
    const uint32_t *quads_end; /* in the plane, of the first line's outputs in fours */
    int32_t next_line;         /* bytes from where a line's last output leaves the plane to the next line's first */
    int32_t rest;              /* outputs of a line that are left after the fours: 0 .. 3 */
    const uint32_t *end;       /* quads_end of the last line */
    int32_t next_output_line;  /* bytes from the end of a line's outputs to the next line's */
    int32_t rounding;
    int32_t line_advance;      /* bytes from a line's first element in the plane to the next line's */
    int32_t lines;             /* the rest is for the C twin */
    int32_t output_length;
    int32_t quads; /* words of the plane from a line's start to quads_end */
} job;

#if MCUQ_HAS_DSP && defined(__ARM_FP)

/* Registers: r0-r3 accumulators, r4-r6 data, r7-r9 (w0,w1) and r10-r12 (w1,w2) of the three lines, lr the plane.
 * s0 b, s1 M, s2 output, s3 output_step, s4 quads_end, s5 next_line, s6 rest, s7 end, s8 next_output_line, s9 rounding,
 * s10 line_advance, s11 d. An FPU register is a register that takes one cycle to reach. */

/* One line of the window for four outputs; the loads are given. */
#define QUAD_STRIDE_1(w01, w12, from0, from1, from2, from3)                                                           \
    "smlad r0, r4, " w01 ", " from0 "\n\tsmlatb r1, r4, " w01 ", " from1 "\n\t"                                       \
    "smlad r2, r5, " w01 ", " from2 "\n\tsmlatb r3, r5, " w01 ", " from3 "\n\t"                                       \
    "smlabt r0, r5, " w12 ", r0\n\tsmlad r1, r5, " w12 ", r1\n\t"                                                     \
    "smlabt r2, r6, " w12 ", r2\n\tsmlad r3, r6, " w12 ", r3\n\t"

/* The first three words of five give two outputs, the last three the others. */
#define HALF_STRIDE_2(low, high, a, b, c, w01, w12, from0, from1)                                                     \
    "smlad " low ", " a ", " w01 ", " from0 "\n\tsmlabt " low ", " b ", " w12 ", " low "\n\t"                         \
    "smlad " high ", " b ", " w01 ", " from1 "\n\tsmlabt " high ", " c ", " w12 ", " high "\n\t"

#define CORRECT(register) "and r4, r5, " register ", asr #31\n\tsub " register ", " register ", r4\n\t"
#define MULTIPLY_PLAIN(register) "smmul " register ", " register ", r4\n\t"
#define MULTIPLY_CORRECTED(register) "smmla " register ", " register ", r4, r6\n\t"
#define SATURATE(register) "ssat " register ", #8, " register ", asr #14\n\t"

#define SCALE_4_PLAIN                                                                                                 \
    "vmov r4, s1\n\t" MULTIPLY_PLAIN("r0") MULTIPLY_PLAIN("r1") MULTIPLY_PLAIN("r2") MULTIPLY_PLAIN("r3")
#define SCALE_2_PLAIN "vmov r4, s1\n\t" MULTIPLY_PLAIN("r0") MULTIPLY_PLAIN("r1")
#define SCALE_1_PLAIN "vmov r4, s1\n\t" MULTIPLY_PLAIN("r0")
#define SCALE_4_CORRECTED                                                                                             \
    "vmov r5, s11\n\t" CORRECT("r0") CORRECT("r1") CORRECT("r2") CORRECT("r3") "vmov r4, s1\n\tvmov r6, s9\n\t"       \
    MULTIPLY_CORRECTED("r0") MULTIPLY_CORRECTED("r1") MULTIPLY_CORRECTED("r2") MULTIPLY_CORRECTED("r3")
#define SCALE_2_CORRECTED                                                                                             \
    "vmov r5, s11\n\t" CORRECT("r0") CORRECT("r1") "vmov r4, s1\n\tvmov r6, s9\n\t"                                   \
    MULTIPLY_CORRECTED("r0") MULTIPLY_CORRECTED("r1")
#define SCALE_1_CORRECTED                                                                                             \
    "vmov r5, s11\n\t" CORRECT("r0") "vmov r4, s1\n\tvmov r6, s9\n\t" MULTIPLY_CORRECTED("r0")

#define LOAD_D_PLAIN ""
#define LOAD_D_CORRECTED "vldr s11, [r4, #8]\n\t"

#define FOUR_STRIDE_1                                                                                                 \
    "vmov r3, s0\n\t"                                                                                                 \
    "ldr r4, [lr, %[line2]]\n\tldr r5, [lr, %[line2] + 4]\n\tldr r6, [lr, %[line2] + 8]\n\t"                          \
    QUAD_STRIDE_1("r9", "r12", "r3", "r3", "r3", "r3")                                                                \
    "ldr r4, [lr, %[line1]]\n\tldr r5, [lr, %[line1] + 4]\n\tldr r6, [lr, %[line1] + 8]\n\t"                          \
    QUAD_STRIDE_1("r8", "r11", "r0", "r1", "r2", "r3")                                                                \
    "ldr r4, [lr], #8\n\tldr r5, [lr, #-4]\n\tldr r6, [lr]\n\t"                                                       \
    QUAD_STRIDE_1("r7", "r10", "r0", "r1", "r2", "r3")

#define FOUR_STRIDE_2_LINE(line, w01, w12, from0, from1, from2, from3)                                                \
    "ldr r4, [lr, " line "]\n\tldr r5, [lr, " line " + 4]\n\tldr r6, [lr, " line " + 8]\n\t"                          \
    HALF_STRIDE_2("r0", "r1", "r4", "r5", "r6", w01, w12, from0, from1)                                               \
    "ldr r4, [lr, " line " + 12]\n\tldr r5, [lr, " line " + 16]\n\t"                                                  \
    HALF_STRIDE_2("r2", "r3", "r6", "r4", "r5", w01, w12, from2, from3)

#define FOUR_STRIDE_2                                                                                                 \
    "vmov r3, s0\n\t"                                                                                                 \
    FOUR_STRIDE_2_LINE("%[line2]", "r9", "r12", "r3", "r3", "r3", "r3")                                               \
    FOUR_STRIDE_2_LINE("%[line1]", "r8", "r11", "r0", "r1", "r2", "r3")                                               \
    FOUR_STRIDE_2_LINE("#0", "r7", "r10", "r0", "r1", "r2", "r3")                                                     \
    "add lr, lr, #16\n\t"

#define TWO_STRIDE_1                                                                                                  \
    "vmov r1, s0\n\t"                                                                                                 \
    "ldr r2, [lr, %[line2]]\n\tldr r3, [lr, %[line2] + 4]\n\t"                                                        \
    "ldr r4, [lr, %[line1]]\n\tldr r5, [lr, %[line1] + 4]\n\t"                                                        \
    "smlad r0, r2, r9, r1\n\tsmlatb r1, r2, r9, r1\n\tsmlabt r0, r3, r12, r0\n\tsmlad r1, r3, r12, r1\n\t"            \
    "smlad r0, r4, r8, r0\n\tsmlatb r1, r4, r8, r1\n\tsmlabt r0, r5, r11, r0\n\tsmlad r1, r5, r11, r1\n\t"            \
    "ldr r4, [lr], #4\n\tldr r5, [lr]\n\t"                                                                            \
    "smlad r0, r4, r7, r0\n\tsmlatb r1, r4, r7, r1\n\tsmlabt r0, r5, r10, r0\n\tsmlad r1, r5, r10, r1\n\t"

#define TWO_STRIDE_2_LINE(line, w01, w12, from0, from1)                                                               \
    "ldr r4, [lr, " line "]\n\tldr r5, [lr, " line " + 4]\n\tldr r6, [lr, " line " + 8]\n\t"                          \
    HALF_STRIDE_2("r0", "r1", "r4", "r5", "r6", w01, w12, from0, from1)

#define TWO_STRIDE_2                                                                                                  \
    "vmov r1, s0\n\t"                                                                                                 \
    TWO_STRIDE_2_LINE("%[line2]", "r9", "r12", "r1", "r1")                                                            \
    TWO_STRIDE_2_LINE("%[line1]", "r8", "r11", "r0", "r1")                                                            \
    TWO_STRIDE_2_LINE("#0", "r7", "r10", "r0", "r1")                                                                  \
    "add lr, lr, #8\n\t"

/* The same for both strides: nothing follows a single output in its line. */
#define ONE                                                                                                           \
    "vmov r0, s0\n\t"                                                                                                 \
    "ldr r1, [lr, %[line2]]\n\tldr r2, [lr, %[line2] + 4]\n\t"                                                        \
    "ldr r3, [lr, %[line1]]\n\tldr r4, [lr, %[line1] + 4]\n\tldr r5, [lr]\n\tldr r6, [lr, #4]\n\t"                    \
    "smlad r0, r1, r9, r0\n\tsmlabt r0, r2, r12, r0\n\tsmlad r0, r3, r8, r0\n\tsmlabt r0, r4, r11, r0\n\t"            \
    "smlad r0, r5, r7, r0\n\tsmlabt r0, r6, r10, r0\n\t"

/* C is set when two outputs or three are left, N when one or three; nothing before the second branch changes flags. */
#define LINES(STRIDE, FORM, literal_pitch)                                                                            \
    __asm__ volatile(                                                                                                 \
        "ldr r4, [r0], #4\n\tldr lr, [r0], #4\n\tvldmia r0, {s2-s10}\n\t"                                             \
        "ldr r7, [r4], #4\n\tldr r10, [r4], #4\n\tldr r8, [r4], #4\n\tldr r11, [r4], #4\n\t"                          \
        "ldr r9, [r4], #4\n\tldr r12, [r4], #4\n\tvldr s0, [r4]\n\tvldr s1, [r4, #4]\n\t" LOAD_D_##FORM               \
        "1:\n\tvmov r4, s4\n\tcmp lr, r4\n\tbeq 3f\n\t"                                                               \
        "2:\n\t" FOUR_STRIDE_##STRIDE SCALE_4_##FORM                                                                  \
        "vmov r5, s2\n\tvmov r6, s3\n\t" SATURATE("r0") SATURATE("r1") SATURATE("r2") SATURATE("r3")                  \
        "strb r0, [r5]\n\tstrb r1, [r5, r6]\n\tstrb r2, [r5, r6, lsl #1]\n\tadd r5, r5, r6, lsl #1\n\t"               \
        "strb r3, [r5, r6]\n\tadd r5, r5, r6, lsl #1\n\tvmov s2, r5\n\t"                                              \
        "vmov r4, s4\n\tcmp lr, r4\n\tbne 2b\n\t"                                                                     \
        "3:\n\tvmov r4, s6\n\tlsls r4, r4, #31\n\tbcc 4f\n\t" TWO_STRIDE_##STRIDE SCALE_2_##FORM                      \
        "vmov r5, s2\n\tvmov r6, s3\n\t" SATURATE("r0") SATURATE("r1")                                                \
        "strb r0, [r5]\n\tstrb r1, [r5, r6]\n\tadd r5, r5, r6, lsl #1\n\tvmov s2, r5\n\t"                             \
        "4:\n\tbpl 5f\n\t" ONE SCALE_1_##FORM                                                                         \
        "vmov r5, s2\n\tvmov r6, s3\n\t" SATURATE("r0")                                                               \
        "strb r0, [r5]\n\tadd r5, r5, r6\n\tvmov s2, r5\n\t"                                                          \
        "5:\n\tvmov r4, s5\n\tadd lr, lr, r4\n\tvmov r4, s8\n\tvmov r5, s2\n\tadd r5, r5, r4\n\tvmov s2, r5\n\t"      \
        "vmov r4, s4\n\tvmov r5, s7\n\tvmov r6, s10\n\tcmp r4, r5\n\tadd r4, r4, r6\n\tvmov s4, r4\n\tbne 1b\n\t"     \
        : "+r"(r0)                                                                                                    \
        : [line1] "i"(literal_pitch), [line2] "i"(2 * (literal_pitch))                                                \
        : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "s0", "s1", "s2", "s3",    \
          "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "cc", "memory")

#define LINES_FUNCTION(stride, pitch, form, FORM)                                                                     \
    static inline void lines_##stride##_##pitch##_##form(const job *work)                                             \
    {                                                                                                                 \
        register const job *r0 __asm__("r0") = work;                                                                  \
        LINES(stride, FORM, pitch);                                                                                   \
    }

#else

/* The same in C: four outputs less quickly, one after the other. */
static inline void lines(const job *work, int32_t stride, int32_t pitch, bool corrected)
{
    const int32_t *w = work->record;
    const mcuq_prescaled constants = {w[7], corrected ? w[8] : 0, work->rounding};
    int8_t *output = work->output;
    for (int32_t line = 0; line < work->lines; line++) {
        const uint8_t *data = (const uint8_t *)work->plane + (line * work->line_advance);
        for (int32_t x = 0; x < work->output_length; x++) {
            const uint8_t *word = &data[4 * ((x * stride) / 2)];
            int32_t acc = w[6];
            for (int32_t r = 0; r < 3; r++) {
                const uint32_t first = mcuq_load_word(&word[r * pitch]);
                const uint32_t second = mcuq_load_word(&word[(r * pitch) + 4]);
                if (((x * stride) & 1) == 0) {
                    acc = mcuq_smlabt(second, (uint32_t)w[(2 * r) + 1], mcuq_smlad(first, (uint32_t)w[2 * r], acc));
                } else {
                    acc = mcuq_smlad(second, (uint32_t)w[(2 * r) + 1], mcuq_smlatb(first, (uint32_t)w[2 * r], acc));
                }
            }
            *output = mcuq_prescaled_int8(acc, constants);
            output = &output[work->output_step];
        }
        output = &output[work->next_output_line];
    }
}

#define LINES_FUNCTION(stride, pitch, form, FORM)                                                                     \
    static inline void lines_##stride##_##pitch##_##form(const job *work)                                             \
    {                                                                                                                 \
        lines(work, stride, pitch, #form[0] == 'c');                                                                  \
    }

#endif

/* The job of a whole band, but for the channel's record and output. */
static inline job band_job(const mcuq_planes_params *p, int32_t stride, int32_t pitch)
{
    const int32_t line_advance = p->line_stride * pitch;
    const int32_t quads = 2 * stride * (p->output_length >> 2); /* words of the plane */
    const int32_t rest = p->output_length & 3;
    const int32_t left_at = (4 * quads) + ((rest >= 2) ? (4 * stride) : 0);
    const job work = {
        .output_step = p->output_step,
        .quads = quads,
        .next_line = line_advance - left_at,
        .rest = rest,
        .next_output_line = p->output_line_step - (p->output_length * p->output_step),
        .rounding = p->rounding,
        .line_advance = line_advance,
        .output_length = p->output_length,
    };
    return work;
}

#define DEFINE(stride, pitch, form, FORM)                                                                             \
    LINES_FUNCTION(stride, pitch, form, FORM)                                                                         \
    void mcuq_depthwise_3x3_stride_##stride##_pitch_##pitch##_##form##_s8(                                            \
        const mcuq_planes_params *p, const int8_t *input, const int32_t *weights, void *scratch, int8_t *output)      \
    {                                                                                                                 \
        uint32_t *planes = (uint32_t *)scratch;                                                                       \
        int32_t *const records = (int32_t *)&planes[(uint32_t)p->plane_bytes / 2U]; /* behind both planes */          \
        job work = band_job(p, stride, pitch);                                                                        \
        mcuq_plane_fill(planes, 2, p->plane_bytes, p->input_zero_point);                                              \
        for (int32_t n = 0; n < p->batches; n++) {                                                                    \
            for (int32_t c = 0; c < p->channels; c += 2) {                                                            \
                const int32_t together = ((p->channels - c) > 1) ? 2 : 1;                                             \
                const int8_t *from = &input[(n * p->input_batch) + c];                                                \
                int8_t *to = &output[(n * p->output_batch) + (c * p->channel_multiplier)];                            \
                mcuq_planes_unpack_3x3(p, weights, c * p->channel_multiplier, together * p->channel_multiplier,        \
                                       records);                                                                      \
                for (int32_t first = 0; first < p->output_lines; first += p->band_lines) {                            \
                    const int32_t left = p->output_lines - first;                                                     \
                    work.lines = (left < p->band_lines) ? left : p->band_lines;                                       \
                    mcuq_plane_load_band(p, from, planes, together, first, work.lines);                               \
                    work.plane = planes;                                                                              \
                    work.record = records;                                                                            \
                    work.output = &to[first * p->output_line_step];                                                   \
                    for (int32_t i = 0; i < together; i++) {                                                          \
                        work.quads_end = &work.plane[work.quads];                                                     \
                        work.end = &work.quads_end[(work.lines - 1) * (p->line_stride * ((pitch) / 4))];              \
                        for (int32_t m = 0; m < p->channel_multiplier; m++) {                                         \
                            lines_##stride##_##pitch##_##form(&work);                                                 \
                            work.record = &work.record[p->record_words];                                              \
                            work.output = &work.output[1];                                                            \
                        }                                                                                             \
                        work.plane = &work.plane[(uint32_t)p->plane_bytes / 4U];                                      \
                    }                                                                                                 \
                }                                                                                                     \
            }                                                                                                         \
        }                                                                                                             \
    }

#define DEFINE_PLAIN(stride, pitch, form) DEFINE(stride, pitch, form, PLAIN)
#define DEFINE_CORRECTED(stride, pitch, form) DEFINE(stride, pitch, form, CORRECTED)

MCUQ_DEPTHWISE_3X3_PITCHES(DEFINE_PLAIN, 1, plain)
MCUQ_DEPTHWISE_3X3_PITCHES(DEFINE_PLAIN, 2, plain)
MCUQ_DEPTHWISE_3X3_PITCHES(DEFINE_CORRECTED, 1, corrected)
MCUQ_DEPTHWISE_3X3_PITCHES(DEFINE_CORRECTED, 2, corrected)
