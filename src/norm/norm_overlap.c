/* norm_overlap.c: the one place that says which arguments of a call may share memory. */
#include "norm/norm_overlap.h"

#include "base/error.h"

#include <stddef.h>

enum { ARGUMENTS = 19 };

typedef enum { TENSOR, PARAMETER, STATISTIC, RUNNING, SAVED, WORKSPACE, LENGTHS, MASK, EXTENTS } extent;

/* In the order of the bits. */
static const struct {
    const char *name;
    size_t place; /* in ek_norm_args */
    extent extent;
    unsigned same; /* may be the same buffer as one of these, where that is read */
} arguments[ARGUMENTS] = {
    {"y", offsetof(ek_norm_args, y), TENSOR, EKI_ARG_X | EKI_ARG_RESIDUAL},
    {"dx", offsetof(ek_norm_args, dx), TENSOR, EKI_ARG_DY},
    {"dresidual", offsetof(ek_norm_args, dresidual), TENSOR, EKI_ARG_DY},
    {"x", offsetof(ek_norm_args, x), TENSOR, 0},
    {"dy", offsetof(ek_norm_args, dy), TENSOR, 0},
    {"residual", offsetof(ek_norm_args, residual), TENSOR, 0},
    {"dscale", offsetof(ek_norm_args, dscale), PARAMETER, 0},
    {"dbias", offsetof(ek_norm_args, dbias), PARAMETER, 0},
    {"scale", offsetof(ek_norm_args, scale), PARAMETER, 0},
    {"bias", offsetof(ek_norm_args, bias), PARAMETER, 0},
    {"running_mean", offsetof(ek_norm_args, running_mean), RUNNING, 0},
    {"running_var", offsetof(ek_norm_args, running_var), RUNNING, 0},
    {"mean", offsetof(ek_norm_args, mean), STATISTIC, 0},
    {"var", offsetof(ek_norm_args, var), STATISTIC, 0},
    {"saved", offsetof(ek_norm_args, saved), SAVED, 0},
    {"workspace", offsetof(ek_norm_args, workspace), WORKSPACE, 0},
    {"lengths", offsetof(ek_norm_args, lengths), LENGTHS, 0},
    {"mask", offsetof(ek_norm_args, mask), MASK, 0},
    {"rstd", offsetof(ek_norm_args, rstd), STATISTIC, 0},
};

static void measure(const ek_norm_plan *plan, size_t bytes[EXTENTS]) {
    size_t real = eki_real_bytes(plan);
    bytes[TENSOR] = (size_t)eki_buffer_elements(plan) * (size_t)plan->element_bytes;
    bytes[PARAMETER] = (size_t)(plan->family == EKI_ROWS ? plan->space : plan->channels) * real;
    bytes[STATISTIC] = (size_t)plan->sets * real;
    bytes[RUNNING] = (size_t)plan->channels * real;
    bytes[SAVED] = ek_norm_saved_bytes(plan);
    bytes[WORKSPACE] = plan->workspace_bytes;
    bytes[LENGTHS] = plan->masked ? (size_t)plan->mask_examples * sizeof(int64_t) : 0;
    bytes[MASK] = plan->masked ? (size_t)(plan->mask_examples * plan->mask_positions) : 0;
}

typedef struct {
    uintptr_t begin, bytes;
    int argument;
} range;

static ek_status refuse(const range *a, const range *b, bool may_be_same, ek_error *err) {
    uintptr_t distance = a->begin < b->begin ? b->begin - a->begin : a->begin - b->begin;
    return eki_fail(err, EK_ERR_ARG, "args.%s and args.%s overlap: they are %zu bytes apart and hold %zu and %zu; %s",
                    arguments[a->argument].name, arguments[b->argument].name, (size_t)distance, (size_t)a->bytes,
                    (size_t)b->bytes,
                    may_be_same ? "give the same pointer (in place) or separate buffers" : "give separate buffers");
}

static ek_status compare(const range *a, const range *b, unsigned writes, ek_error *err) {
    if (a->begin >= b->begin + b->bytes || b->begin >= a->begin + a->bytes) return EK_OK;
    bool same = (arguments[a->argument].same & ~writes) >> b->argument & 1;
    return same && a->begin == b->begin ? EK_OK : refuse(a, b, same, err);
}

ek_status eki_overlap_check(const ek_norm_plan *plan, const ek_norm_args *args, unsigned reads, unsigned writes,
                            ek_error *err) {
    range used[ARGUMENTS];
    size_t bytes[EXTENTS];
    int written = 0, count = 0;
    measure(plan, bytes);
    for (int pass = 0; pass < 2; pass++) {
        unsigned set = pass == 0 ? writes : reads & ~writes;
        for (int i = 0; i < ARGUMENTS; i++) {
            const void *pointer = *(const void *const *)((const char *)args + arguments[i].place);
            if ((set >> i & 1) == 0 || pointer == NULL) continue;
            used[count++] = (range){(uintptr_t)pointer, bytes[arguments[i].extent], i};
        }
        if (pass == 0) written = count;
    }
    for (int a = 0; a < written; a++) {
        for (int b = a + 1; b < count; b++) EKI_TRY(compare(&used[a], &used[b], writes, err));
    }
    return EK_OK;
}
