/* moved_shape.c: extents of what Reshape and its like make. What is wrong or not known gives no answer, never an error:
 * whoever runs the node says what is wrong with it. */
#include "sites/moved_shape.h"

#include "sites/constants.h"

bool eki_node_list(const eki_node *node, const char *name, int input, eki_list_reader read, void *context,
                   int64_t *list, int *count) {
    const int64_t *values;
    size_t n;
    if (eki_node_ints(node, name, &values, &n)) {
        if (n > EKI_CONSTANT_LIST) return false;
        for (size_t i = 0; i < n; i++) list[i] = values[i];
        *count = (int)n;
        return true;
    }
    return input < node->n_in && node->in[input] != NULL && read(context, node->in[input], list, count);
}

/* What stands for -1 in a target: the rest of the elements, where all extents are known. */
static int64_t rest_of(const eki_shape *x, const eki_shape *target, int rest) {
    int64_t have = 1, given = 1;
    for (int i = 0; i < x->rank; i++) {
        if (x->dims[i] < 0 || !eki_mul_i64(have, x->dims[i], &have)) return EKI_OPEN;
    }
    for (int i = 0; i < target->rank; i++) {
        if (i == rest) continue;
        if (target->dims[i] < 1 || !eki_mul_i64(given, target->dims[i], &given)) return EKI_OPEN;
    }
    return have % given == 0 ? have / given : EKI_OPEN;
}

static bool reshaped(const eki_node *node, const eki_shape *x, const int64_t *target, int rank, eki_shape *out) {
    int rest = -1;
    if (rank > EKI_MAX_RANK) return false;
    out->rank = rank;
    for (int i = 0; i < rank; i++) {
        out->dims[i] = target[i];
        if (target[i] < -1 || (target[i] == -1 && rest >= 0)) return false;
        if (target[i] == -1) rest = i;
        if (target[i] != 0 || eki_node_int(node, "allowzero", 0) != 0) continue;
        if (x->rank >= 0 && i >= x->rank) return false;
        out->dims[i] = x->rank < 0 ? EKI_OPEN : x->dims[i];
    }
    if (rest >= 0) out->dims[rest] = x->rank < 0 ? EKI_OPEN : rest_of(x, out, rest);
    return true;
}

/* Marks axes of a tensor of this rank. */
static bool mark(const int64_t *axes, int count, int rank, bool *marks) {
    for (int i = 0; i < rank; i++) marks[i] = false;
    for (int i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank || marks[axis]) return false;
        marks[axis] = true;
    }
    return true;
}

static bool squeezed(const eki_shape *x, const int64_t *axes, int count, bool given, eki_shape *out) {
    bool drop[EKI_MAX_RANK];
    if (x->rank < 0 || !mark(axes, count, x->rank, drop)) return false;
    *out = (eki_shape){.rank = 0};
    for (int i = 0; i < x->rank; i++) {
        if (!given && x->dims[i] < 0) return false; /* it may turn out to be 1 */
        bool gone = given ? drop[i] : x->dims[i] == 1;
        if (given && drop[i] && x->dims[i] >= 0 && x->dims[i] != 1) return false;
        if (!gone) out->dims[out->rank++] = x->dims[i];
    }
    return true;
}

static bool unsqueezed(const eki_shape *x, const int64_t *axes, int count, eki_shape *out) {
    bool put[EKI_MAX_RANK];
    if (x->rank < 0 || x->rank + count > EKI_MAX_RANK) return false;
    out->rank = x->rank + count;
    if (!mark(axes, count, out->rank, put)) return false;
    for (int i = 0, j = 0; i < out->rank; i++) out->dims[i] = put[i] ? 1 : x->dims[j++];
    return true;
}

