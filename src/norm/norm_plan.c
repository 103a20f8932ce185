/* norm_plan.c: makes a plan: geometry, the units of every reduction, and the layout of the workspace.
 *
 * All kinds (kinds.def) become one of three families (statistics per channel, per sample and group, per row). How a
 * reduction is cut into units depends on the descriptor alone, never on threads or the processor, so that the order
 * of additions is a property of the problem: docs/reproducibility.md.
 */
#include "norm/norm_plan.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "norm/norm_schedule.h"
#include "norm/norm_stats.h"
#include "norm/partial.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

static int64_t product(const ek_norm_desc *desc, int begin, int end) {
    int64_t p = 1;
    for (int i = begin; i < end; i++) p *= desc->dims[i];
    return p;
}

static const struct {
    ek_dtype dtype;
    const char *name;
    int64_t bytes;
} types[] = {
#define TYPE(with, data, enumerator, size) [EKI_##enumerator] = {EK_##enumerator, "EK_" #enumerator, size},
    EKI_EACH_DATA_TYPE(TYPE, )};

eki_data eki_data_of(ek_dtype dtype) {
    int data = 0;
    while (data < EKI_DATA_TYPES && types[data].dtype != dtype) data++;
    return (eki_data)data;
}

const char *eki_data_text(char text[EKI_TYPES_TEXT]) {
    size_t used = 0;
    for (int i = 0; i < EKI_DATA_TYPES && used < EKI_TYPES_TEXT; i++) {
        used += (size_t)snprintf(text + used, EKI_TYPES_TEXT - used, "%s (%d), ", types[i].name, (int)types[i].dtype);
    }
    return text;
}

static void set_data(ek_norm_plan *plan) {
    plan->wide = plan->desc.dtype == EK_F64;
    plan->data = plan->wide ? EKI_F32 : eki_data_of(plan->desc.dtype);
    plan->element_bytes = plan->wide ? 8 : types[plan->data].bytes;
    plan->largest = plan->wide ? DBL_MAX : (double)FLT_MAX;
}

static void set_family(ek_norm_plan *plan) {
    const ek_norm_desc *d = &plan->desc;
    const eki_kind *kind = eki_kind_of(d->kind);
    plan->centred = kind->centred;
    plan->renorm = kind->share == EKI_SHARE_BATCH && d->renorm_r_max > 0;
    plan->masked = d->masked == 1;
    plan->ghosts = 1;
    plan->elements = product(d, 0, d->rank);
    if (kind->share == EKI_SHARE_AXES && d->affine == EK_AFFINE_ELEMENT) {
        plan->family = EKI_ROWS;
        plan->samples = product(d, 0, d->axis);
        plan->channels = plan->groups = plan->group_channels = 1;
        plan->space = product(d, d->axis, d->rank);
        return;
    }
    plan->family = kind->share == EKI_SHARE_BATCH ? EKI_BATCH : EKI_GROUP;
    plan->samples = d->dims[0];
    plan->channels = d->dims[1];
    plan->space = product(d, 2, d->rank);
    plan->groups = kind->share == EKI_SHARE_GROUPS ? d->groups : kind->share == EKI_SHARE_EACH ? plan->channels : 1;
    plan->group_channels = plan->channels / plan->groups;
}

static void set_sets(ek_norm_plan *plan) {
    if (plan->family == EKI_BATCH) {
        int64_t ghost = plan->desc.ghost;
        plan->ghosts = ghost > 0 ? eki_max(1, eki_ceil_div(plan->samples, ghost)) : 1;
        plan->sets = plan->ghosts * plan->channels;
        plan->set_size = (plan->ghosts > 1 ? ghost : plan->samples) * plan->space;
    } else {
        plan->sets = plan->samples * plan->groups;
        plan->set_size = plan->group_channels * plan->space;
    }
    plan->set_blocks = eki_max(1, eki_ceil_div(plan->set_size, EKI_ROW_LIMIT));
}

/* One position per channel (S = 1) makes NCHW and NHWC the same memory, and one channel does too. */
static void set_memory(ek_norm_plan *plan) {
    bool last = plan->desc.layout == EK_LAYOUT_NHWC, plain = plan->desc.layout == EK_LAYOUT_NCHW;
    bool rows = plain || (last && (plan->space == 1 || plan->channels == 1));
    plan->row_apply = rows && plan->space > 1;
    plan->row_sets = plan->family == EKI_BATCH ? plan->row_apply : rows && !plan->wide;
    plan->blocked = !plain && !last;
}

static int64_t default_chunk(int64_t space) {
    int64_t chunk = 1;
    while (space > 0 && chunk * space < EKI_CHUNK_ROWS) chunk *= 2;
    return chunk;
}

static void set_units(ek_norm_plan *plan) {
    int64_t limit = plan->row_apply ? EKI_ROW_LIMIT : EKI_COL_LIMIT, chunk = 1;
    if (plan->family == EKI_BATCH) chunk = plan->desc.chunk > 0 ? plan->desc.chunk : default_chunk(plan->space);
    plan->units = eki_units_make(plan->samples, plan->space, chunk, limit);
}

static void set_parameter_blocks(ek_norm_plan *plan) {
    plan->param_rows = EKI_PARAM_ROWS;
    while (eki_ceil_div(plan->samples, plan->param_rows) > EKI_PARAM_PARTIALS) plan->param_rows *= 2;
    plan->param_blocks = eki_ceil_div(plan->samples, plan->param_rows);
    plan->param_tiles = eki_ceil_div(plan->space, EKI_PARAM_TILE);
}

