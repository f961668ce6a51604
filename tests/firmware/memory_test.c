/* Compares firmware/platform/cortexm/memory.c, compiled for the host under other names, with loops over bytes. */
#include <stdint.h>
#include <stdio.h>

void *own_memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *own_memmove(void *to, const void *from, size_t bytes);
void *own_memset(void *to, int value, size_t bytes);
int own_memcmp(const void *left, const void *right, size_t bytes);

enum { ROOM = 96 };

static _Alignas(16) uint8_t source[ROOM], target[ROOM], wanted[ROOM];

static void fill(void)
{
    for (int i = 0; i < ROOM; i++) {
        source[i] = (uint8_t)(i * 7 + 1);
        target[i] = (uint8_t)(i * 5 + 2);
        wanted[i] = target[i];
    }
}

static int differs(const char *what, int to, int from, int bytes)
{
    for (int i = 0; i < ROOM; i++) {
        if (target[i] != wanted[i]) {
            (void)printf("%s to %d from %d, %d bytes: byte %d\n", what, to, from, bytes, i);
            return 1;
        }
    }
    return 0;
}

int main(void)
{
    int wrong = 0;
    for (int to = 0; to < 20; to++) {
        for (int from = 0; from < 20; from++) {
            for (int bytes = 0; bytes < 70; bytes++) {
                fill();
                for (int i = 0; i < bytes; i++) {
                    wanted[to + i] = source[from + i];
                }
                wrong += own_memcpy(target + to, source + from, (size_t)bytes) != target + to;
                wrong += differs("memcpy", to, from, bytes);

                fill();
                for (int i = 0; i < bytes; i++) {
                    wanted[to + i] = target[from + i];
                }
                wrong += own_memmove(target + to, target + from, (size_t)bytes) != target + to;
                wrong += differs("memmove", to, from, bytes);
                wrong += own_memcmp(target, wanted, ROOM) != 0;
            }
        }
        for (int bytes = 0; bytes < 70; bytes++) {
            fill();
            for (int i = 0; i < bytes; i++) {
                wanted[to + i] = 0xA7;
            }
            wrong += own_memset(target + to, 0x1A7, (size_t)bytes) != target + to;
            wrong += differs("memset", to, 0, bytes);
        }
    }
    wrong += own_memcmp("\x80", "\x01", 1U) <= 0;
    return wrong != 0;
}
