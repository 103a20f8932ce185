/* test_study_cards.c: the whole quick level: nothing contradicts theory, every sabotage turns a verdict, equal seeds
 * give equal results, and results can be judged anew.
 *
 * The sabotages matter most: an experiment that cannot fail proves nothing.
 */
#include "study/load.h"
#include "study/write.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char clean_path[] = "test_study_cards.json", other_path[] = "test_study_other.json";

enum { TEXT = 128 };

static json_t *load(const char *path) {
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    assert_non_null(root);
    return root;
}

static json_t *card_of(json_t *root, int number) {
    int extra = number > EKS_CARDS;
    json_t *list = json_object_get(root, extra ? "extras" : "cards");
    return json_array_get(list, (size_t)(extra ? number - EKS_CARDS : number) - 1);
}

/* All verdicts of a card in one line. */
static void verdicts(const char *path, int number, char text[TEXT]) {
    json_t *root = load(path), *evidence = json_object_get(card_of(root, number), "evidence"), *reading;
    const char *problem = json_string_value(json_object_get(evidence, "problem"));
    size_t i, used = 0;
    text[0] = 0;
    if (problem) print_message("card %d: %s\n", number, problem);
    json_array_foreach(json_object_get(evidence, "readings"), i, reading) {
        int length = snprintf(text + used, TEXT - used, "%s%s", i ? ", " : "",
                              json_string_value(json_object_get(reading, "verdict")));
        used += (size_t)length;
    }
    assert_null(problem);
    json_decref(root);
}

static void run(int card, const char *sabotage, const char *path, int *failed) {
    ek_study_options options = {.quick = 1, .card = card, .seed = 1, .sabotage = sabotage, .output_json = path};
    ek_error err = {EK_OK, ""};
    if (ek_study_run(&options, failed, &err) != EK_OK) fail_msg("card %d: %s", card, err.text);
}

static void nothing_contradicts_theory(void **state) {
    (void)state;
    int failed = -1;
    run(0, NULL, clean_path, &failed);
    for (int i = 0; eks_designs[i]; i++) {
        char text[TEXT];
        verdicts(clean_path, eks_designs[i]->number, text);
        print_message("card %2d: %s\n", eks_designs[i]->number, text);
    }
    assert_int_equal(failed, 0);
}

/* Whether the sabotage turns a verdict by the closed forms alone: the networks are those of the clean run. */
static int forms_turn_a_verdict(json_t *clean, const eks_design *design) {
    ek_study_options options = {.quick = 1, .seed = 1, .sabotage = design->sabotage};
    const json_t *evidence = json_object_get(card_of(clean, design->number), "evidence");
    eks_study *study = calloc(1, sizeof *study);
    assert_non_null(study);
    study->options = &options;
    eks_load_evidence(study, design, evidence);
    int turned = 0;
    for (int r = 0; r < eks_reading_count(design); r++) {
        const json_t *reading = json_array_get(json_object_get(evidence, "readings"), (size_t)r);
        const char *verdict = eks_verdict_name(study->evidence[design->number - 1].verdicts[r]);
        turned |= strcmp(json_string_value(json_object_get(reading, "verdict")), verdict) != 0;
    }
    eks_kept_free(study);
    free(study);
    return turned;
}

static void every_sabotage_turns_a_verdict(void **state) {
    (void)state;
    json_t *root = load(clean_path);
    for (int i = 0; eks_designs[i]; i++) {
        char clean[TEXT], sabotaged[TEXT];
        int number = eks_designs[i]->number, failed;
        if (eks_designs[i]->forms && forms_turn_a_verdict(root, eks_designs[i])) continue;
        run(number, eks_designs[i]->sabotage, other_path, &failed);
        verdicts(clean_path, number, clean);
        verdicts(other_path, number, sabotaged);
        print_message("card %2d, %s: %s\n", number, eks_designs[i]->sabotage, sabotaged);
        assert_string_not_equal(clean, sabotaged);
    }
    json_decref(root);
}

/* What a card is about taken away: its control fails, and no reading is judged. */
static void blinding_makes_inconclusive(void **state) {
    (void)state;
    for (int i = 0; eks_designs[i]; i++) {
        char text[TEXT];
        int failed;
        if (!eks_designs[i]->blinding) continue;
        run(eks_designs[i]->number, eks_designs[i]->blinding, other_path, &failed);
        verdicts(other_path, eks_designs[i]->number, text);
        assert_null(strstr(text, "supported"));
        assert_null(strstr(text, "refuted"));
        assert_int_equal(failed, 0);
    }
}

static void no_times(json_t *value) {
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_object(value)) {
        json_object_del(value, "seconds");
        json_object_foreach(value, key, member) no_times(member);
    }
    json_array_foreach(value, i, member) no_times(member);
}

static void equal_seeds_give_equal_results(void **state) {
    (void)state;
    const int cards[] = {9, 12, 13};
    for (int i = 0; i < 3; i++) {
        ek_study_options options = {.quick = 1, .card = cards[i], .seed = 1, .threads = 1, .output_json = other_path};
        assert_int_equal(ek_study_run(&options, NULL, NULL), EK_OK);
        json_t *clean = load(clean_path), *again = load(other_path);
        json_t *a = card_of(clean, cards[i]), *b = card_of(again, cards[i]);
        no_times(a);
        no_times(b);
        assert_true(json_equal(a, b));
        json_decref(again);
        json_decref(clean);
    }
}

static void count_lines(void *context, const char *text) {
    if (++*(int *)context < 5) print_message("%s\n", text);
}

