/* test_recompute.c: what backward computes again instead of keeping it gives the same bits: random graphs and
 * architectures, under every choice and any room; the plans take less, and say what they take. */
#include "graph/exec.h"
#include "model/model.h"
#include "random_net.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 6, MOST = 4 };

typedef struct how {
    eki_recompute recompute;
    size_t memory;
    bool bf16;
    int threads;
} how;

/* Everything that a step of training makes, one after the other. */
typedef struct result {
    float *numbers;
    size_t count;
    ek_memory_report memory;
    ek_status status;
} result;

static float number(size_t i) { return (float)((i * 2654435761U >> 7) % 2001) / 1000.0F - 1.0F; }

static void add(result *r, const float *from, size_t count) {
    r->numbers = realloc(r->numbers, (r->count + count + 1) * sizeof *r->numbers);
    assert_non_null(r->numbers);
    if (from != NULL) memcpy(r->numbers + r->count, from, count * sizeof *from);
    r->count += from != NULL ? count : 0;
}

static void prepare(eki_exec *exec, result *r) {
    ek_error e;
    eki_shape shapes[MOST];
    size_t n = eki_exec_input_count(exec);
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++) {
        shapes[i] = eki_exec_input_value(exec, i)->shape;
        for (int k = 0; k < shapes[i].rank; k++) {
            if (shapes[i].dims[k] < 0) shapes[i].dims[k] = k == 0 ? BATCH : 8;
        }
    }
    r->status = eki_exec_prepare(exec, shapes, &e);
    if (r->status != EK_OK) assert_non_null(strstr(e.text, "of memory are left"));
}

static void feed(eki_exec *exec) {
    for (size_t i = 0; i < eki_exec_input_count(exec); i++) {
        eki_view view = eki_exec_input(exec, i);
        if (!eki_exec_input_needed(exec, i) || view.dtype != EK_F32) continue;
        for (size_t k = 0; k < eki_view_elements(&view); k++) ((float *)view.data)[k] = number(k + i);
    }
}

/* Forward, a gradient at every output, backward: twice, since what one run leaves must not show in the next. */
static void run_once(eki_exec *exec, result *r) {
    feed(exec);
    OK(eki_exec_forward(exec, err));
    for (size_t i = 0; i < eki_exec_output_count(exec); i++) {
        eki_view view = eki_exec_output(exec, i);
        float *gradient = eki_exec_output_gradient(exec, i);
        if (view.dtype == EK_F32) add(r, view.data, eki_view_elements(&view));
        for (size_t k = 0; gradient != NULL && k < eki_view_elements(&view); k++) gradient[k] = number(3 * k + i);
    }
    OK(eki_exec_backward(exec, err));
    for (size_t i = 0; i < eki_exec_parameter_count(exec); i++) {
        const eki_parameter *p = eki_exec_parameter(exec, i);
        add(r, p->gradient, p->count);
    }
    for (size_t i = 0; i < eki_exec_input_count(exec); i++) {
        eki_view view = eki_exec_input(exec, i);
        if (view.dtype == EK_F32) add(r, eki_exec_input_gradient(exec, i), eki_view_elements(&view));
    }
}

static result run(ek_model *model, how h) {
    result r = {.count = 0};
    eki_exec *exec = NULL;
    eki_exec_options o = {.mode = EKI_MODE_TRAINING, .backward = true, .input_gradient = true, .seed = 5};
    o.recompute = h.recompute;
    o.memory = h.memory;
    o.bf16 = h.bf16;
    o.threads = h.threads;
    OK(eki_exec_create(model->graph, &o, &exec, err));
    prepare(exec, &r);
    for (int i = 0; i < 2 && r.status == EK_OK; i++) run_once(exec, &r);
    eki_exec_memory(exec, &r.memory);
    eki_exec_destroy(exec);
    return r;
}

static void check_same(const result *a, const result *b, const char *what, uint64_t seed) {
    if (a->count != b->count) fail_msg("%s %d: %zu numbers, not %zu", what, (int)seed, b->count, a->count);
    for (size_t i = 0; i < a->count; i++) {
        if (memcmp(&a->numbers[i], &b->numbers[i], sizeof(float)) == 0) continue;
        fail_msg("%s %d: number %zu of %zu is %a, not %a", what, (int)seed, i, a->count, (double)b->numbers[i],
                 (double)a->numbers[i]);
    }
}

/* Room from all that is needed down to what nothing fits. Returns whether something was computed again. */
static bool check_model(ek_model *model, const char *what, uint64_t seed, how h) {
    h.recompute = EKI_RECOMPUTE_NOTHING;
    h.memory = 0;
    result plain = run(model, h), other;
    assert_int_equal(plain.status, EK_OK);
    assert_int_equal(plain.memory.again, 0);
    bool again = false;
    for (h.recompute = EKI_RECOMPUTE_LEAST; h.recompute <= EKI_RECOMPUTE_ALL; h.recompute++) {
        other = run(model, h);
        check_same(&plain, &other, what, seed);
        if (h.recompute == EKI_RECOMPUTE_LEAST) assert_true(other.memory.time <= 1.25);
        again = again || other.memory.again > 0;
        free(other.numbers);
    }
    h.recompute = EKI_RECOMPUTE_TO_FIT;
    for (int percent = 100; percent > 0; percent -= 9) {
        h.memory = plain.memory.bytes / 100 * (size_t)percent + 1;
        other = run(model, h);
        if (other.status == EK_OK) {
            check_same(&plain, &other, what, seed);
            assert_true(other.memory.bytes <= h.memory);
        } else {
            assert_int_equal(other.status, EK_ERR_LIMIT);
        }
        free(other.numbers);
    }
    free(plain.numbers);
    return again;
}

