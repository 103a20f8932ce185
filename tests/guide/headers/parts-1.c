#include "example.h"
#include <evenkeel/parts.h>

static ek_status whole(const ek_norm_plan *plan, ek_norm_args args, void *saved) {
#include "parts-2.inc"
    return s;
}

static ek_status in_parts(const ek_norm_plan *plan, void *parts, ek_norm_args args, void *saved) {
    enum { n = 2 };
    const int64_t first[n] = {0, 4}, count[n] = {4, 12};
    ek_norm_args part[n] = {args, args};
    part[1].x = x[0] + 4 * C * SPACE, part[1].y = y + 4 * C * SPACE;
    part[1].dy = dy + 4 * C * SPACE, part[1].dx = dx + 4 * C * SPACE;
#include "parts-1.inc"
    return s;
}

int main(void) {
    static float y_whole[SIZE], dx_whole[SIZE];
    ek_norm_args args;
    const ek_norm_plan *plan = ready(&args);
    if (judged(whole(plan, args, args.saved))) return 1;
    memcpy(y_whole, y, sizeof y);
    memcpy(dx_whole, dx, sizeof dx);
    void *parts = aligned_alloc(64, (ek_norm_parts_bytes(plan) + 63) / 64 * 64);
    return judged(in_parts(plan, parts, args, args.saved)) || memcmp(y, y_whole, sizeof y) != 0 ||
           memcmp(dx, dx_whole, sizeof dx) != 0;
}
