#include "mcuq_planes.h"

#include "mcuq_dsp.h"

void mcuq_plane_fill(uint32_t *plane, int32_t lines, int32_t pitch, int32_t zero_point)
{
    const uint32_t word = ((uint32_t)zero_point & 0xffU) * 0x01000100U;
    const uint32_t words = (uint32_t)(lines * pitch) / 4U;
    uint32_t i = 0U;
    for (; (i + 4U) <= words; i += 4U) { /* four stores a branch */
        plane[i] = word;
        plane[i + 1U] = word;
        plane[i + 2U] = word;
        plane[i + 3U] = word;
    }
    for (; i < words; i++) {
        plane[i] = word;
    }
}

/* Copy words to where they do not overlap, or to before them. */
static void move_down(uint32_t *to, const uint32_t *from, uint32_t words)
{
    uint32_t i = 0U;
    for (; (i + 4U) <= words; i += 4U) {
        const uint32_t a = from[i];
        const uint32_t b = from[i + 1U];
        const uint32_t c = from[i + 2U];
        const uint32_t d = from[i + 3U];
        to[i] = a;
        to[i + 1U] = b;
        to[i + 2U] = c;
        to[i + 3U] = d;
    }
    for (; i < words; i++) {
        to[i] = from[i];
    }
}

#define UPPER_BYTES 0xff00ff00U

/* How lines of two channels are loaded. The assembly reads it by its layout. */
typedef struct {
    int32_t plane_advance; /* bytes from the last element of a line in the plane to the next line's first */
    const int8_t *input;
    uint8_t *first; /* the two planes */
    uint8_t *second;
    int32_t step;
    int32_t step3; /* three times the step */
    uint32_t mask;
    int32_t lines;
    int32_t input_advance; /* elements from the end of a line to the next line's first */
    int32_t fours;         /* elements in fours, where words are aligned */
    uint32_t ones;         /* bit 2: one before the fours, bit 1: two behind them, bit 0: one behind these */
} loader;

#if MCUQ_HAS_DSP && defined(__ARM_FP)

/* One pixel of two channels: the bytes to the high bytes of halfwords. */
#define LOAD_ONE                                                                                                      \
    "ldrh r8, [r1]\n\tadd r1, r1, r4\n\tstrb r8, [r2, #1]\n\tlsr r8, r8, #8\n\tstrb r8, [r3, #1]\n\t"                  \
    "add r2, r2, #2\n\tadd r3, r3, #2\n\t"

static inline void load_lines_of_two(const loader *work)
{
    register const loader *r0 __asm__("r0") = work;
    __asm__ volatile(
        "vldr s0, [r0, #36]\n\tvldr s1, [r0, #40]\n\tldmia r0, {r0-r6, r12, lr}\n\t"
        "1:\n\tvmov r7, s1\n\tlsls r7, r7, #30\n\tbcc 2f\n\t" LOAD_ONE
        "2:\n\tvmov r7, s0\n\tcbz r7, 4f\n\t"
        "3:\n\tldrh r8, [r1]\n\tldrh r9, [r1, r4]\n\tldrh r10, [r1, r4, lsl #1]\n\tldrh r11, [r1, r5]\n\t"
        "add r1, r1, r4, lsl #2\n\tpkhbt r8, r8, r9, lsl #16\n\tpkhbt r10, r10, r11, lsl #16\n\t"
        "and r9, r6, r8, lsl #8\n\tand r8, r8, r6\n\tand r11, r6, r10, lsl #8\n\tand r10, r10, r6\n\t"
        "str r9, [r2], #4\n\tstr r11, [r2], #4\n\tstr r8, [r3], #4\n\tstr r10, [r3], #4\n\t"
        "subs r7, r7, #1\n\tbne 3b\n\t"
        "4:\n\tvmov r7, s1\n\tlsls r7, r7, #31\n\tbcc 5f\n\t"
        "ldrh r8, [r1]\n\tldrh r9, [r1, r4]\n\tadd r1, r1, r4, lsl #1\n\tpkhbt r8, r8, r9, lsl #16\n\t"
        "and r9, r6, r8, lsl #8\n\tand r8, r8, r6\n\tstr r9, [r2], #4\n\tstr r8, [r3], #4\n\t"
        "5:\n\tbpl 6f\n\t" LOAD_ONE
        "6:\n\tadd r1, r1, lr\n\tadd r2, r2, r0\n\tadd r3, r3, r0\n\tsubs r12, r12, #1\n\tbne 1b\n\t"
        : "+r"(r0)
        :
        : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "s0", "s1", "cc", "memory");
}

