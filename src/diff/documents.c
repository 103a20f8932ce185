/* documents.c: two files, as they are, side by side: ek_diff_files. */
#include "diff/messages.h"
#include "onnx/onnx.h"

#include <stdlib.h>
#include <string.h>

/* The folder that the path is in, with its slash. */
static ek_status open_side(eki_side *side, const char *path, ek_error *err) {
    const char *slash = strrchr(path, '/');
    size_t size = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    *side = (eki_side){.path = path, .reader = {.fd = -1}};
    EKI_TRY(eki_onnx_map(path, &side->map, err));
    side->folder = eki_alloc(eki_sized(size + 3));
    if (side->folder == NULL) return eki_fail_nomem(err, size);
    memcpy(side->folder, slash != NULL ? path : "./", slash != NULL ? size : 2);
    side->folder[slash != NULL ? size : 2] = '\0';
    return EK_OK;
}

static void close_side(eki_side *side) {
    eki_map_close(&side->map);
    eki_file_close(&side->reader);
    free(side->folder);
    free(side->outside);
}

/* What loading may use of both together, for lists of nodes and the like. */
static size_t budget_of(const eki_comparison *c) {
    size_t both, budget;
    if (!eki_add_size(c->sides[0].map.size, c->sides[1].map.size, &both) || !eki_mul_size(both, 4, &budget) ||
        !eki_add_size(budget, (size_t)64 << 20, &budget)) {
        return SIZE_MAX;
    }
    return budget;
}

static ek_status compare(eki_comparison *c) {
    eki_bytes a = {.data = c->sides[0].map.data, .size = c->sides[0].map.size};
    eki_bytes b = {.data = c->sides[1].map.data, .size = c->sides[1].map.size};
    c->budget = budget_of(c);
    EKI_TRY(eki_diff_create(&c->diff, c->err));
    EKI_TRY(eki_compare_messages(c, eki_message_model(), a, b, NULL));
    return eki_diff_order(c->diff, c->err);
}

ek_status ek_diff_files(const char *a, const char *b, ek_diff **diff, ek_error *err) {
    EKI_GIVEN(a, err);
    EKI_GIVEN(b, err);
    EKI_GIVEN(diff, err);
    *diff = NULL;
    eki_comparison c = {.sides = {{.reader = {.fd = -1}}, {.reader = {.fd = -1}}}, .err = err};
    ek_status status = open_side(&c.sides[0], a, err);
    if (status == EK_OK) status = open_side(&c.sides[1], b, err);
    if (status == EK_OK) status = compare(&c);
    close_side(&c.sides[0]);
    close_side(&c.sides[1]);
    if (status == EK_OK) {
        *diff = c.diff;
    } else {
        ek_diff_destroy(c.diff);
    }
    return status;
}
