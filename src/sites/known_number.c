/* known_number.c: whole numbers that a graph computes of extents, where these are known: channels / groups ... */
#include "sites/spell.h"

enum { HOPS = 8 };

static bool known(const eki_finder *f, const eki_value *value, int hops, int64_t *number);

/* One element of Shape(x). */
static bool known_extent(const eki_finder *f, const eki_node *gather, int64_t *number) {
    const eki_node *shape = eki_maker(gather->in[0], EKI_OP_Shape);
    double at;
    if (gather->n_in != 2 || shape == NULL || shape->n_attr != 0 || shape->n_in != 1 || shape->in[0] == NULL)
        return false;
    const eki_shape *x = eki_extents(f, shape->in[0]);
    if (x->rank < 1 || !eki_constant_scalar(f->constants, gather->in[1], &at)) return false;
    if (at < 0) at += x->rank;
    if (at < 0 || at >= x->rank) return false;
    *number = x->dims[(int)at];
    return *number >= 0;
}

/* A quotient only where nothing remains: what is rounded depends on the type. */
static bool known_arithmetic(const eki_finder *f, const eki_node *node, int hops, int64_t *number) {
    int64_t a, b;
    if (node->n_in != 2 || !known(f, node->in[0], hops, &a) || !known(f, node->in[1], hops, &b)) return false;
    if (node->op == EKI_OP_Mul) return eki_mul_i64(a, b, number);
    if (b <= 0 || a % b != 0) return false;
    *number = a / b;
    return true;
}

static bool known(const eki_finder *f, const eki_value *value, int hops, int64_t *number) {
    int64_t list[EKI_CONSTANT_LIST];
    int count;
    if (eki_constant_list(f->constants, value, list, &count)) {
        *number = list[0];
        return count == 1;
    }
    const eki_node *node = value == NULL || value->producer_output != 0 ? NULL : value->producer;
    if (node == NULL || node->n_in < 1 || node->in[0] == NULL || hops == 0) return false;
    switch (node->op) {
    case EKI_OP_Gather: return known_extent(f, node, number);
    case EKI_OP_Mul:
    case EKI_OP_Div: return known_arithmetic(f, node, hops - 1, number);
    case EKI_OP_Cast:
    case EKI_OP_Floor:
    case EKI_OP_Squeeze:
    case EKI_OP_Unsqueeze:
    case EKI_OP_Identity: return known(f, node->in[0], hops - 1, number);
    default: return false;
    }
}

bool eki_known_number(const eki_finder *f, const eki_value *value, int64_t *number) {
    return known(f, value, HOPS, number);
}