#else

static inline void load_lines_of_two(const loader *work)
{
    const int32_t length = (4 * work->fours) + (int32_t)((work->ones & 3U) + (work->ones >> 2U));
    const int32_t pitch = work->plane_advance + (2 * length);
    const int32_t line_step = work->input_advance + (work->step * length);
    for (int32_t line = 0; line < work->lines; line++) {
        const int8_t *in = &work->input[line * line_step];
        for (int32_t i = 0; i < length; i++) {
            work->first[(line * pitch) + (2 * i) + 1] = (uint8_t)in[i * work->step];
            work->second[(line * pitch) + (2 * i) + 1] = (uint8_t)in[(i * work->step) + 1];
        }
    }
}

#endif

/* Load lines of two channels. Where the padding before is odd, words start at odd elements: the first is done alone. */
static void load_two(const mcuq_planes_params *p, const int8_t *input, uint8_t *to, int32_t lines)
{
    const uint32_t odd = (uint32_t)p->padding & 1U;
    const uint32_t rest = (uint32_t)p->input_length - odd;
    const loader work = {
        .plane_advance = p->pitch - (2 * p->input_length),
        .input = input,
        .first = to,
        .second = &to[p->plane_bytes],
        .step = p->input_step,
        .step3 = 3 * p->input_step,
        .mask = UPPER_BYTES,
        .lines = lines,
        .input_advance = p->input_line_step - (p->input_length * p->input_step),
        .fours = (int32_t)(rest >> 2),
        .ones = (odd << 2) | (rest & 3U),
    };
    load_lines_of_two(&work);
}

#if MCUQ_HAS_DSP && defined(__ARM_FP)

/* Registers: r0 plane_bytes, r1 input, r2 and r3 the first plane and the last, r4 step, r5 step3, r6 mask, r7 fours
 * left, r8-r11 and lr data, r12 lines left. Words of two pixels, channels 0 and 1 in low and channels 2 and 3 in high,
 * are stored to the four planes. */
#define STORE_TWO_OF_FOUR(low, high)                                                                                  \
    "and r11, r6, " low "\n\tstr r11, [r2, r0]\n\tand r11, r6, " high ", lsl #8\n\tstr r11, [r2, r0, lsl #1]\n\t"    \
    "and " high ", r6\n\tstr " high ", [r3], #4\n\tand " low ", r6, " low ", lsl #8\n\tstr " low ", [r2], #4\n\t"
#define LOAD_TWO_OF_FOUR                                                                                              \
    "ldr r8, [r1]\n\tldr r9, [r1, r4]\n\tadd r1, r1, r4, lsl #1\n\tpkhbt lr, r8, r9, lsl #16\n\t"                  \
    "pkhtb r8, r9, r8, asr #16\n\t" STORE_TWO_OF_FOUR("lr", "r8")
#define LOAD_FOUR_OF_FOUR                                                                                             \
    "ldr r8, [r1]\n\tldr r9, [r1, r4]\n\tldr r10, [r1, r4, lsl #1]\n\tldr r11, [r1, r5]\n\t"                         \
    "add r1, r1, r4, lsl #2\n\tpkhbt lr, r8, r9, lsl #16\n\tpkhtb r8, r9, r8, asr #16\n\t"                          \
    "pkhbt r9, r10, r11, lsl #16\n\tpkhtb r10, r11, r10, asr #16\n\t"                                               \
    STORE_TWO_OF_FOUR("lr", "r8") STORE_TWO_OF_FOUR("r9", "r10")
#define LOAD_ONE_OF_FOUR                                                                                              \
    "ldr r8, [r1]\n\tadd r1, r1, r4\n\tadd r10, r2, r0\n\tlsr r9, r8, #8\n\tlsr r11, r8, #16\n\t"                  \
    "strb r8, [r2, #1]\n\tstrb r9, [r10, #1]\n\tadd r10, r10, r0\n\tlsr r8, r8, #24\n\tstrb r11, [r10, #1]\n\t"     \
    "strb r8, [r3, #1]\n\tadd r2, r2, #2\n\tadd r3, r3, #2\n\t"

