/* test_site_files.c: norms in files of ../shared/cases, as `inspect` lists them; without these files it is skipped. */
#include "model/model.h"

#include <evenkeel/surgery.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CASES EK_SOURCE_DIR "/../shared/cases/"

typedef struct listed {
    const char *file;
    size_t norms, index;
    const char *path, *spelling, *scale;
    ek_norm_kind kind;
    int64_t channels, groups;
    double epsilon;
    int apart;
} listed;

static const listed files[] = {
    {"layernorm13", 1, 0, "y", "written out", "g", EK_NORM_LAYER, 8, 1, 1e-5, 0},
    {"rms17", 1, 0, "y", "written out", "s", EK_NORM_RMS, 8, 1, 1e-6, 0},
    {"if_bn", 1, 0, "y/then_branch/bn_then", "operator", "bn.s", EK_NORM_BATCH, 4, 1, 1e-5, 1},
    {"loop_bn", 1, 0, "y/body/bn_loop", "operator", "bn.s", EK_NORM_BATCH, 4, 1, 1e-5, 1},
    {"function_a", 2, 0, "f1/t", "operator", "bn.s", EK_NORM_BATCH, 4, 1, 1e-3, 0},
    {"torch_groupnorm17", 2, 1, "/g/Add", "instance norm of groups", "onnx::Mul_29", EK_NORM_GROUP, 8, 4, 1e-5, 0},
    {"identity_parameters", 2, 1, "/b2/BatchNormalization", "operator", "b1.weight", EK_NORM_BATCH, 4, 1, 1e-5, 0},
    {"behind_custom", 1, 0, "n", "operator", "s", EK_NORM_BATCH, 8, 1, 1e-5, 0},
    {"spatial0_rank2", 1, 0, "bn", "operator", "bn.s", EK_NORM_BATCH, 4, 1, 1e-5, 0},
};

static bool open_case(const char *name, ek_model **model) {
    char path[512];
    ek_error err = {.text = ""};
    (void)snprintf(path, sizeof path, "%s%s.onnx", CASES, name);
    ek_status status = ek_model_load(path, model, &err);
    if (status == EK_ERR_IO) return false;
    if (status != EK_OK) fail_msg("%s: %s", name, err.text);
    return true;
}

static void check(const listed *f, const ek_model *model) {
    ek_inspection *in;
    assert_int_equal(ek_inspect(model, &in, NULL), EK_OK);
    if (ek_inspection_norm_count(in) != f->norms) fail_msg("%s: %zu norms", f->file, ek_inspection_norm_count(in));
    const ek_norm_seen *seen = ek_inspection_norm(in, f->index);
    const ek_model_norm *n = &seen->norm;
    assert_int_equal(ek_model_norm_count(model), f->norms);
    assert_string_equal(ek_model_norm_get(model, f->index).path, f->path);
    assert_string_equal(n->path, f->path);
    assert_string_equal(n->spelling, f->spelling);
    assert_string_equal(n->scale, f->scale);
    assert_int_equal(n->kind, f->kind);
    assert_int_equal(n->channels, f->channels);
    assert_int_equal(n->groups, f->groups);
    if (!(fabs(n->epsilon - f->epsilon) <= 1e-3 * f->epsilon)) fail_msg("%s: epsilon %g", f->file, n->epsilon);
    if (f->scale[0] != '\0') assert_int_equal(seen->scale.count, f->channels);
    assert_int_equal(n->apart, f->apart);
    assert_string_equal(ek_model_norm_get(model, f->norms).path, "");
    ek_inspection_destroy(in);
}

static void norms_are_listed(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ek_model *model;
        if (!open_case(files[i].file, &model)) {
            printf("skipped: %s is absent\n", CASES);
            skip();
        }
        check(&files[i], model);
        ek_model_destroy(model);
    }
}

/* PyTorch gives equal parameters one tensor: scale and bias of both norms. */
static void sharing_is_told(void **state) {
    (void)state;
    ek_model *model;
    if (!open_case("identity_parameters", &model)) skip();
    const eki_sites *sites = &model->sites;
    size_t at = 0;
    eki_role role = EKI_SCALE;
    assert_int_equal(sites->count, 2);
    assert_true(eki_site_shares(sites, &sites->items[0], EKI_SCALE, &at, &role));
    assert_true(at == 1 && role == EKI_SCALE);
    assert_true(sites->items[1].parameters[EKI_SCALE].source.identity);
    assert_false(sites->items[0].parameters[EKI_SCALE].source.identity);
    at = 0;
    role = EKI_SCALE;
    assert_false(eki_site_shares(sites, &sites->items[0], EKI_MEAN, &at, &role));
    ek_model_destroy(model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(norms_are_listed), cmocka_unit_test(sharing_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
