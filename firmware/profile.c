#include "profile.h"

#include "mcuq_model.h"
#include "platform.h"
#include "protocol.h"

#define UNSTOPPED 0x80000000U /* more hooks than any run is stopped after */

static uint64_t run_start;
static uint64_t layer_start;      /* when the layer that runs now began */
static uint64_t previous_entry;   /* when the hook was last entered */
static uint64_t pause_start;
static uint32_t layer_count;      /* of the model that runs */
static uint32_t layers_seen;
static uint32_t hooks_seen;
static uint32_t stop_at;          /* hooks after which the host looks at the run, 0 for none */
static uint32_t between_ticks;    /* from the end of one reading of the counter, out of the hook, in again, to the next */
static uint32_t last_ticks;       /* of the layer, or the part of one, that ended last */
static uint32_t entry_to_entry;
static uint32_t hook_ticks;

static uint32_t saturate(uint64_t ticks)
{
    return ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
}

void mcuq_profile_layer(uint32_t index)
{
    const uint64_t entry = mcuq_ticks64();
    if (index < layer_count) {
        const uint64_t elapsed = entry - layer_start;
        last_ticks = saturate(elapsed > between_ticks ? elapsed - between_ticks : 0U);
        mcuq_layer_ticks[index] = saturate((uint64_t)mcuq_layer_ticks[index] + last_ticks);
        layers_seen = index + 1U;
        hooks_seen++;
        if (hooks_seen == stop_at) {
            stop_at = mcuq_protocol_stopped(hooks_seen);
        }
    }
    entry_to_entry = (uint32_t)(entry - previous_entry);
    previous_entry = entry;
    layer_start = mcuq_ticks64();
}

void mcuq_profile_begin(uint32_t layers, uint32_t stop_after)
{
    layer_count = layers;
    stop_at = 0U;
    between_ticks = 0U;
    if (layers > 0U) {
        /* Two calls with nothing between them: all that the second one sees is the hook itself. */
        mcuq_profile_layer(0U);
        mcuq_profile_layer(0U);
        between_ticks = last_ticks;
        hook_ticks = entry_to_entry;
    }
    for (uint32_t i = 0U; i < layers; i++) {
        mcuq_layer_ticks[i] = 0U;
    }
    layers_seen = 0U;
    hooks_seen = 0U;
    stop_at = stop_after;
    layer_start = mcuq_ticks64();
    run_start = layer_start;
}

void mcuq_profile_step(bool last)
{
    for (uint32_t i = 0U; i < layer_count; i++) {
        mcuq_layer_ticks[i] = 0U;
    }
    layers_seen = 0U;
    hooks_seen = last ? 0U : UNSTOPPED;
    layer_start = mcuq_ticks64();
    run_start = layer_start;
}

uint64_t mcuq_profile_end(void)
{
    const uint64_t elapsed = mcuq_ticks64() - run_start;
    const uint64_t parts = (uint64_t)(hooks_seen - layers_seen) * hook_ticks;
    return elapsed > between_ticks + parts ? elapsed - between_ticks - parts : 0U;
}

void mcuq_profile_pause(void)
{
    pause_start = mcuq_ticks64();
}

void mcuq_profile_resume(void)
{
    const uint64_t paused = mcuq_ticks64() - pause_start;
    layer_start += paused;
    run_start += paused;
}

uint32_t mcuq_profile_layers(void)
{
    return layers_seen;
}

uint32_t mcuq_profile_hook_ticks(void)
{
    return hook_ticks;
}
