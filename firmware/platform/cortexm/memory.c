/* memcpy, memmove, memset and memcmp: the four functions that a freestanding C compiler may call by itself.
 *
 * Word by word where the addresses allow it (on cores with unaligned loads: wherever one of the two is aligned), no stack.
 * The attribute keeps GCC from turning each loop back into a call of the function it stands in. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PLAIN_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns"), used))

/* MISRA C:2012 rules 11.3 and 11.5 are deviated from: these functions view any object as words. */
typedef uint32_t __attribute__((may_alias)) word;

#ifdef __ARM_FEATURE_UNALIGNED
/* A word at any address: the compiler then uses LDR, which takes odd addresses, and not LDM or LDRD, which fault. A
 * misaligned LDR costs a cycle or two more, still less than four byte loads. */
typedef struct __attribute__((packed, may_alias)) {
    uint32_t value;
} loose_word;
#else
typedef struct __attribute__((may_alias)) {
    uint32_t value;
} loose_word;
#endif

static inline size_t misalignment(const void *address)
{
    return (uintptr_t)address & 3U;
}

static inline word *words(uint8_t *bytes)
{
    return (word *)(void *)bytes;
}

static inline const word *const_words(const uint8_t *bytes)
{
    return (const word *)(const void *)bytes;
}

static inline const loose_word *loose_words(const uint8_t *bytes)
{
    return (const loose_word *)(const void *)bytes;
}

static inline bool can_copy_words(const void *to, const void *from)
{
#ifdef __ARM_FEATURE_UNALIGNED
    (void)to;
    (void)from;
    return true;
#else
    return misalignment(to) == misalignment(from);
#endif
}

PLAIN_LOOPS void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if (bytes >= 8U && can_copy_words(to, from)) {
        for (; misalignment(t) != 0U; bytes--) {
            *t++ = *f++;
        }
        for (; bytes >= 16U; bytes -= 16U, t += 16, f += 16) {
            const uint32_t a = loose_words(f)[0].value;
            const uint32_t b = loose_words(f)[1].value;
            const uint32_t c = loose_words(f)[2].value;
            const uint32_t d = loose_words(f)[3].value;
            words(t)[0] = a;
            words(t)[1] = b;
            words(t)[2] = c;
            words(t)[3] = d;
        }
        for (; bytes >= 4U; bytes -= 4U, t += 4, f += 4) {
            words(t)[0] = loose_words(f)[0].value;
        }
    }
    for (; bytes > 0U; bytes--) {
        *t++ = *f++;
    }
    return to;
}

PLAIN_LOOPS void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((uintptr_t)t - (uintptr_t)f >= bytes) {
        /* Forwards is safe; in words when both are aligned alike, since overlapping words are then read in order. */
        if (misalignment(t) == misalignment(f)) {
            for (; bytes > 0U && misalignment(t) != 0U; bytes--) {
                *t++ = *f++;
            }
            for (; bytes >= 4U; bytes -= 4U, t += 4, f += 4) {
                *words(t) = *const_words(f);
            }
        }
        for (; bytes > 0U; bytes--) {
            *t++ = *f++;
        }
        return to;
    }
    t += bytes;
    f += bytes;
    if (misalignment(t) == misalignment(f)) {
        for (; bytes > 0U && misalignment(t) != 0U; bytes--) {
            *--t = *--f;
        }
        for (; bytes >= 4U; bytes -= 4U) {
            t -= 4;
            f -= 4;
            *words(t) = *const_words(f);
        }
    }
    for (; bytes > 0U; bytes--) {
        *--t = *--f;
    }
    return to;
}

PLAIN_LOOPS void *memset(void *to, int value, size_t bytes)
{
    uint8_t *t = to;
    const uint8_t byte = (uint8_t)value;
    for (; bytes > 0U && misalignment(t) != 0U; bytes--) {
        *t++ = byte;
    }
    const uint32_t pattern = (uint32_t)byte * 0x01010101U;
    for (; bytes >= 16U; bytes -= 16U, t += 16) {
        words(t)[0] = pattern;
        words(t)[1] = pattern;
        words(t)[2] = pattern;
        words(t)[3] = pattern;
    }
    for (; bytes > 0U; bytes--) {
        *t++ = byte;
    }
    return to;
}

PLAIN_LOOPS int memcmp(const void *left, const void *right, size_t bytes)
{
    const uint8_t *l = left;
    const uint8_t *r = right;
    for (; bytes > 0U; bytes--, l++, r++) {
        if (*l != *r) {
            return (int)*l - (int)*r;
        }
    }
    return 0;
}
