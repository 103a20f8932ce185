/* write_site_cases.c: the cases of site_families.def as files, with input and wanted result, for another runtime.
 *
 *     write_site_cases FOLDER FIRST_SEED SEEDS
 */
#include "site_maker.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void put_numbers(FILE *out, const char *key, const double *numbers, int64_t count) {
    fprintf(out, ", \"%s\": [", key);
    for (int64_t i = 0; i < count; i++) fprintf(out, "%s%.9g", i > 0 ? "," : "", numbers[i]);
    fprintf(out, "]");
}

static void put_dims(FILE *out, const char *key, const eki_shape *shape) {
    fprintf(out, ", \"%s\": [", key);
    for (int i = 0; i < shape->rank; i++) fprintf(out, "%s%" PRId64, i > 0 ? "," : "", shape->dims[i]);
    fprintf(out, "]");
}

static void write_case(const char *folder, FILE *list, int family, uint64_t seed, bool first) {
    static site_case c;
    static double x[SPEC_ELEMENTS], wanted[SPEC_ELEMENTS];
    char path[512];
    ek_error err = {.text = ""};
    site_case_make(family, seed, TWIN_NONE, &c);
    if (c.engine_only) {
        site_case_destroy(&c);
        return;
    }
    int64_t count = spec_count(&c.spec), fed = 0;
    bool product = c.spec.kind == EKI_SITE_AFFINE && c.skip[0] != 0;
    for (int64_t i = 0; i < count; i++) x[i] = product ? c.skip[i] : c.has_skip ? c.x[i] + c.skip[i] : c.x[i];
    spec_run(&c.spec, x, wanted);
    (void)snprintf(path, sizeof path, "%s/%02d-%" PRIu64 ".onnx", folder, family, seed);
    if (eki_onnx_save(c.graph, path, &err) != EK_OK) {
        fprintf(stderr, "%s: %s\n", c.label, err.text);
        exit(1);
    }
    fprintf(list, "%s{\"label\": \"%s\", \"file\": \"%s\", \"tolerance\": %g", first ? "" : ",\n", c.label, path,
            c.half ? 1e-2 : 1e-5);
    eki_shape dims = c.graph->inputs[0]->shape;
    if (dims.dims[0] < 0) dims.dims[0] = c.spec.dims[0];
    put_dims(list, "dims", &dims);
    (void)eki_shape_count(&dims, &fed);
    put_numbers(list, "x", c.x, fed);
    if (c.has_skip) put_numbers(list, "skip", c.skip, fed);
    put_numbers(list, "wanted", wanted, count);
    fprintf(list, "}");
    site_case_destroy(&c);
}

int main(int argc, char **argv) {
    char path[512];
    if (argc != 4) return 2;
    uint64_t first = strtoull(argv[2], NULL, 10), seeds = strtoull(argv[3], NULL, 10);
    (void)snprintf(path, sizeof path, "%s/cases.json", argv[1]);
    FILE *list = fopen(path, "w");
    if (list == NULL) return 1;
    fprintf(list, "[");
    for (int family = 0; family < n_site_families; family++) {
        for (uint64_t k = 0; k < seeds; k++) write_case(argv[1], list, family, first + k, family == 0 && k == 0);
    }
    fprintf(list, "]\n");
    return fclose(list) == 0 ? 0 : 1;
}
