/* QEMU plugin: how often each instruction ran, layer by layer of one inference after another.
 *
 * Arguments: begin=ADDR (an inference begins when it executes), mark=ADDR (a layer has ended), out=FILE.
 * Output: one line "layer address count" for each instruction that ran in the layer, layers numbered from 0 anew for each
 * inference, "end" after each layer. Flushed after each layer: the emulator may be killed at any time.
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
enum { QEMU_PLUGIN_INLINE_ADD_U64 = 0 };
enum { QEMU_PLUGIN_CB_NO_REGS = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated_callback callback);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation, void *counter,
                                                uint64_t step);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, executed_callback callback, int flags,
                                            void *data);
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

static void on_begin(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    layer = 0;
    take_counts(false);
}

static void on_mark(unsigned int cpu, void *data)
{
    (void)cpu;
    (void)data;
    take_counts(true);
    (void)fputs("end\n", out);
    (void)fflush(out);
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
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int count, char **arguments)
{
    (void)info;
    for (int i = 0; i < count; i++) {
        if (strncmp(arguments[i], "begin=", 6) == 0) {
            begin_address = strtoull(&arguments[i][6], NULL, 0);
        } else if (strncmp(arguments[i], "mark=", 5) == 0) {
            mark_address = strtoull(&arguments[i][5], NULL, 0);
        } else if (strncmp(arguments[i], "out=", 4) == 0) {
            out = fopen(&arguments[i][4], "w");
        }
    }
    if (out == NULL || begin_address == 0 || mark_address == 0) {
        (void)fputs("mcuq's counting plugin needs begin=, mark= and out=\n", stderr);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
    return 0;
}
