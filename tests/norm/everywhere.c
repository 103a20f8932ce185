/* everywhere.c: forward and backward again with other tasks and other instruction sets. */
#include "norm/everywhere.h"

#include "base/memory.h"
#include "cpu/dispatch.h"
#include <cmocka.h>
#include <evenkeel/cpu.h>

/* Last task first. */
static void run_backwards(void *context, size_t tasks, void (*body)(void *, size_t), void *argument) {
    (void)context;
    for (size_t i = tasks; i > 0; i--) body(argument, i - 1);
}

static fixture *run(ek_norm_desc desc, fixture_setup setup) {
    fixture *f = fixture_make(&desc, 9, 5, 3);
    if (setup != NULL) setup(f);
    fixture_forward(f, EK_STATS_BATCH);
    fixture_backward(f);
    return f;
}

static void compare(const fixture *a, const fixture *b, const char *what) {
    if (!same_bits(a->y, b->y, a->buffer)) fail_msg("y changes with %s", what);
    if (!same_bits(a->dx, b->dx, a->buffer)) fail_msg("dx changes with %s", what);
    if (!same_bits(a->dscale, b->dscale, a->parameters)) fail_msg("dscale changes with %s", what);
    if (!same_bits(a->dbias, b->dbias, a->parameters)) fail_msg("dbias changes with %s", what);
    if (!same_bits(a->mean, b->mean, a->sets)) fail_msg("mean changes with %s", what);
    if (!same_bits(a->var, b->var, a->sets)) fail_msg("var changes with %s", what);
}

void same_bits_everywhere(ek_norm_desc desc, fixture_setup setup) {
    desc.parallel = (ek_parallel){.threads = 1};
    assert_int_equal(ek_cpu_set_isa("generic", NULL), EK_OK);
    fixture *one = run(desc, setup);
    for (size_t i = 0; eki_kernels_at(i, EKI_F32) != NULL; i++) {
        if (!eki_kernels_supported(i)) continue;
        assert_int_equal(ek_cpu_set_isa(eki_kernels_at(i, EKI_F32)->isa, NULL), EK_OK);
        const int counts[] = {1, 3, 64};
        for (int t = 0; t < 3; t++) {
            desc.parallel = (ek_parallel){NULL, run_backwards, counts[t]};
            fixture *other = run(desc, setup);
            compare(one, other, eki_kernels_at(i, EKI_F32)->isa);
            fixture_free(other);
        }
    }
    fixture_free(one);
    assert_int_equal(ek_cpu_set_isa(NULL, NULL), EK_OK);
}