static __attribute__((noinline)) void load_lines_of_four(const mcuq_planes_four *work)
{
    register const mcuq_planes_four *r0 __asm__("r0") = work;
    __asm__ volatile(
        "vldmia r0!, {s0-s3}\n\tldmia r0, {r0-r6, r12}\n\t"
        "1:\n\tvmov r7, s1\n\tlsls r7, r7, #30\n\tbcc 2f\n\t" LOAD_ONE_OF_FOUR
        "2:\n\tvmov r7, s0\n\tsubs r7, r7, #2\n\tblt 7f\n\t"
        "3:\n\t" LOAD_FOUR_OF_FOUR LOAD_FOUR_OF_FOUR "subs r7, r7, #2\n\tbge 3b\n\t"
        "7:\n\tlsls r7, r7, #31\n\tbpl 4f\n\t" LOAD_FOUR_OF_FOUR /* one is left where -1 is */
        "4:\n\tvmov r7, s1\n\tlsls r7, r7, #31\n\tbcc 5f\n\t" LOAD_TWO_OF_FOUR
        "5:\n\tbpl 6f\n\t" LOAD_ONE_OF_FOUR
        "6:\n\tvmov r8, s2\n\tvmov r9, s3\n\tadd r1, r1, r8\n\tadd r2, r2, r9\n\tadd r3, r3, r9\n\t"
        "subs r12, r12, #1\n\tbne 1b\n\t"
        : "+r"(r0)
        :
        : "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "lr", "s0", "s1", "s2", "s3",
          "cc", "memory");
}

#else

static __attribute__((noinline)) void load_lines_of_four(const mcuq_planes_four *work)
{
    const int32_t length = (4 * work->fours) + (int32_t)((work->ones & 3U) + (work->ones >> 2U));
    const int32_t pitch = work->plane_advance + (2 * length);
    const int32_t line_step = work->input_advance + (work->step * length);
    for (int32_t line = 0; line < work->lines; line++) {
        const int8_t *in = &work->input[line * line_step];
        for (int32_t i = 0; i < length; i++) {
            for (int32_t c = 0; c < 4; c++) {
                work->first[(c * work->plane_bytes) + (line * pitch) + (2 * i) + 1] = (uint8_t)in[(i * work->step) + c];
            }
        }
    }
}

#endif

/* Load lines of four channels, as load_two, and tell how. */
static mcuq_planes_four load_four(const mcuq_planes_params *p, const int8_t *input, uint8_t *to, int32_t lines)
{
    const uint32_t odd = (uint32_t)p->padding & 1U;
    const uint32_t rest = (uint32_t)p->input_length - odd;
    const mcuq_planes_four work = {
        .fours = (int32_t)(rest >> 2),
        .ones = (odd << 2) | (rest & 3U),
        .input_advance = p->input_line_step - (p->input_length * p->input_step),
        .plane_advance = p->pitch - (2 * p->input_length),
        .plane_bytes = p->plane_bytes,
        .input = input,
        .first = to,
        .last = &to[3 * p->plane_bytes],
        .step = p->input_step,
        .step3 = 3 * p->input_step,
        .mask = UPPER_BYTES,
        .lines = lines,
    };
    load_lines_of_four(&work);
    return work;
}

/* Load lines of one channel: the last of an odd number. */
static void load_one_by_one(const mcuq_planes_params *p, const int8_t *input, uint8_t *to, int32_t lines)
{
    const int32_t step = p->input_step;
    const int32_t line_step = p->input_line_step;
    const int32_t pitch = p->pitch;
    const int32_t length = p->input_length;
    for (; lines > 0; lines--) {
        const int8_t *from = input;
        for (int32_t i = 0; i < length; i++) {
            to[(2 * i) + 1] = (uint8_t)*from;
            from = &from[step];
        }
        input = &input[line_step];
        to = &to[pitch];
    }
}

/* Make the lines of one plane ready that are kept from the band before, or are padding. */
static inline void keep_and_pad(const mcuq_planes_params *p, uint32_t *plane, int32_t kept, int32_t above,
                                int32_t below, int32_t needed)
{
    const int32_t pitch = p->pitch;
    if (kept > 0) {
        const uint32_t *from = &plane[(uint32_t)(p->band_lines * p->line_stride * pitch) / 4U];
        move_down(plane, from, (uint32_t)(kept * pitch) / 4U);
    }
    if (kept < above) {
        mcuq_plane_fill(plane, (above < needed) ? above : needed, pitch, p->input_zero_point);
    }
    if (below < needed) {
        const int32_t from = (below > kept) ? below : kept;
        mcuq_plane_fill(&plane[(uint32_t)(from * pitch) / 4U], needed - from, pitch, p->input_zero_point);
    }
}