static bool flattened(const eki_node *node, const eki_shape *x, eki_shape *out) {
    int64_t axis = eki_node_int(node, "axis", 1);
    *out = (eki_shape){.rank = 2, .dims = {EKI_OPEN, EKI_OPEN}};
    if (x->rank < 0) return true;
    if (axis < 0) axis += x->rank;
    if (axis < 0 || axis > x->rank) return false;
    eki_shape parts[2] = {{.rank = (int)axis}, {.rank = x->rank - (int)axis}};
    for (int i = 0; i < x->rank; i++) parts[i >= axis].dims[i >= axis ? i - axis : i] = x->dims[i];
    for (int i = 0; i < 2; i++) {
        int64_t count;
        if (parts[i].rank == 1) out->dims[i] = parts[i].dims[0];
        if (eki_shape_count(&parts[i], &count)) out->dims[i] = count;
    }
    return true;
}

static bool transposed(const eki_node *node, const eki_shape *x, eki_shape *out, int perm[EKI_MAX_RANK]) {
    const int64_t *axes;
    size_t count;
    bool seen[EKI_MAX_RANK] = {false}, given = eki_node_ints(node, "perm", &axes, &count);
    if (x->rank < 0 || (given && count != (size_t)x->rank)) return false;
    out->rank = x->rank;
    for (int i = 0; i < x->rank; i++) {
        int64_t axis = given ? axes[i] : x->rank - 1 - i;
        if (axis < 0 || axis >= x->rank || seen[axis]) return false;
        seen[axis] = true;
        perm[i] = (int)axis;
        out->dims[i] = x->dims[axis];
    }
    return true;
}

static bool expanded(const eki_shape *x, const int64_t *target, int rank, eki_shape *out) {
    if (x->rank < 0 || rank > EKI_MAX_RANK) return false;
    *out = (eki_shape){.rank = rank > x->rank ? rank : x->rank};
    for (int i = 0; i < out->rank; i++) {
        int ix = i - (out->rank - x->rank), it = i - (out->rank - rank);
        int64_t own = ix < 0 ? 1 : x->dims[ix], wanted = it < 0 ? 1 : target[it];
        if (wanted < 0 || (own >= 0 && own != 1 && wanted != 1 && own != wanted)) return false;
        out->dims[i] = own == 1 ? wanted : own;
    }
    return true;
}

static bool tiled(const eki_shape *x, const int64_t *repeats, int count, eki_shape *out) {
    if (x->rank < 0 || count != x->rank) return false;
    *out = *x;
    for (int i = 0; i < count; i++) {
        if (repeats[i] < 0) return false;
        if (x->dims[i] >= 0 && !eki_mul_i64(x->dims[i], repeats[i], &out->dims[i])) return false;
        if (x->dims[i] < 0 && repeats[i] != 1) out->dims[i] = EKI_OPEN;
    }
    return true;
}

bool eki_moved_shape(const eki_node *node, const eki_shape *x, eki_list_reader read, void *context, eki_shape *out,
                     int perm[EKI_MAX_RANK]) {
    int64_t list[EKI_CONSTANT_LIST];
    int count = 0;
    switch (node->op) {
    case EKI_OP_Identity:
    case EKI_OP_Cast: *out = *x; return x->rank >= 0;
    case EKI_OP_Reshape:
        return eki_node_list(node, "shape", 1, read, context, list, &count) && reshaped(node, x, list, count, out);
    case EKI_OP_Squeeze: {
        bool given = eki_node_list(node, "axes", 1, read, context, list, &count);
        if (!given && node->n_in > 1 && node->in[1] != NULL) return false;
        return squeezed(x, list, count, given, out);
    }
    case EKI_OP_Unsqueeze:
        return eki_node_list(node, "axes", 1, read, context, list, &count) && unsqueezed(x, list, count, out);
    case EKI_OP_Flatten: return flattened(node, x, out);
    case EKI_OP_Transpose: return transposed(node, x, out, perm);
    case EKI_OP_Expand: return eki_node_list(node, "", 1, read, context, list, &count) && expanded(x, list, count, out);
    case EKI_OP_Tile: /* of opset 1 it has three inputs */
        return node->n_in == 2 && eki_node_list(node, "", 1, read, context, list, &count) && tiled(x, list, count, out);
    default: return false;
    }
}
