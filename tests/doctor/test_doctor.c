/* test_doctor.c: the cause that the doctor names, for models of real training that are broken in a known way or
 * healthy.
 *
 *     test_doctor                                        drawn digits, lenet, seed 1
 *     test_doctor more                                   other seeds and architectures
 *     test_doctor table SPEC OTHER ARCHITECTURE SEED LR IMAGES    the same for any data; prints a row per kind
 */
#include "doctor_kinds.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Gratings, an orientation per class: as unlike digits as images of the same size can be. */
static const char *gratings(void) {
    enum { N = 300, SIDE = 28 };
    static char spec[600];
    static unsigned char images[N][SIDE][SIDE];
    int64_t labels[N];
    for (int i = 0; i < N; i++) {
        double angle = 3.14159265 * (i % 10) / 10, x = cos(angle), y = sin(angle), phase = i * 0.7;
        labels[i] = i % 10;
        for (int r = 0; r < SIDE; r++)
            for (int c = 0; c < SIDE; c++)
                images[i][r][c] = (unsigned char)(127.5 + 127 * sin(0.9 * (x * c + y * r) + phase));
    }
    OK(ek_npy_write(fixture_path("gratings.npy"), EK_U8, 3, (const int64_t[]){N, SIDE, SIDE}, images, err));
    OK(ek_npy_write(fixture_path("orientation.npy"), EK_I64, 1, (const int64_t[]){N}, labels, err));
    (void)snprintf(spec, sizeof spec, "%s,%s", fixture_path("gratings.npy"), fixture_path("orientation.npy"));
    return spec;
}

/* The code that is named: of the data, else of the file's own worst finding. */
static void name_cause(ek_model *model, const ek_diagnosis *d, char code[40]) {
    ek_inspection *in;
    (void)snprintf(code, 40, "%s", d->code);
    OK(ek_inspect(model, &in, err));
    const ek_finding *worst = ek_inspection_finding(in, 0);
    if (strcmp(code, "none") == 0 && worst != NULL) (void)snprintf(code, 40, "%s", worst->code);
    ek_inspection_destroy(in);
}

static int check_kind(const setup *s, const kind *k, int labelled, int loud) {
    way w = usual_way(s);
    ek_model *model = k->make(s, &w);
    if (k->split == EK_SPLIT_TEST) w.images = 0;
    ek_dataset *data = open_images(k->other ? s->other : s->data, k->split, &w);
    ek_diagnose_options o = ek_diagnose_options_default();
    ek_diagnosis d;
    char code[40];
    o.labelled = labelled;
    OK(ek_diagnose(model, data, &o, &d, err));
    name_cause(model, &d, code);
    int right = strcmp(code, k->code) == 0;
    if (!labelled && !right)
        right = k->other && strcmp(code, "lag-or-other-data") == 0; /* they look alike without labels */
    if (loud || !right) {
        printf("%s %-28s %-17s %s %5.1f %5.1f %5.1f +-%4.1f %% distance %.3f, %.3f (%s)\n", right ? "right" : "WRONG",
               k->name, code, labelled ? "running, batch, data:" : "unlabelled:", 100 * d.running.accuracy,
               100 * d.batch.accuracy, 100 * d.recalibrated.accuracy, 100 * d.noise, d.distance, d.distance_initial,
               d.detail);
        fflush(stdout);
    }
    ek_diagnosis_free(&d);
    ek_dataset_close(data);
    ek_model_destroy(model);
    return !right;
}

static int check_all(const setup *s, int loud) {
    int wrong = 0;
    for (size_t i = 0; i < doctor_kind_count; i++) wrong += check_kind(s, &doctor_kinds[i], 1, loud);
    return wrong;
}

static void test_kinds(void **state) {
    (void)state;
    setup s = {"builtin:strokes:900", gratings(), "lenet", 1, 600, 0.1};
    assert_int_equal(check_all(&s, 0), 0);
}

