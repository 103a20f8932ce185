/* op_share.c: see op_share.h. */
#include "graph/op/op_share.h"

#include "graph/collective.h"

static ek_status sum(void *context, int64_t first, int64_t chunks, double *nodes, size_t count, ek_error *err) {
    const eki_step *step = context;
    const eki_plan *plan = step->plan;
    char label[192];
    return plan->ranks->sum_nodes(plan->ranks->context, eki_node_label(step->node, label), (int64_t)plan->step_id + 1,
                                  first, chunks, nodes, count, err);
}

const eki_chunk_share *eki_share_prepare(eki_step *step, eki_chunk_share *share) {
    const eki_collective *ranks = step->plan->ranks;
    if (ranks == NULL || !ranks->reproducible) return NULL;
    *share = (eki_chunk_share){.sum = sum, .context = step};
    return share;
}

ek_status eki_share_begin(const eki_step *step, eki_chunk_share *share, int64_t units, ek_error *err) {
    const eki_plan *plan = step->plan;
    if (share->sum == NULL || plan->samples == 0) {
        share->first = 0;
        return EK_OK;
    }
    int64_t each = units / plan->samples, before = each * plan->first_sample;
    if (units % plan->samples == 0 && before % plan->chunk == 0) {
        share->first = before / plan->chunk;
        return EK_OK;
    }
    return eki_step_fail(step, err, EK_ERR_UNSUPPORTED,
                         "%lld rows of %lld examples are not whole chunks of %lld; a reproducible gradient over ranks "
                         "needs as many rows from every example",
                         (long long)units, (long long)plan->samples, (long long)plan->chunk);
}
