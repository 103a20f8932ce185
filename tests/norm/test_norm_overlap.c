/* test_norm_overlap.c: of every two arguments of a call, one of which is written: the same buffer, and buffers that
 * share a part, are refused by name, but for the pairs that the table of norm.h allows; buffers that touch are fine. */
#include "norm/rig.h"

#include "base/memory.h"
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

typedef enum { FORWARD, BACKWARD } phase;

/* Which phase reads and writes what, as norm.h says; written down a second time. */
static const struct argument {
    const char *name;
    size_t place;
    int reads[2], writes[2]; /* forward, backward */
} arguments[] = {
#define ROW(name, fr, br, fw, bw)                                                                                      \
    {                                                                                                                  \
#name, offsetof(ek_norm_args, name), {fr, br }, { fw, bw }                                                     \
    }
    ROW(x, 1, 1, 0, 0),
    ROW(y, 0, 1, 1, 0),
    ROW(scale, 1, 1, 0, 0),
    ROW(bias, 1, 1, 0, 0),
    ROW(running_mean, 1, 0, 0, 0),
    ROW(running_var, 1, 0, 0, 0),
    ROW(lengths, 1, 1, 0, 0),
    ROW(mask, 1, 1, 0, 0),
    ROW(mean, 0, 0, 1, 0),
    ROW(var, 0, 0, 1, 0),
    ROW(saved, 0, 1, 1, 0),
    ROW(workspace, 0, 0, 1, 1),
    ROW(dy, 0, 1, 0, 0),
    ROW(dx, 0, 0, 0, 1),
    ROW(dscale, 0, 0, 0, 1),
    ROW(dbias, 0, 0, 0, 1),
    ROW(residual, 1, 1, 0, 0),
    ROW(dresidual, 0, 0, 0, 1),
#undef ROW
};
enum { ARGUMENTS = sizeof arguments / sizeof arguments[0] };

static bool allowed(const char *a, const char *b) {
    static const char *const pairs[][2] = {{"y", "x"}, {"y", "residual"}, {"dx", "dy"}, {"dresidual", "dy"}};
    for (int i = 0; i < 4; i++) {
        if (strcmp(a, pairs[i][0]) == 0 && strcmp(b, pairs[i][1]) == 0) return true;
    }
    return false;
}

static void **pointer(ek_norm_args *args, int i) { return (void **)(void *)((char *)args + arguments[i].place); }

/* Far from each other, so that no argument reaches a third. */
static char *spread(rig *r, const size_t bytes[ARGUMENTS]) {
    size_t room = 0;
    for (int i = 0; i < ARGUMENTS; i++) room += bytes[i];
    room = (room + 63) / 64 * 64;
    char *memory = eki_alloc(eki_sized(2 * ARGUMENTS * room));
    for (int i = 0; i < ARGUMENTS; i++) {
        char *to = memory + (size_t)(2 * i) * room;
        memcpy(to, *pointer(&r->args, i), bytes[i]);
        *pointer(&r->args, i) = to;
    }
    return memory;
}

/* Batch norm that uses all there is: running statistics, a mask, a residual, ReLU. Every buffer of more than 64 bytes.
 */
static rig *make(char **memory) {
    static int64_t lengths[20];
    static unsigned char mask[20 * 4 * 4];
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH);
    desc.rank = 4, desc.dims[0] = 20, desc.dims[1] = 40, desc.dims[2] = desc.dims[3] = 4;
    desc.residual = desc.masked = 1;
    desc.activation = EK_ACTIVATION_RELU;
    rig *r = rig_make(&desc, 1, 1, 0);
    for (int i = 0; i < 20; i++) lengths[i] = 4;
    memset(mask, 1, sizeof mask);
    r->args.lengths = lengths;
    r->args.mask = mask;
    void *own[2] = {r->args.saved, r->args.workspace};
    size_t tensor = r->bytes[RIG_X], channels = r->bytes[RIG_SCALE];
    const size_t bytes[ARGUMENTS] = {tensor,
                                     tensor,
                                     channels,
                                     channels,
                                     channels,
                                     channels,
                                     sizeof lengths,
                                     sizeof mask,
                                     channels,
                                     channels,
                                     ek_norm_saved_bytes(r->plan),
                                     ek_norm_workspace_bytes(r->plan),
                                     tensor,
                                     tensor,
                                     channels,
                                     channels,
                                     tensor,
                                     tensor};
    *memory = spread(r, bytes);
    eki_free(own[0]);
    eki_free(own[1]);
    rig_forward(r, EK_STATS_RUNNING);
    return r;
}

static void drop(rig *r, char *memory) {
    r->args.saved = r->args.workspace = NULL;
    eki_free(memory);
    rig_free(r);
}

