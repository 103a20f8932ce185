/* diff.c: what differs between what two models compute, as the engine reads them: opset, metadata, interface, nodes,
 * attributes, tensors.
 *
 * A node is found again by its name, else by its first output; a tensor by its name.
 */
#include "surgery/diff.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static ek_status compare_opsets(eki_views *d) {
    for (size_t i = 0; i < d->a->n_opsets; i++) {
        const eki_opset *o = &d->a->opsets[i];
        int64_t other = eki_graph_opset(d->b, o->domain);
        if (other == o->version) continue;
        EKI_TRY(eki_change(d, "opset", o->domain, 0, "%" PRId64 " -> %" PRId64, o->version, other));
    }
    for (size_t i = 0; i < d->b->n_opsets; i++) {
        const eki_opset *o = &d->b->opsets[i];
        if (eki_graph_opset(d->a, o->domain) != 0) continue;
        EKI_TRY(eki_change(d, "opset", o->domain, 0, "0 -> %" PRId64, o->version));
    }
    if (d->a->ir_version == d->b->ir_version) return EK_OK;
    return eki_change(d, "ir-version", "", 0, "%" PRId64 " -> %" PRId64, d->a->ir_version, d->b->ir_version);
}

static ek_status compare_metadata(eki_views *d) {
    for (size_t i = 0; i < d->a->n_meta; i++) {
        const eki_meta *m = &d->a->meta[i];
        if (m->value == NULL) continue;
        const char *other = eki_graph_meta(d->b, m->key);
        if (other != NULL && strcmp(other, m->value) == 0) continue;
        EKI_TRY(eki_change(d, "metadata", m->key, 0, "'%.150s' -> %s%.150s%s", m->value, other ? "'" : "",
                           other ? other : "removed", other ? "'" : ""));
    }
    for (size_t i = 0; i < d->b->n_meta; i++) {
        const eki_meta *m = &d->b->meta[i];
        if (m->value != NULL && eki_graph_meta(d->a, m->key) == NULL)
            EKI_TRY(eki_change(d, "metadata", m->key, 0, "added '%.200s'", m->value));
    }
    return EK_OK;
}

/* "float32[N,3,8,8]" */
static const char *type_text(const eki_graph *graph, const eki_value *value, char text[256]) {
    char shape[192];
    (void)snprintf(text, 256, "%s%s", eki_dtype_name(value->dtype), eki_shape_text(graph, &value->shape, shape));
    return text;
}

static ek_status compare_list(eki_views *d, const char *kind, bool outputs) {
    const eki_graph *graphs[2] = {d->a, d->b};
    for (int g = 0; g < 2; g++) {
        const eki_graph *graph = graphs[g], *other = graphs[1 - g];
        size_t count = outputs ? graph->n_outputs : graph->n_inputs;
        for (size_t i = 0; i < count; i++) {
            char mine[256], theirs[256];
            const eki_value *value = outputs ? graph->outputs[i] : graph->inputs[i];
            if (value->init != NULL) continue;
            const eki_value *same = eki_graph_find(other, value->name);
            bool there = same != NULL && (outputs ? same->is_output : same->input_index >= 0);
            (void)type_text(graph, value, mine);
            if (!there) EKI_TRY(eki_change(d, kind, value->name, 0, "%s", g == 0 ? "removed" : "added"));
            if (!there || g == 1 || strcmp(mine, type_text(other, same, theirs)) == 0) continue;
            EKI_TRY(eki_change(d, kind, value->name, 0, "%s -> %s", mine, theirs));
        }
    }
    return EK_OK;
}

enum { AT_ONCE = 1 << 24, WORTH = 1 << 16 };

