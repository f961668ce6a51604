/* The interface between the firmware and the code that mcuq generates for the models of an image: one, or more.
 *
 * The generated C defines everything declared in the first part; the firmware never looks behind it. The second part is
 * defined by the firmware (profile.c) and called by generated code that was compiled with -DMCUQ_PROFILE. */
#ifndef MCUQ_MODEL_H
#define MCUQ_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* Where the arena goes: `static uint8_t arena[N] MCUQ_ARENA;`. The linker script places the section in the board's arena
 * bank and start-up leaves it as it is; the name begins with .bss so that the array takes no room in any file. */
#define MCUQ_ARENA __attribute__((section(".bss.mcuq_arena"), aligned(16)))

/* One input or output of a model: where its bytes live while the model is not running, and how many there are.
 * `data` is NULL for an input that is fed: the model asks for its bytes with mcuq_input_read while it runs. Only a model's
 * single input is, or that of a model which takes several steps in one run. */
typedef struct {
    uint8_t *data;
    uint32_t bytes;
} mcuq_buffer;

typedef struct {
    const char *name;
    const mcuq_buffer *inputs;
    const mcuq_buffer *outputs;
    uint32_t input_count;
    uint32_t output_count;
    uint32_t layer_count;
    uint32_t arena_bytes; /* of mcuq_arena, all of which models share: a run of one overwrites what another left there */
} mcuq_model;

extern const mcuq_model mcuq_models[];
extern const uint32_t mcuq_model_count;
extern uint8_t *const mcuq_arena;   /* read while a run is stopped */
extern uint32_t mcuq_layer_ticks[]; /* as many as the model with most layers has, written by mcuq_profile_layer */
extern const uint8_t mcuq_build_id[16];

/* Makes a model, by its number in mcuq_models, forget what it remembers of earlier runs, if anything. */
void mcuq_model_reset(uint32_t model);

/* Runs a model once on what its input buffers hold. Inputs may be overwritten by it (they can share the arena).
 * Returns 0, or the 1-based number of the layer that failed. */
int32_t mcuq_model_invoke(uint32_t model);

/* To be called after each layer, or after each part of one: adds the counter ticks since the previous call (or since the
 * run began) to mcuq_layer_ticks[index], without the cost of the call itself. A layer of 2^32 ticks or more has
 * 0xFFFFFFFF. */
void mcuq_profile_layer(uint32_t index);

/* To be called before each step of a model that takes several in one run: what those before took is forgotten, and the run
 * is only stopped in the last one. */
void mcuq_profile_step(bool last);

/* Writes the next `bytes` bytes of the input that is fed to `to` (protocol.c: asks the host for them and waits). */
void mcuq_input_read(void *to, uint32_t bytes);

#endif
