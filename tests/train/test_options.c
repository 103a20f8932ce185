/* test_options.c: one rule for all options structs: struct_size 0 is an error, a shorter struct leaves defaults, a
 * longer one is refused unless what this library does not know of it is zero. */
#include <evenkeel/image.h>
#include <evenkeel/surgery.h>
#include <evenkeel/train.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

typedef struct world {
    ek_model *model;
    ek_dataset *data;
} world;

static world w;

static int setup(void **state) {
    (void)state;
    ek_build_options o = ek_build_options_default("mlp");
    if (ek_model_build(&o, &w.model, NULL) != EK_OK) return 1;
    return ek_dataset_open("builtin:strokes:20", EK_SPLIT_TRAIN, NULL, &w.data, NULL) != EK_OK;
}

static int teardown(void **state) {
    (void)state;
    ek_model_destroy(w.model);
    ek_dataset_close(w.data);
    return 0;
}

/* Every call that takes options, with these. */
static ek_status call(int which, const void *options, ek_error *err) {
    ek_model *made = NULL;
    ek_status status = EK_OK;
    ek_edit_report *report = NULL;
    ek_head_result head;
    ek_comparison comparison;
    ek_recalibration *recalibration = NULL;
    ek_eval_result evaluated;
    ek_session *session = NULL;
    ek_trainer *trainer = NULL;
    ek_dataset *data = NULL;
    ek_loader *loader = NULL;
    ek_comm *comm = NULL;
    double drift;
    switch (which) {
    case 0: status = ek_session_create(w.model, options, &session, err); break;
    case 1: status = ek_model_build(options, &made, err); break;
    case 2: status = ek_convert(w.model, options, &made, &report, &drift, err); break;
    case 3: status = ek_unfold(w.model, options, &made, &report, err); break;
    case 4: status = ek_replace_head(w.model, options, &head, err); break;
    case 5: status = ek_compare(w.model, w.model, options, &comparison, err); break;
    case 6: status = ek_recalibrate(w.model, w.data, options, &recalibration, err); break;
    case 7: status = ek_trainer_create(w.model, options, &trainer, err); break;
    case 8: status = ek_evaluate(w.model, w.data, options, &evaluated, err); break;
    case 9: status = ek_dataset_open("builtin:strokes:20", EK_SPLIT_TRAIN, options, &data, err); break;
    case 10: status = ek_loader_create(w.data, options, &loader, err); break;
    default: status = ek_comm_open(options, &comm, err); break;
    }
    ek_model_destroy(made);
    ek_edit_report_destroy(report);
    ek_recalibration_destroy(recalibration);
    ek_session_destroy(session);
    ek_trainer_destroy(trainer);
    ek_dataset_close(data);
    ek_loader_destroy(loader);
    if (comm != NULL) ek_comm_close(comm, EK_OK, 0);
    return status;
}
enum { CALLS = 12 };

static void no_size_is_an_error(void **state) {
    (void)state;
    for (int i = 0; i < CALLS; i++) {
        size_t zeros[128] = {0};
        ek_error err = {.text = ""};
        if (call(i, zeros, &err) != EK_ERR_ARG || strstr(err.text, "struct_size is 0; set it to sizeof(ek_") == NULL)
            fail_msg("call %d: '%s'", i, err.text);
    }
}

static void unknown_fields_are_refused(void **state) {
    (void)state;
    for (int i = 0; i < CALLS; i++) {
        size_t longer[512] = {sizeof longer};
        ek_error err = {.text = ""};
        longer[511] = 1;
        if (call(i, longer, &err) != EK_ERR_UNSUPPORTED || strstr(err.text, "does not know") == NULL)
            fail_msg("call %d: '%s'", i, err.text);
    }
}

/* As a program does that was compiled against an earlier or a later header. */
static void other_versions_are_served(void **state) {
    (void)state;
    struct {
        ek_session_options known;
        char later[64];
    } later = {.known = ek_session_options_default()};
    ek_session_options earlier = {.struct_size = offsetof(ek_session_options, threads)};
    ek_error err;
    earlier.mode = EK_MODE_INFERENCE;
    earlier.threads = -1; /* beyond what it says it has: not read */
    later.known.struct_size = sizeof later;
    assert_int_equal(call(0, &earlier, &err), EK_OK);
    assert_int_equal(call(0, &later, &err), EK_OK);
    for (int i = 0; i < CALLS; i++) {
        if (i != 1 && i != 2 && i != 3 && i != 4 && i != 7) assert_int_equal(call(i, NULL, &err), EK_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_size_is_an_error),
                                       cmocka_unit_test(unknown_fields_are_refused),
                                       cmocka_unit_test(other_versions_are_served)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
