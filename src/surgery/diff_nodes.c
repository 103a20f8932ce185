/* diff_nodes.c: nodes that came, went or changed, attribute by attribute. */
#include "surgery/diff.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ek_status eki_change(eki_views *d, const char *kind, const char *name, double difference, const char *format, ...) {
    char text[512];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return eki_diff_add(d->diff, "", kind, name, difference, text, d->err);
}

static eki_node *counterpart(const eki_node *node, const eki_graph *other) {
    for (size_t i = 0; i < other->n_nodes && node->name[0] != '\0'; i++) {
        if (strcmp(other->nodes[i]->name, node->name) == 0) return other->nodes[i];
    }
    for (size_t i = 0; i < other->n_nodes; i++) {
        bool anonymous = node->name[0] == '\0' || other->nodes[i]->name[0] == '\0';
        if (anonymous && strcmp(eki_node_output(other->nodes[i]), eki_node_output(node)) == 0) return other->nodes[i];
    }
    return NULL;
}

static void attr_text(const eki_attr *attr, char text[160]) {
    size_t used = 0;
    text[0] = '\0';
    if (attr == NULL)
        (void)snprintf(text, 160, "none");
    else if (attr->type == EKI_ATTR_INT)
        (void)snprintf(text, 160, "%" PRId64, attr->i);
    else if (attr->type == EKI_ATTR_FLOAT)
        (void)snprintf(text, 160, "%.9g", (double)attr->f);
    else if (attr->type == EKI_ATTR_STRING)
        (void)snprintf(text, 160, "'%.*s'", (int)(attr->s.size > 100 ? 100 : attr->s.size), (const char *)attr->s.data);
    else if (attr->type == EKI_ATTR_INTS || attr->type == EKI_ATTR_FLOATS) {
        for (size_t i = 0; i < attr->count && used < 120; i++) {
            int n = attr->type == EKI_ATTR_INTS
                        ? snprintf(text + used, 160 - used, "%s%" PRId64, i ? "," : "", attr->ints[i])
                        : snprintf(text + used, 160 - used, "%s%.9g", i ? "," : "", (double)attr->floats[i]);
            used += n > 0 ? (size_t)n : 0;
        }
    } else
        (void)snprintf(text, 160, "other data");
}

static bool same_bytes(eki_bytes a, eki_bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

bool eki_attr_same(const eki_attr *a, const eki_attr *b) {
    if (a == NULL || b == NULL || a->type != b->type || a->count != b->count) return false;
    switch (a->type) {
    case EKI_ATTR_INT: return a->i == b->i;
    case EKI_ATTR_FLOAT: return memcmp(&a->f, &b->f, sizeof a->f) == 0;
    case EKI_ATTR_STRING: return same_bytes(a->s, b->s);
    case EKI_ATTR_INTS: return memcmp(a->ints, b->ints, a->count * sizeof *a->ints) == 0;
    case EKI_ATTR_FLOATS: return memcmp(a->floats, b->floats, a->count * sizeof *a->floats) == 0;
    case EKI_ATTR_TENSOR:
        return a->t->dtype == b->t->dtype && eki_shape_equal(&a->t->shape, &b->t->shape) &&
               same_bytes((eki_bytes){a->t->data, a->t->bytes}, (eki_bytes){b->t->data, b->t->bytes});
    case EKI_ATTR_STRINGS:
        for (size_t i = 0; i < a->count; i++) {
            if (!same_bytes(a->strings[i], b->strings[i])) return false;
        }
        return true;
    default: return same_bytes(a->origin, b->origin);
    }
}

static ek_status compare_attr(eki_views *d, const eki_node *a, const eki_node *b, const char *name) {
    char left[160], right[160];
    const eki_attr *x = eki_node_attr(a, name), *y = eki_node_attr(b, name);
    if (eki_attr_same(x, y)) return EK_OK;
    attr_text(x, left);
    attr_text(y, right);
    return eki_change(d, "attribute", eki_node_name(a), 0, "%.60s: %s -> %s", name, left, right);
}

static ek_status compare_values(eki_views *d, const char *what, const eki_node *node, eki_value *const *a, int n_a,
                                eki_value *const *b, int n_b) {
    if (n_a != n_b) return eki_change(d, "node", eki_node_name(node), 0, "%d %ss -> %d", n_a, what, n_b);
    for (int i = 0; i < n_a; i++) {
        const char *x = a[i] == NULL ? "" : a[i]->name, *y = b[i] == NULL ? "" : b[i]->name;
        if (strcmp(x, y) == 0) continue;
        EKI_TRY(eki_change(d, "node", eki_node_name(node), 0, "%s %d: '%.150s' -> '%.150s'", what, i, x, y));
    }
    return EK_OK;
}

bool eki_same_operator(const eki_node *a, const eki_node *b) {
    return strcmp(a->op_type, b->op_type) == 0 && strcmp(a->domain, b->domain) == 0;
}

static ek_status compare_node(eki_views *d, const eki_node *a, const eki_node *b) {
    if (!eki_same_operator(a, b)) {
        EKI_TRY(eki_change(d, "node", eki_node_name(a), 0, "%.60s -> %.60s", a->op_type, b->op_type));
    }
    EKI_TRY(compare_values(d, "input", a, a->in, a->n_in, b->in, b->n_in));
    EKI_TRY(compare_values(d, "output", a, a->out, a->n_out, b->out, b->n_out));
    for (int i = 0; i < a->n_attr; i++) EKI_TRY(compare_attr(d, a, b, a->attrs[i].name));
    for (int i = 0; i < b->n_attr; i++) {
        if (eki_node_attr(a, b->attrs[i].name) == NULL) EKI_TRY(compare_attr(d, a, b, b->attrs[i].name));
    }
    return EK_OK;
}

ek_status eki_diff_nodes(eki_views *d) {
    for (size_t i = 0; i < d->a->n_nodes; i++) {
        const eki_node *a = d->a->nodes[i], *b = counterpart(a, d->b);
        if (b != NULL)
            EKI_TRY(compare_node(d, a, b));
        else
            EKI_TRY(eki_change(d, "node-removed", eki_node_name(a), 0, "%.60s", a->op_type));
    }
    for (size_t i = 0; i < d->b->n_nodes; i++) {
        const eki_node *b = d->b->nodes[i];
        if (counterpart(b, d->a) == NULL)
            EKI_TRY(eki_change(d, "node-added", eki_node_name(b), 0, "%.60s", b->op_type));
    }
    return EK_OK;
}
