/* QEMU plugin: how often each instruction ran, and what was loaded from flash, layer by layer of one inference after
 * another.
 *
 * Arguments: begin=ADDR (an inference begins when it executes), mark=ADDR (a layer has ended), out=FILE, flash=ADDR and
 * flash_end=ADDR (loads from there are counted), cache=BYTES (of a data cache before the flash; 0: none).
 * Output: one line "layer address count" for each instruction that ran in the layer, layers numbered from 0 anew for each
 * inference, "end loaded fetched" after each layer: bytes loaded from flash by instructions, and bytes that the flash gave
 * (whole lines on a miss, when there is a cache). Flushed after each layer: the emulator may be killed at any time.
 *
 * The cache has lines of 32 bytes, four ways, and drops the line that was not used for longest. It sees loads from flash
 * alone: variables are taken to lie in memory that needs no cache.
 *
 * The plugin interface is declared here by hand, since distributions ship QEMU without its header; version 1, as of QEMU
 * 4.2 and kept since (docs/devel/tcg-plugins in QEMU's documentation). */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;
typedef void (*translated_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void (*executed_callback)(unsigned int cpu, void *data);
typedef uint32_t qemu_plugin_meminfo_t;
typedef void (*accessed_callback)(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data);
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };
enum { QEMU_PLUGIN_CB_NO_REGS = 0 };
enum { QEMU_PLUGIN_MEM_RW = 3 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_callback callback);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation, void *counter,
                                                uint64_t step);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_callback callback, int flags,
                                            void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, accessed_callback callback, int flags, int access,
                                      void *data);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;
__attribute__((visibility("default"))) int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
                                                               int count, char **arguments);

/* Counters lie in blocks that never move: translated code adds to them directly. */
enum { PER_BLOCK = 4096, HASH = 1 << 16 };
struct counter {
    uint64_t address;
    uint64_t count;
    uint64_t seen; /* count at the end of the layer before */
    struct counter *same_hash;
};
struct block {
    struct counter counters[PER_BLOCK];
    size_t used;
    struct block *next;
};
static struct block *blocks;
static struct counter *hashed[HASH];
static uint64_t begin_address, mark_address;
static unsigned int layer;
static FILE *out;

enum { LINE = 32, WAYS = 4 };
static uint64_t flash_begin, flash_end, cache_bytes;
static uint64_t loaded_bytes, fetched_bytes; /* in this layer */
static uint64_t sets;
static uint64_t *lines; /* sets of WAYS line numbers plus 1, the last used first; 0: empty */

static struct counter *counter_of(uint64_t address)
{
    struct counter **slot = &hashed[(address >> 1) % HASH];
    for (struct counter *found = *slot; found != NULL; found = found->same_hash) {
        if (found->address == address) {
            return found;
        }
    }
    if (blocks == NULL || blocks->used == PER_BLOCK) {
        struct block *fresh = calloc(1, sizeof *fresh);
        if (fresh == NULL) {
            abort();
        }
        fresh->next = blocks;
        blocks = fresh;
    }
    struct counter *made = &blocks->counters[blocks->used++];
    made->address = address;
    made->same_hash = *slot;
    *slot = made;
    return made;
}

static void take_counts(bool print)
{
    for (struct block *block = blocks; block != NULL; block = block->next) {
        for (size_t i = 0; i < block->used; i++) {
            struct counter *c = &block->counters[i];
            if (print && c->count != c->seen) {
                (void)fprintf(out, "%u %" PRIx64 " %" PRIu64 "\n", layer, c->address, c->count - c->seen);
            }
            c->seen = c->count;
        }
    }
}

static bool in_cache(uint64_t line)
{
    uint64_t *set = &lines[(line % sets) * WAYS];
    size_t way = 0;
    while (way < WAYS - 1 && set[way] != line + 1) {
        way++;
    }
    const bool found = set[way] == line + 1;
    memmove(&set[1], &set[0], way * sizeof *set);
    set[0] = line + 1;
    return found;
}

static void on_access(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
    (void)cpu;
    (void)data;
    /* Asked for loads alone, QEMU 7.2 tells of stores alone. */
    if (address < flash_begin || address >= flash_end || qemu_plugin_mem_is_store(info)) {
        return;
    }
    const uint64_t bytes = UINT64_C(1) << qemu_plugin_mem_size_shift(info);
    loaded_bytes += bytes;
    if (sets == 0) {
        fetched_bytes += bytes;
        return;
    }
    for (uint64_t line = address / LINE; line <= (address + bytes - 1) / LINE; line++) {
        fetched_bytes += in_cache(line) ? 0 : LINE;
    }
}

static void on_begin(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    layer = 0;
    loaded_bytes = fetched_bytes = 0;
    take_counts(false);
}

static void on_mark(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    take_counts(true);
    (void)fprintf(out, "end %" PRIu64 " %" PRIu64 "\n", loaded_bytes, fetched_bytes);
    (void)fflush(out);
    loaded_bytes = fetched_bytes = 0;
    layer++;
}

static void on_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    const size_t count = qemu_plugin_tb_n_insns(block);
    for (size_t i = 0; i < count; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        const uint64_t address = qemu_plugin_insn_vaddr(insn);
        if (address == begin_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
        } else if (address == mark_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, NULL);
        }
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &counter_of(address)->count, 1);
        qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int count, char **arguments)
{
    const struct {
        const char *name;
        uint64_t *goal;
    } numbers[] = {{"begin", &begin_address}, {"mark", &mark_address}, {"flash", &flash_begin},
                   {"flash_end", &flash_end}, {"cache", &cache_bytes}};
    (void)info;
    for (int i = 0; i < count; i++) {
        const char *value = strchr(arguments[i], '=');
        const size_t length = value == NULL ? 0 : (size_t)(value - arguments[i]);
        if (length == strlen("out") && strncmp(arguments[i], "out", length) == 0) {
            out = fopen(value + 1, "w");
        }
        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
            if (length == strlen(numbers[n].name) && strncmp(arguments[i], numbers[n].name, length) == 0) {
                *numbers[n].goal = strtoull(value + 1, NULL, 0);
            }
        }
    }
    if (out == NULL || begin_address == 0 || mark_address == 0) {
        (void)fputs("mcuq's counting plugin needs begin=, mark= and out=\n", stderr);
        return 1;
    }
    sets = cache_bytes / (LINE * WAYS);
    lines = calloc(sets * WAYS + 1, sizeof *lines);
    if (lines == NULL) {
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    return 0;
}