static void load_band(const mcuq_planes_params *params, const int8_t *input, uint32_t *planes, int32_t channels,
                      int32_t first, int32_t lines, mcuq_planes_four *four)
{
    const int32_t pitch = params->pitch;
    const int32_t plane_bytes = params->plane_bytes;
    const int32_t needed = ((lines - 1) * params->line_stride) + params->filter_lines;
    const int32_t above = params->line_padding - (first * params->line_stride); /* lines above the input */
    const int32_t below = params->input_lines + above;                          /* the first line below it */
    const int32_t shared = params->filter_lines - params->line_stride;
    const int32_t kept = ((first > 0) && (shared > 0)) ? shared : 0;
    if (params->band_lines < params->output_lines) { /* else padding is padding from the start */
        for (int32_t i = 0; i < channels; i++) {
            keep_and_pad(params, &planes[(uint32_t)(i * plane_bytes) / 4U], kept, above, below, needed);
        }
    }
    const int32_t start = (kept < above) ? above : kept;
    const int32_t end = (below < needed) ? below : needed;
    if ((params->input_length > 0) && (start < end)) {
        const int8_t *from = &input[(start - above) * params->input_line_step];
        uint8_t *to = &((uint8_t *)planes)[(start * pitch) + (2 * params->padding)];
        if (channels == 4) {
            *four = load_four(params, from, to, end - start);
        } else if (channels == 2) {
            load_two(params, from, to, end - start);
        } else {
            load_one_by_one(params, from, to, end - start);
        }
    }
}

void mcuq_plane_load_band(const mcuq_planes_params *params, const int8_t *input, uint32_t *planes, int32_t channels,
                          int32_t first, int32_t lines)
{
    mcuq_planes_four four;
    load_band(params, input, planes, channels, first, lines, &four);
}

bool mcuq_planes_next(const mcuq_planes_params *params, const int8_t *input, uint32_t *planes, mcuq_planes_band *band)
{
    if ((band->four.lines > 0) && (band->lines == params->output_lines) &&
        ((params->channels - band->channel) >= (2 * MCUQ_PLANES_TOGETHER))) { /* the next four as the last four */
        band->channel += MCUQ_PLANES_TOGETHER;
        band->four.input = &band->four.input[MCUQ_PLANES_TOGETHER];
        load_lines_of_four(&band->four);
        return true;
    }
    if (band->channels == 0) {
        const int32_t most = (params->channels < MCUQ_PLANES_TOGETHER) ? params->channels : MCUQ_PLANES_TOGETHER;
        mcuq_plane_fill(planes, most, params->plane_bytes, params->input_zero_point);
    } else {
        band->first += band->lines;
        if (band->first == params->output_lines) {
            band->first = 0;
            band->channel += band->channels;
        }
        if (band->channel == params->channels) {
            band->channel = 0;
            band->batch += 1;
        }
        if (band->batch == params->batches) {
            return false;
        }
    }
    const int32_t channels = params->channels - band->channel;
    const int32_t lines = params->output_lines - band->first;
    band->channels = (channels >= MCUQ_PLANES_TOGETHER) ? MCUQ_PLANES_TOGETHER : ((channels >= 2) ? 2 : 1);
    band->lines = (lines < params->band_lines) ? lines : params->band_lines;
    band->four.lines = 0;
    load_band(params, &input[(band->batch * params->input_batch) + band->channel], planes, band->channels, band->first,
              band->lines, &band->four);
    return true;
}

void mcuq_planes_unpack_3x3(const mcuq_planes_params *params, const int32_t *packed, int32_t first, int32_t count,
                            int32_t *records)
{
    const int32_t *from = &packed[first * params->packed_words];
    int32_t *to = records;
    for (int32_t i = 0; i < count; i++) {
        const int8_t *const w = (const int8_t *)from;
        const uint32_t power = (uint8_t)w[11];
        to[0] = mcuq_planes_pair(w[0], w[1], power);
        to[1] = mcuq_planes_pair(w[1], w[2], power);
        to[2] = mcuq_planes_pair(w[3], w[4], power);
        to[3] = mcuq_planes_pair(w[4], w[5], power);
        to[4] = mcuq_planes_pair(w[6], w[7], power);
        to[5] = mcuq_planes_pair(w[7], w[8], power);
        to[6] = from[3];
        to[7] = from[4];
        if (params->packed_words > 5) {
            to[8] = from[5];
        }
        from = &from[params->packed_words];
        to = &to[params->record_words];
    }
}
