#include "example.h"

static void run(void *context, size_t tasks, void (*body)(void *argument, size_t index), void *argument) {
    ++*(int *)context;
#include "parallel-1.inc"
}

int main(void) {
    int runs = 0;
    ek_norm_plan *plan;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_INSTANCE);
    desc.rank = 3, desc.dims[0] = N, desc.dims[1] = C, desc.dims[2] = SPACE;
    desc.parallel = (ek_parallel){.context = &runs, .run = run, .threads = 2};
    if (judged(ek_norm_plan_create(&desc, &plan, &err))) return 1;
    ek_norm_args args = {.struct_size = sizeof args, .x = x, .y = y};
    args.workspace = aligned_alloc(64, ek_norm_workspace_bytes(plan));
    return judged(ek_norm_forward(plan, EK_STATS_BATCH, &args, &err)) || runs == 0;
}
