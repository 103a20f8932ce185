/* slab.c: batch norm by slabs. A slab is one piece of all samples: what the statistics of one channel (row memory) or
 * one tile of channels (column memory) are taken over. A task takes its slabs one after the other through the whole
 * pass, so that the second reading of a slab finds it in a cache, and a call has one parallel stretch. The phases of
 * batch.c do the same work in two or three stretches over the whole tensor; every sum has the same order, so the bits
 * are the same. Which of the two it is says set_slabs in norm_plan.c, by sizes alone.
 */
#include "norm/norm_job.h"

bool eki_by_slabs(const eki_job *job) { return job->plan->slabs && job->valid == NULL && !job->plan->wide; }

static void forward_slabs(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    for (int64_t slab = begin; slab < end; slab++) {
        int64_t first, channels = eki_channels_of(plan, (eki_window){slab, 1}, &first);
        for (int64_t u = 0; u < plan->units.count; u++) eki_moments_piece(job, u, slab);
        eki_batch_channels(job, first, first + channels);
        eki_affine_slab(job, slab);
    }
    eki_end_stream(job);
}

void eki_slabs_forward(const eki_job *job) {
    eki_job copy = *job;
    int64_t slabs = eki_pieces(job->plan);
    eki_ranges(job->plan, slabs, job->plan->elements / slabs + 1, forward_slabs, &copy);
}

static void backward_slabs(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    const ek_norm_plan *plan = job->plan;
    eki_job formed = *job;
    eki_form_done(&formed);
    for (int64_t slab = begin; slab < end; slab++) {
        int64_t first, channels = eki_channels_of(plan, (eki_window){slab, 1}, &first);
        for (int64_t u = 0; u < plan->units.count; u++) eki_gradsums_piece(job, u, slab);
        eki_batch_gradients(job, first, first + channels);
        if (eki_wants_dx(job)) eki_gradaffine_slab(&formed, slab);
    }
    eki_end_stream(&formed);
}

void eki_slabs_backward(const eki_job *job) {
    eki_job copy = *job;
    eki_form_first(&copy);
    int64_t slabs = eki_pieces(job->plan);
    eki_ranges(job->plan, slabs, job->plan->elements / slabs + 1, backward_slabs, &copy);
}