static uint64_t from(const char *name, uint64_t standard) {
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : standard;
}

static void test_random_graphs(void **state) {
    (void)state;
    int changed = 0;
    uint64_t first = from("EK_FIRST_SEED", 1), count = from("EK_SEEDS", 40);
    for (uint64_t seed = first; seed < first + count; seed++) {
        ek_model *model = random_net(seed);
        how h = {.threads = 1 + (int)(seed % 2), .bf16 = seed % 3 == 0 && ek_precision_supported(EK_BF16)};
        changed += check_model(model, "graph", seed, h);
        ek_model_destroy(model);
    }
    print_message("%d of %d graphs compute something again\n", changed, (int)count);
    assert_true(changed > (int)count / 2);
}

static void test_architectures(void **state) {
    (void)state;
    static const struct {
        const char *name;
        ek_norm_kind kind;
    } cases[] = {{"resnet20", EK_NORM_BATCH}, {"resnet20", EK_NORM_GROUP}, {"cnn6", EK_NORM_LAYER},
                 {"cnn6", EK_NORM_INSTANCE},  {"lenet", EK_NORM_RMS},      {"mlp", EK_NORM_BATCH}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ek_model *model = fixture_model(cases[i].name, cases[i].kind, 16, 0.3);
        (void)check_model(model, cases[i].name, i, (how){.threads = 2});
        ek_model_destroy(model);
    }
}

/* Two batch sizes take turns in one arena. */
static void test_turns(void **state) {
    (void)state;
    ek_model *model = fixture_model("resnet20", EK_NORM_BATCH, 16, 0.0);
    eki_exec *exec = NULL;
    eki_exec_options o = {.mode = EKI_MODE_TRAINING, .backward = true, .recompute = EKI_RECOMPUTE_LEAST};
    OK(eki_exec_create(model->graph, &o, &exec, err));
    result first[2] = {{.count = 0}};
    for (int turn = 0; turn < 6; turn++) {
        eki_shape shape = eki_exec_input_value(exec, 0)->shape;
        result now = {.count = 0};
        shape.dims[0] = turn % 2 ? 3 : 7;
        if (turn == 2) eki_exec_weights_changed(exec);
        OK(eki_exec_prepare(exec, &shape, err));
        run_once(exec, &now);
        if (turn >= 2) check_same(&first[turn % 2], &now, "turn", (uint64_t)turn);
        if (turn < 2) first[turn] = now;
        if (turn >= 2) free(now.numbers);
    }
    free(first[0].numbers);
    free(first[1].numbers);
    eki_exec_destroy(exec);
    ek_model_destroy(model);
}

/* A step of resnet20 takes half as much for at most a quarter of the time more, and the parts add up. */
static void test_report(void **state) {
    (void)state;
    ek_model *model = fixture_model("resnet20", EK_NORM_BATCH, 32, 0.0);
    result plain = run(model, (how){.recompute = EKI_RECOMPUTE_NOTHING, .threads = 2});
    result least = run(model, (how){.recompute = EKI_RECOMPUTE_LEAST, .threads = 2});
    const ek_memory_report *m = &least.memory;
    print_message("%zu bytes become %zu: results %zu, gradients %zu, saved %zu, scratch %zu; %lld of %lld again (%s), "
                  "time %.3f\n",
                  plain.memory.bytes, m->bytes, m->results, m->gradients, m->saved, m->scratch, (long long)m->again,
                  (long long)m->steps, m->again_text, m->time);
    assert_true(2 * m->bytes <= plain.memory.bytes && m->plain_bytes == plain.memory.bytes);
    assert_true(m->results + m->gradients + m->saved + m->scratch <= m->bytes);
    assert_true(m->again > 0 && strstr(m->again_text, "BatchNormalization ") != NULL);
    assert_true(m->time > 1 && m->time <= 1.25);
    free(plain.numbers);
    free(least.numbers);
    ek_model_destroy(model);
}

static void test_refusals(void **state) {
    (void)state;
    ek_model *model = fixture_model("mlp", EK_NORM_BATCH, 8, 0.0);
    ek_session_options o = ek_session_options_default();
    ek_session *session = NULL;
    o.memory = (ek_memory_use)3;
    FAILS(EK_ERR_ARG, "memory is 3, expected", ek_session_create(model, &o, &session, err));
    assert_int_equal(ek_session_memory(NULL).bytes, 0);
    assert_int_equal(ek_trainer_memory(NULL).bytes, 0);
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_graphs), cmocka_unit_test(test_architectures),
                                       cmocka_unit_test(test_turns), cmocka_unit_test(test_report),
                                       cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