/* In parts, whose memory is given back where they are of a mapped file. */
static bool same_data(const eki_views *d, const eki_tensor *x, const eki_tensor *y) {
    bool asleep = eki_tensor_sleeps(x);
    if (x->bytes != y->bytes || asleep != eki_tensor_sleeps(y)) return false; /* one by one, then */
    const unsigned char *a = asleep ? x->narrow : x->data, *b = asleep ? y->narrow : y->data;
    size_t bytes = asleep ? x->bytes / 2 : x->bytes;
    for (size_t at = 0, n; at < bytes; at += n) {
        n = bytes - at < AT_ONCE ? bytes - at : AT_ONCE;
        if (memcmp(a + at, b + at, n) != 0) return false;
        if (n < WORTH) continue;
        eki_graph_forget(d->a, a + at, n);
        eki_graph_forget(d->b, b + at, n);
    }
    return true;
}

/* max |x - y| / max |x|; false when the tensors have nothing to compare number by number. */
static bool relative(const eki_tensor *x, const eki_tensor *y, double *difference) {
    double worst = 0, scale = 0;
    if (x->dtype != EK_F32) return false;
    for (int64_t i = 0; i < eki_count(x); i++) {
        double p = eki_at(x, i), q = eki_at(y, i);
        double gap = p == q || (isnan(p) && isnan(q)) ? 0 : fabs(p - q);
        if (!(gap <= worst)) worst = isnan(gap) ? HUGE_VAL : gap;
        if (isfinite(p)) scale = fmax(scale, fabs(p));
    }
    *difference = worst == 0 ? 0 : scale > 0 ? worst / scale : HUGE_VAL;
    return true;
}

static ek_status compare_tensor(eki_views *d, const eki_value *a, const eki_value *b) {
    char left[192], right[192];
    const eki_tensor *x = a->init, *y = b->init;
    double difference = HUGE_VAL;
    if (x->dtype != y->dtype || !eki_shape_equal(&x->shape, &y->shape)) {
        return eki_change(d, "tensor-type", a->name, HUGE_VAL, "%s%s -> %s%s", eki_dtype_name(x->dtype),
                          eki_shape_text(NULL, &x->shape, left), eki_dtype_name(y->dtype),
                          eki_shape_text(NULL, &y->shape, right));
    }
    if (same_data(d, x, y)) return EK_OK;
    if (!relative(x, y, &difference)) return eki_change(d, "tensor", a->name, difference, "other values");
    return eki_change(d, "tensor", a->name, difference, "relative difference %.3g", difference);
}

static ek_status compare_tensors(eki_views *d) {
    char text[192];
    for (size_t i = 0; i < d->a->n_values; i++) {
        const eki_value *a = d->a->values[i], *b = eki_graph_find(d->b, a->name);
        if (a->init == NULL) continue;
        if (b != NULL && b->init != NULL)
            EKI_TRY(compare_tensor(d, a, b));
        else
            EKI_TRY(eki_change(d, "tensor-removed", a->name, 0, "%s", eki_shape_text(NULL, &a->init->shape, text)));
    }
    for (size_t i = 0; i < d->b->n_values; i++) {
        const eki_value *b = d->b->values[i], *a = eki_graph_find(d->a, b->name);
        if (b->init == NULL || (a != NULL && a->init != NULL)) continue;
        EKI_TRY(eki_change(d, "tensor-added", b->name, 0, "%s", eki_shape_text(NULL, &b->init->shape, text)));
    }
    return EK_OK;
}

static ek_status compare_all(eki_views *d) {
    EKI_TRY(compare_opsets(d));
    EKI_TRY(compare_metadata(d));
    EKI_TRY(compare_list(d, "input", false));
    EKI_TRY(compare_list(d, "output", true));
    EKI_TRY(eki_diff_nodes(d));
    EKI_TRY(compare_tensors(d));
    return eki_diff_order(d->diff, d->err);
}

ek_status ek_diff_models(const ek_model *a, const ek_model *b, ek_diff **out, ek_error *err) {
    EKI_GIVEN(a, err);
    EKI_GIVEN(b, err);
    EKI_GIVEN(out, err);
    *out = NULL;
    eki_views views = {.a = a->document, .b = b->document, .err = err};
    EKI_TRY(eki_diff_create(&views.diff, err));
    ek_status status = compare_all(&views);
    if (status != EK_OK) {
        ek_diff_destroy(views.diff);
        return status;
    }
    *out = views.diff;
    return EK_OK;
}
