/* bounds.c: searches for inputs whose error is beyond a bound of docs/numerics.md.
 *
 * bounds [--seed S] [--trials N] [--climbs N] [--steps N] [--least N] [--elements N] [--outputs N] [--isa NAME] [--only
 * TRIAL]
 *        [--type f32|f64|bf16|f16] [--idle RATIO] [--first N] [--stop 1] [--without PART]
 *
 * Trials take random descriptors, families and numbers; climbs change one input of a small trial after the other. With
 * --outputs trials go on until so many were checked; --stop ends at the first broken bound;
 * --without leaves a part out of all bounds (theorems.h). Prints the worst ratio of
 * error to bound per theorem, kernel and instruction set; status 1 where one is beyond 1, or below --idle.
 */
#include "bounds/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct options {
    uint64_t seed, trials, climbs, steps, least, elements, outputs, first, stop;
    int64_t only;
    const char *isa, *type, *without;
    double idle;
} options;

static options parse(int argc, char **argv) {
    options o = {1, 400, 60, 200, 1, 4000, 0, 0, 0, -1, NULL, NULL, NULL, 0};
    for (int i = 1; i + 1 < argc; i += 2) {
        const struct {
            const char *name;
            uint64_t *value;
        } numbers[] = {{"--seed", &o.seed},       {"--trials", &o.trials}, {"--climbs", &o.climbs},
                       {"--steps", &o.steps},     {"--least", &o.least},   {"--elements", &o.elements},
                       {"--outputs", &o.outputs}, {"--first", &o.first},   {"--stop", &o.stop}};
        size_t k = 0, n = sizeof numbers / sizeof *numbers;
        while (k < n && strcmp(argv[i], numbers[k].name) != 0) k++;
        if (k < n) *numbers[k].value = strtoull(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--only") == 0) o.only = strtoll(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--isa") == 0) o.isa = argv[i + 1];
        if (strcmp(argv[i], "--type") == 0) o.type = argv[i + 1];
        if (strcmp(argv[i], "--without") == 0) o.without = argv[i + 1];
        if (strcmp(argv[i], "--idle") == 0) o.idle = strtod(argv[i + 1], NULL);
    }
    return o;
}

static ek_dtype type_of(const char *name) {
    if (name == NULL) return (ek_dtype)0;
    return strcmp(name, "f64") == 0    ? EK_F64
           : strcmp(name, "bf16") == 0 ? EK_BF16
           : strcmp(name, "f16") == 0  ? EK_F16
                                       : EK_F32;
}

static bool done(const options *o, const ledger *book) { return o->stop && ledger_broken(book); }

int main(int argc, char **argv) {
    options o = parse(argc, argv);
    if (o.without != NULL && !theorems_without(o.without)) return 2;
    static ledger book, variants;
    ledger_make(&book, o.isa);
    ledger_make(&variants, o.isa);
    search s = {&book, &variants, o.seed, (double)o.least, (double)o.elements, type_of(o.type), false};
    if (o.only >= 0) {
        s.loud = true;
        if (o.only >> 32 > 0) search_climb(&s, (uint64_t)o.only, (int)o.steps);
        if (o.only >> 32 == 0) search_trial(&s, (uint64_t)o.only);
        return ledger_print(&book, "kernel", o.idle) > 0;
    }
    for (uint64_t i = 0; (i < o.trials || book.outputs < o.outputs) && !done(&o, &book); i++)
        search_trial(&s, o.first + i);
    /* Climbs have numbers of their own. */
    for (uint64_t i = 0; i < o.climbs && !done(&o, &book); i++) search_climb(&s, (o.first + i + 1) << 32, (int)o.steps);
    int bad = ledger_print(&book, "kernel", o.idle);
    bad += ledger_print(&variants, "variant", o.idle);
    printf("%llu outputs checked\n", (unsigned long long)book.outputs);
    return bad > 0;
}
