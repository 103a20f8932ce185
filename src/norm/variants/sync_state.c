/* sync_state.c: what can be synchronized, and how much memory the state of an exchange takes. */
#include "norm/variants/sync_state.h"

#include "base/memory.h"

size_t eki_sync_state_bytes(void) { return (sizeof(eki_sync_state) + 63) / 64 * 64; }

bool eki_sync_supported(const ek_norm_plan *plan) {
    return plan->family == EKI_BATCH && plan->desc.ghost == 0 && !plan->renorm;
}

bool eki_sync_units(const ek_norm_plan *plan, int64_t global_count, int64_t *units) {
    int64_t elements, chunk = plan->units.chunk;
    *units = 0;
    if (!eki_mul_i64(global_count, plan->channels, &elements) ||
        !eki_mul_i64(elements, plan->space > 0 ? plan->space : 1, &elements) || elements > INT64_C(1) << 56) {
        return false;
    }
    if (plan->space > 0) *units = (global_count / chunk + (global_count % chunk != 0)) * plan->units.blocks;
    return eki_sync_block_bytes(eki_cover_capacity(*units), plan->channels) <= PTRDIFF_MAX / 2; /* with the state */
}

int64_t eki_sync_capacity(const ek_norm_plan *plan, ek_sync_mode mode, int64_t global_count) {
    int64_t units;
    if (mode != EK_SYNC_EXACT) return 1;
    return eki_sync_units(plan, global_count, &units) ? eki_cover_capacity(units) : -1;
}

size_t ek_norm_sync_bytes(const ek_norm_plan *plan, ek_sync_mode mode, int64_t global_count) {
    int64_t capacity = plan != NULL && eki_sync_supported(plan) ? eki_sync_capacity(plan, mode, global_count) : -1;
    if (capacity < 0) return 0;
    return (eki_sync_state_bytes() + (size_t)eki_sync_block_bytes(capacity, plan->channels) + 63) / 64 * 64;
}

int64_t ek_norm_sync_chunk(const ek_norm_plan *plan) { return plan == NULL ? 0 : plan->units.chunk; }
