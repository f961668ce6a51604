/* Ticks per layer and per run, without what it costs to count them.
 *
 * The hook mcuq_profile_layer measures its own cost before each run. Layers are stored without it; the total of a run
 * still holds one hook_ticks per layer, which the host takes off, also where a layer that runs in several parts called
 * the hook after each of them. The hook is also where a run can be stopped, to look at what a layer has written. */
#ifndef MCUQ_PROFILE_H
#define MCUQ_PROFILE_H

#include <stdint.h>

/* Measures the hook's cost, forgets the previous run's layers and starts the first of `layers`, which is what the model
 * has. Once `stop_after` parts of layers are done, mcuq_protocol_stopped is called; 0: never. */
void mcuq_profile_begin(uint32_t layers, uint32_t stop_after);

/* To be called when the model returns: ticks since mcuq_profile_begin returned. */
uint64_t mcuq_profile_end(void);

/* From the first to the second, nothing is counted: time spent waiting for input is no layer's. */
void mcuq_profile_pause(void);
void mcuq_profile_resume(void);

/* How many layers called the hook in the last run: 0 in an image built without -DMCUQ_PROFILE. */
uint32_t mcuq_profile_layers(void);

/* Ticks that one call of the hook adds to a run. */
uint32_t mcuq_profile_hook_ticks(void);

#endif
