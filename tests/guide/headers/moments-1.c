#include "example.h"
#include <evenkeel/moments.h>

static ek_status example(const ek_norm_plan *plan, ek_norm_args args, void *saved, int batches) {
#include "moments-1.inc"
}

int main(void) {
    ek_norm_args args;
    const ek_norm_plan *plan = ready(&args);
    return judged(example(plan, args, args.saved, 2)) || running_mean[0] < 2.49F || running_mean[0] > 2.51F;
}