/* ROWS are hidden as a whole: the examples are those of the first dimension. */
static void set_mask(ek_norm_plan *plan) {
    const ek_norm_desc *d = &plan->desc;
    plan->mask_examples = plan->samples;
    plan->mask_positions = plan->space;
    if (plan->family != EKI_ROWS) return;
    plan->mask_examples = d->axis > 0 ? d->dims[0] : 1;
    plan->mask_positions = product(d, 1, d->axis > 1 ? d->axis : 1);
}

/* Sizes are of 64 bits also where addresses have 32; of 2^56 elements the largest is below 2^64. */
static uint64_t round64(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

static uint64_t partial_bytes(const ek_norm_plan *plan) {
    uint64_t set_partials = plan->set_blocks > 1 ? (uint64_t)(plan->sets * plan->set_blocks) : 0;
    if (eki_by_rows(plan)) {
        uint64_t params = (uint64_t)(plan->param_blocks * plan->space) * sizeof(eki_pair);
        uint64_t sums = round64(set_partials * sizeof(eki_pair)) + params, moments = set_partials * sizeof(eki_moments);
        return sums > moments ? sums : moments;
    }
    uint64_t units = (uint64_t)(plan->units.count * plan->channels);
    uint64_t sums = units * sizeof(eki_pair);
    uint64_t moments = (plan->row_sets && plan->family == EKI_GROUP ? set_partials : units) * sizeof(eki_moments);
    return sums > moments ? sums : moments;
}

static uint64_t tensor_bytes(const ek_norm_plan *plan) {
    uint64_t elements = (uint64_t)plan->elements, block = (uint64_t)plan->desc.layout;
    if (plan->blocked)
        elements = elements / (uint64_t)plan->channels * eki_ceil_div(plan->channels, (int64_t)block) * block;
    return elements * (uint64_t)plan->element_bytes;
}

/* Statistics (what `saved` lacks, or all when the caller keeps none), floats per channel or set, partial results, sums
 * of virtual batches. False where the workspace or a tensor is more than this machine can address. */
static bool set_workspace(ek_norm_plan *plan) {
    uint64_t floats = plan->family == EKI_BATCH ? 10 * (uint64_t)plan->channels : 2 * (uint64_t)plan->sets;
    uint64_t stats = round64(eki_saved_bytes(plan)), small = stats + round64(eki_stats_bytes(plan));
    uint64_t partial = small + round64(floats * eki_real_bytes(plan));
    uint64_t totals = partial + round64(partial_bytes(plan));
    uint64_t mask = totals + (plan->ghosts > 1 ? round64((uint64_t)plan->sets * sizeof(eki_pair)) : 0);
    uint64_t bytes = mask + (plan->masked ? round64((uint64_t)(plan->mask_examples * plan->mask_positions)) : 0);
    plan->stats_offset = (size_t)stats;
    plan->small_offset = (size_t)small;
    plan->partial_offset = (size_t)partial;
    plan->totals_offset = (size_t)totals;
    plan->mask_offset = (size_t)mask;
    plan->workspace_bytes = (size_t)bytes;
    return bytes <= PTRDIFF_MAX && tensor_bytes(plan) <= PTRDIFF_MAX;
}

ek_status ek_norm_plan_create(const ek_norm_desc *desc, ek_norm_plan **plan, ek_error *err) {
    if (plan == NULL) return eki_fail(err, EK_ERR_ARG, "plan is NULL, expected the address of a pointer");
    *plan = NULL;
    ek_norm_desc checked;
    EKI_TRY(eki_norm_desc_check(desc, &checked, err));
    ek_norm_plan *made = eki_allocator_alloc(&checked.allocator, eki_sized(sizeof *made));
    if (made == NULL) return eki_fail_nomem(err, sizeof *made);
    memset(made, 0, sizeof *made);
    made->desc = checked;
    set_data(made);
    set_family(made);
    set_sets(made);
    set_memory(made);
    set_units(made);
    set_parameter_blocks(made);
    eki_schedule_stream(made);
    eki_schedule_plan(made);
    set_mask(made);
    made->key = eki_norm_key_of(&checked);
    made->fingerprint = eki_hash(&made->key, sizeof made->key);
    if (!set_workspace(made)) {
        ek_norm_plan_destroy(made);
        return eki_dims_too_large(&checked, err);
    }
    *plan = made;
    return EK_OK;
}

void eki_plan_slice(const ek_norm_plan *plan, int64_t samples, ek_norm_plan *slice) {
    *slice = *plan;
    slice->desc.dims[0] = samples;
    slice->samples = slice->mask_examples = samples;
    slice->elements = samples * plan->channels * plan->space;
    slice->sets = plan->channels;
    slice->set_size = samples * plan->space;
    slice->ghosts = 1;
    set_units(slice);
    eki_schedule_plan(slice);
}

void ek_norm_plan_destroy(ek_norm_plan *plan) {
    if (plan == NULL) return;
    ek_allocator allocator = plan->desc.allocator;
    eki_allocator_free(&allocator, plan);
}

size_t ek_norm_saved_bytes(const ek_norm_plan *plan) { return plan == NULL ? 0 : (size_t)eki_saved_bytes(plan); }
size_t ek_norm_workspace_bytes(const ek_norm_plan *plan) { return plan == NULL ? 0 : plan->workspace_bytes; }
int64_t ek_norm_sets(const ek_norm_plan *plan) { return plan == NULL ? 0 : plan->sets; }