static void test_more(void **state) {
    (void)state;
    static const char *const architectures[] = {"lenet", "mlp"};
    int wrong = 0;
    for (uint64_t seed = 2; seed <= 4; seed++) {
        for (int i = 0; i < 2; i++) {
            setup s = {"builtin:strokes:900", gratings(), architectures[i], seed, 600, 0.1};
            printf("%s, seed %d\n", s.architecture, (int)seed);
            wrong += check_all(&s, 1);
        }
    }
    assert_int_equal(wrong, 0);
}

/* "about 3 updates at momentum 0.9", "about 20 at 0.99": within a factor of two, from the statistics alone. */
static void test_updates(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double updates, momentum;
    } cases[] = {{"3 updates at 0.9", 3, 0.9}, {"20 updates at 0.99", 20, 0.99}, {"1 update at 0.5", 1, 0.5}};
    setup s = {"builtin:strokes:900", gratings(), "lenet", 5, 600, 0.1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = 0;
        while (strcmp(doctor_kinds[at].name, cases[i].name) != 0) at++;
        way w = usual_way(&s);
        ek_model *model = doctor_kinds[at].make(&s, &w);
        ek_dataset *data = open_images(s.data, EK_SPLIT_TRAIN, &w);
        ek_diagnosis d;
        OK(ek_diagnose(model, data, NULL, &d, err));
        assert_string_equal(d.code, "few-updates");
        assert_true(d.momentum > cases[i].momentum - 1e-6 && d.momentum < cases[i].momentum + 1e-6);
        if (!(d.initial_updates > cases[i].updates / 2 && d.initial_updates < cases[i].updates * 2))
            fail_msg("%s: estimated %g", cases[i].name, d.initial_updates);
        ek_diagnosis_free(&d);
        ek_dataset_close(data);
        ek_model_destroy(model);
    }
}

static void test_without_labels(void **state) {
    (void)state;
    setup s = {"builtin:strokes:900", gratings(), "lenet", 6, 600, 0.1};
    int wrong = 0;
    for (size_t i = 0; i < doctor_kind_count; i++) {
        const char *name = doctor_kinds[i].name;
        if (strncmp(name, "healthy: usual", 14) == 0 || strncmp(name, "3 up", 4) == 0 ||
            strncmp(name, "mean", 4) == 0 || doctor_kinds[i].other || strncmp(name, "weights", 7) == 0)
            wrong += check_kind(&s, &doctor_kinds[i], 0, 0);
    }
    assert_int_equal(wrong, 0);
}

static void test_refused(void **state) {
    (void)state;
    ek_model *model = fixture_model("lenet", EK_NORM_BATCH, 28, 0);
    way w = {.images = 20};
    ek_dataset *data = open_images("builtin:strokes:40", EK_SPLIT_TRAIN, &w);
    ek_diagnose_options o = ek_diagnose_options_default();
    ek_diagnosis d;
    o.batch = 0;
    FAILS(EK_ERR_ARG, "batch", ek_diagnose(model, data, &o, &d, err));
    ek_diagnosis_free(&d);
    ek_dataset_close(data);
    ek_model_destroy(model);
}

int main(int argc, char **argv) {
    if (argc == 8 && strcmp(argv[1], "table") == 0) {
        setup s = {argv[2],        strcmp(argv[3], "-") == 0 ? gratings() : argv[3],
                   argv[4],        strtoull(argv[5], NULL, 10),
                   atoll(argv[7]), atof(argv[6])};
        int wrong = check_all(&s, 1);
        fixture_clean();
        return wrong > 0;
    }
    const struct CMUnitTest few[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_updates),
                                     cmocka_unit_test(test_without_labels), cmocka_unit_test(test_refused)};
    const struct CMUnitTest more[] = {cmocka_unit_test(test_more)};
    int failed = argc > 1 ? cmocka_run_group_tests(more, NULL, NULL) : cmocka_run_group_tests(few, NULL, NULL);
    fixture_clean();
    return failed;
}