static void verdicts_follow_from_the_numbers(void **state) {
    (void)state;
    int checked, wrong, lines = 0;
    assert_int_equal(ek_study_verify(clean_path, &checked, &wrong, &lines, count_lines, NULL), EK_OK);
    assert_int_equal(checked, EKS_ALL);
    assert_int_equal(wrong, 0);
    /* One number of one seed changed. */
    json_t *root = load(clean_path);
    json_t *arms = json_object_get(json_object_get(card_of(root, 4), "evidence"), "arms");
    json_t *values = json_object_get(json_array_get(arms, 0), "values");
    json_t *seeds = json_object_get(json_array_get(values, 0), "seeds");
    assert_int_equal(json_array_set_new(seeds, 0, json_integer(1)), 0);
    assert_int_equal(json_dump_file(root, other_path, 0), 0);
    json_decref(root);
    assert_int_equal(ek_study_verify(other_path, &checked, &wrong, &lines, count_lines, NULL), EK_OK);
    assert_true(wrong > 0 && lines == wrong);
    assert_int_equal(ek_study_verify("/no/such/file", &checked, &wrong, &lines, count_lines, NULL), EK_ERR_FORMAT);
}

/* ---- every number, one after the other ---- */
typedef struct altering {
    eks_study *study;
    json_t *part; /* what is verified: the file, or one card of it */
    int whole, numbers, missed;
} altering;

static void heard(void *context, const char *text) {
    (void)context;
    (void)text;
}

static int told(altering *a) {
    eks_listener listener = {NULL, heard, 0};
    if (a->whole)
        eks_verify_results(a->study, a->part, &listener);
    else
        eks_verify_card(a->study, a->part, &listener);
    return listener.count > 0;
}

static void alter_here(altering *a, json_t *number, const char *where) {
    if (json_is_integer(number)) {
        json_int_t was = json_integer_value(number);
        json_integer_set(number, was + 1);
        if (!told(a) && ++a->missed) print_message("%s: %lld + 1 is not noticed\n", where, (long long)was);
        json_integer_set(number, was);
    } else {
        double was = json_real_value(number);
        json_real_set(number, was != 0 ? was * 1.001 : 0.001);
        if (!told(a) && ++a->missed) print_message("%s: a change of %g is not noticed\n", where, was);
        json_real_set(number, was);
    }
    a->numbers++;
}

static void alter(altering *a, json_t *value, const char *where) {
    char place[256];
    const char *key;
    json_t *member;
    size_t i;
    if (json_is_number(value)) alter_here(a, value, where);
    json_object_foreach(value, key, member) {
        if (strcmp(key, "seconds") == 0) continue;
        if (a->whole && (strcmp(key, "cards") == 0 || strcmp(key, "extras") == 0)) continue;
        snprintf(place, sizeof place, "%.180s %.60s", where, key);
        alter(a, member, place);
    }
    json_array_foreach(value, i, member) {
        snprintf(place, sizeof place, "%.220s %zu", where, i + 1);
        alter(a, member, place);
    }
}

static void every_number_follows(void **state) {
    (void)state;
    json_t *root = load(clean_path);
    altering a = {.study = calloc(1, sizeof *a.study), .part = root, .whole = 1};
    assert_non_null(a.study);
    assert_int_equal(told(&a), 0);
    alter(&a, root, "results");
    a.whole = 0;
    eks_load_options(a.study, root);
    for (int i = 1; i <= EKS_ALL; i++) {
        char name[32];
        a.part = card_of(root, i);
        assert_int_equal(told(&a), 0);
        snprintf(name, sizeof name, "card %d", i);
        alter(&a, a.part, name);
    }
    print_message("%d numbers altered, one at a time\n", a.numbers);
    assert_true(a.numbers > 3000);
    assert_int_equal(a.missed, 0);
    eks_kept_free(a.study);
    free(a.study);
    json_decref(root);
}

static int as_report(FILE *out, const eks_study *study) { return eks_report(out, study, 0); }

/* A file of the same run is taken over whole; one of another seed is not. */
static void a_run_goes_on(void **state) {
    (void)state;
    ek_study_options options = {.quick = 1, .seed = 1};
    eks_study *study = calloc(1, sizeof *study);
    assert_non_null(study);
    study->options = &options;
    study->isa = ek_cpu_isa();
    options.seed = 2;
    assert_int_equal(eks_load_same_run(study, clean_path), 0);
    options.seed = 1;
    assert_int_equal(eks_load_same_run(study, clean_path), 1);
    json_t *before = load(clean_path);
    assert_int_equal(eks_save(other_path, study, as_report, NULL), EK_OK);
    json_t *after = load(other_path);
    no_times(before);
    no_times(after);
    for (int i = 1; i <= EKS_CARDS; i++)
        if (!json_equal(card_of(before, i), card_of(after, i))) fail_msg("card %d changed on its way", i);
    json_decref(after);
    json_decref(before);
    eks_kept_free(study);
    free(study);
}

static int clean_up(void **state) {
    (void)state;
    unlink(clean_path);
    unlink(other_path);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_contradicts_theory),     cmocka_unit_test(verdicts_follow_from_the_numbers),
        cmocka_unit_test(every_number_follows),           cmocka_unit_test(a_run_goes_on),
        cmocka_unit_test(equal_seeds_give_equal_results), cmocka_unit_test(every_sabotage_turns_a_verdict),
        cmocka_unit_test(blinding_makes_inconclusive),
    };
    return cmocka_run_group_tests(tests, NULL, clean_up);
}