static ek_status call(const rig *r, phase p, const ek_norm_args *args, ek_error *err) {
    return p == FORWARD ? ek_norm_forward(r->plan, EK_STATS_RUNNING, args, err) : ek_norm_backward(r->plan, args, err);
}

static void refused(const rig *r, phase p, const ek_norm_args *args, int a, int b) {
    ek_error err = {.text = ""};
    char one[80], other[80];
    snprintf(one, sizeof one, "args.%s and args.%s overlap", arguments[a].name, arguments[b].name);
    snprintf(other, sizeof other, "args.%s and args.%s overlap", arguments[b].name, arguments[a].name);
    ek_status status = call(r, p, args, &err);
    if (status != EK_ERR_ARG) fail_msg("%s: taken by phase %d", one, p);
    if (strstr(err.text, one) == NULL && strstr(err.text, other) == NULL) fail_msg("\"%s\", not %s", err.text, one);
}

/* Both orders of addresses, so `a` lies before b and behind it. */
static void each_pair(void **state) {
    (void)state;
    char *memory;
    rig *r = make(&memory);
    int pairs = 0, same = 0;
    ek_error err;
    for (int i = 0; i < ARGUMENTS * ARGUMENTS * 2; i++) {
        phase p = (phase)(i % 2);
        int a = i / 2 / ARGUMENTS, b = i / 2 % ARGUMENTS;
        if (a == b || !arguments[a].writes[p] || !(arguments[b].reads[p] || arguments[b].writes[p])) continue;
        ek_norm_args args = r->args;
        *pointer(&args, a) = *pointer(&args, b);
        pairs++;
        if (allowed(arguments[a].name, arguments[b].name)) {
            same++;
            rig_forward(r, EK_STATS_RUNNING);
            if (call(r, p, &args, &err) != EK_OK) fail_msg("%s: %s", arguments[a].name, err.text);
        } else {
            refused(r, p, &args, a, b);
        }
        *pointer(&args, a) = (char *)*pointer(&args, b) + 64;
        refused(r, p, &args, a, b);
        args = r->args;
        *pointer(&args, b) = (char *)*pointer(&args, a) + 64;
        refused(r, p, &args, a, b);
    }
    printf("%d pairs, %d may be the same\n", pairs, same);
    assert_true(pairs >= 30 && same == 4);
    drop(r, memory);
}

/* What is only read may be the same, and so may what a call does not look at. */
static void reading(void **state) {
    (void)state;
    char *memory;
    rig *r = make(&memory);
    ek_error err;
    ek_norm_args args = r->args;
    args.bias = args.scale;
    args.residual = args.x;
    args.dx = args.y; /* not of a forward */
    if (ek_norm_forward(r->plan, EK_STATS_RUNNING, &args, &err) != EK_OK) fail_msg("%s", err.text);
    args = r->args;
    args.dy = args.x;
    args.mean = args.dscale; /* not of a backward */
    if (ek_norm_backward(r->plan, &args, &err) != EK_OK) fail_msg("%s", err.text);
    drop(r, memory);
}

/* End to end in one piece of memory. */
static void touching(void **state) {
    (void)state;
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_GROUP);
    desc.rank = 3, desc.dims[0] = 3, desc.dims[1] = 4, desc.dims[2] = 5, desc.groups = 2;
    rig *r = rig_make(&desc, 1, 1, 0);
    size_t tensor = r->bytes[RIG_X], parameter = r->bytes[RIG_SCALE], statistic = r->bytes[RIG_MEAN];
    size_t workspace = ek_norm_workspace_bytes(r->plan), saved = ek_norm_saved_bytes(r->plan);
    char *memory = eki_alloc(eki_sized(workspace + saved + 4 * tensor + 4 * parameter + 2 * statistic)), *next = memory;
    memset(memory, 0, workspace + saved + 4 * tensor + 4 * parameter + 2 * statistic);
    ek_norm_args args = {.struct_size = sizeof args};
    args.workspace = next, next += workspace;
    args.saved = next, next += saved;
    args.y = next, next += tensor;
    args.x = next, next += tensor;
    args.dx = next, next += tensor;
    args.dy = next, next += tensor;
    args.dscale = next, next += parameter;
    args.scale = next, next += parameter;
    args.dbias = next, next += parameter;
    args.bias = next, next += parameter;
    args.mean = next, next += statistic;
    args.var = next;
    ek_error err;
    if (ek_norm_forward(r->plan, EK_STATS_BATCH, &args, &err) != EK_OK) fail_msg("%s", err.text);
    if (ek_norm_backward(r->plan, &args, &err) != EK_OK) fail_msg("%s", err.text);
    eki_free(memory);
    rig_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_pair), cmocka_unit_test(reading),
                                       cmocka_unit_test(touching)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
