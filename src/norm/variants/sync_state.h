/* sync_state.h: the state of one exchange of a synchronized norm (sync_state.c), and the checks of its calls
 * (sync_check.c). */
#ifndef EKI_SYNC_STATE_H
#define EKI_SYNC_STATE_H

#include "norm/job.h"
#include "norm/variants/sync_block.h"

#define EKI_SYNC_STATE_MAGIC UINT64_C(0x45544154534e5953) /* "SYNSTATE" */

typedef enum eki_sync_stage { EKI_SYNC_IDLE = 0, EKI_SYNC_STARTED = 1, EKI_SYNC_DONE = 2 } eki_sync_stage;

/* The block follows, 64-aligned. */
typedef struct eki_sync_state {
    uint64_t magic, fingerprint;
    ek_norm_sync sync;
    ek_exchange exchange;
    void *operation;
    int64_t stage;
    int64_t field[EKI_SYNC_FIELDS]; /* what our block said */
    int64_t units;                  /* EXACT: of the whole batch */
    eki_sync_header *block;
} eki_sync_state;

size_t eki_sync_state_bytes(void); /* up to the block */

/* EXACT: units of the whole batch, 0 for an empty one; false where they do not fit. */
bool eki_sync_units(const ek_norm_plan *plan, int64_t global_count, int64_t *units);
int64_t eki_sync_capacity(const ek_norm_plan *plan, ek_sync_mode mode, int64_t global_count); /* -1: too large */
bool eki_sync_supported(const ek_norm_plan *plan);

/* What a caller of any version says of an exchange; no callbacks where `sync` names none. */
typedef struct eki_sync_taken {
    ek_norm_sync sync;
    ek_exchange exchange;
} eki_sync_taken;

/* Start: plan, state, and `given`, which is taken over. Finish: a state that is done, of this phase; its block, which
 * all ranks agreed on. */
ek_status eki_sync_take(const ek_norm_plan *plan, const ek_norm_sync *given, const void *state, eki_sync_taken *taken,
                        ek_error *err);
ek_status eki_sync_check_finish(const ek_norm_plan *plan, eki_sync_state *state, int phase, ek_error *err);
ek_status eki_sync_check_state(const ek_norm_plan *plan, const eki_sync_state *state, ek_error *err);

/* Puts "layer 3 (conv1), step 17: " in front. */
ek_status eki_sync_prefix(const ek_norm_sync *sync, ek_status status, ek_error *err);

#endif
