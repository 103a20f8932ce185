/* arch_encoder.c: a small transformer encoder (Vaswani et al. 2017) that reads an image row by row: each row is a
 * token. Two blocks of width 32 with two heads, norms first in each branch (Xiong et al. 2020) and one at the end, then
 * the mean over the tokens and one product.
 *
 * Rows without ink (all zero) are padding: no token attends to them and the mean leaves them out, so that sequences
 * differ in length as they do in language. Feed pixels as they are, zero being paper. Layer and RMS norm are over the
 * features of one token; batch, group and instance norm take features as channels and tokens as space.
 */
#include "zoo/builder.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH = 32, HEADS = 2, BLOCKS = 2, HIDDEN = 64 };

static eki_value *scalar(eki_builder *b, const char *name, float value) {
    return eki_build_parameter(b, "constant", name, (eki_shape){.rank = 0}, value);
}

static eki_value *apply2(eki_builder *b, eki_opcode op, const char *name, eki_value *x, eki_value *y) {
    eki_value *in[2] = {x, y};
    (void)eki_build_node(b, op, name, in, 2);
    return b->x;
}

static eki_value *transpose(eki_builder *b, const char *name, eki_value *x, const int64_t *order, size_t rank) {
    eki_node *node = eki_build_node(b, EKI_OP_Transpose, name, &x, 1);
    if (node != NULL) eki_build_set_ints(b, node, "perm", order, rank);
    return b->x;
}

static eki_value *reshape(eki_builder *b, const char *name, eki_value *x, const int64_t *shape, int64_t rank) {
    char constant[128];
    (void)snprintf(constant, sizeof constant, "%s.shape", name);
    return apply2(b, EKI_OP_Reshape, name, x, eki_build_integers(b, constant, shape, rank));
}

static eki_value *sum_over(eki_builder *b, const char *name, eki_value *x, eki_value *axes, int64_t keep) {
    eki_value *in[2] = {x, axes};
    eki_node *node = eki_build_node(b, EKI_OP_ReduceSum, name, in, 2);
    if (node != NULL) eki_build_set_int(b, node, "keepdims", keep);
    return b->x;
}

/* [N, T]: 1 where a row has ink, else 0. */
static eki_value *ink(eki_builder *b) {
    static const int64_t axes[2] = {1, 3};
    eki_value *input = b->x;
    (void)eki_build_node(b, EKI_OP_Abs, "mask.abs", &input, 1);
    (void)sum_over(b, "mask.ink", b->x, eki_build_integers(b, "mask.axes", axes, 2), 0);
    (void)apply2(b, EKI_OP_Greater, "mask.greater", b->x, scalar(b, "zero", 0.0F));
    eki_node *cast = eki_build_node(b, EKI_OP_Cast, "mask", &b->x, 1);
    if (cast != NULL) eki_build_set_int(b, cast, "to", EK_F32);
    eki_value *mask = b->x;
    b->x = input;
    return mask;
}

static eki_value *product(eki_builder *b, const char *layer, eki_value *x, int64_t in, int64_t out, double gain) {
    int64_t dims[2] = {in, out};
    char sum[96];
    (void)snprintf(sum, sizeof sum, "%s.add", layer);
    eki_value *w = eki_build_normal(b, layer, "weight", eki_shape_of(2, dims), sqrt(gain / (double)in));
    (void)apply2(b, EKI_OP_MatMul, layer, x, w);
    return apply2(b, EKI_OP_Add, sum, b->x, eki_build_parameter(b, layer, "bias", eki_shape_of(1, &out), 0.0F));
}

/* Rows as tokens [N, T, WIDTH], with a learned position. */
static void embed(eki_builder *b) {
    static const int64_t order[4] = {0, 2, 1, 3};
    const int64_t tokens = b->h, features = b->c * b->w, flat[3] = {0, tokens, features};
    const int64_t place[2] = {tokens, WIDTH};
    (void)transpose(b, "rows", b->x, order, 4);
    (void)reshape(b, "tokens", b->x, flat, 3);
    (void)product(b, "embed", b->x, features, WIDTH, 1.0);
    (void)apply2(b, EKI_OP_Add, "position", b->x,
                 eki_build_normal(b, "position", "weight", eki_shape_of(2, place), 0.02));
}

/* The norm of the options over [N, T, WIDTH]. */
static eki_value *normed(eki_builder *b, eki_value *x, const char *index, int64_t tokens) {
    static const int64_t swap[3] = {0, 2, 1};
    char to[64], from[64];
    ek_norm_kind kind = b->options->norm;
    b->x = x;
    b->c = WIDTH;
    b->h = 0;
    if (kind == 0) return x;
    if (kind == EK_NORM_LAYER || kind == EK_NORM_RMS) {
        eki_build_norm(b, "", index);
        return b->x;
    }
    (void)snprintf(to, sizeof to, "norm%s.channels", index);
    (void)snprintf(from, sizeof from, "norm%s.tokens", index);
    (void)transpose(b, to, x, swap, 3);
    b->h = tokens;
    eki_build_norm(b, "", index);
    b->h = 0;
    return transpose(b, from, b->x, swap, 3);
}

static eki_value *heads(eki_builder *b, const char *layer, eki_value *x, int64_t tokens, const int64_t *order) {
    const int64_t split[4] = {0, tokens, HEADS, WIDTH / HEADS};
    char name[96];
    (void)product(b, layer, x, WIDTH, WIDTH, 1.0);
    (void)snprintf(name, sizeof name, "%s.split", layer);
    (void)reshape(b, name, b->x, split, 4);
    (void)snprintf(name, sizeof name, "%s.heads", layer);
    return transpose(b, name, b->x, order, 4);
}

typedef struct blocks {
    int64_t tokens;
    eki_value *shut, *scale; /* 0 or -1e9 per key [N, 1, 1, T]; 1/sqrt(WIDTH / HEADS) */
} blocks;

static const char *named(char name[96], int block, const char *part) {
    (void)snprintf(name, 96, "block%d.%s", block, part);
    return name;
}

static eki_value *attention(eki_builder *b, const blocks *s, int block, eki_value *x) {
    static const int64_t rows[4] = {0, 2, 1, 3}, columns[4] = {0, 2, 3, 1};
    const int64_t merged[3] = {0, s->tokens, WIDTH};
    char name[96];
    eki_value *q = heads(b, named(name, block, "query"), x, s->tokens, rows);
    eki_value *k = heads(b, named(name, block, "key"), x, s->tokens, columns);
    eki_value *v = heads(b, named(name, block, "value"), x, s->tokens, rows);
    (void)apply2(b, EKI_OP_MatMul, named(name, block, "scores"), q, k);
    (void)apply2(b, EKI_OP_Mul, named(name, block, "scaled"), b->x, s->scale);
    (void)apply2(b, EKI_OP_Add, named(name, block, "masked"), b->x, s->shut);
    eki_node *node = eki_build_node(b, EKI_OP_Softmax, named(name, block, "softmax"), &b->x, 1);
    if (node != NULL) eki_build_set_int(b, node, "axis", -1);
    (void)apply2(b, EKI_OP_MatMul, named(name, block, "mixed"), b->x, v);
    (void)transpose(b, named(name, block, "joined"), b->x, rows, 4);
    (void)reshape(b, named(name, block, "merged"), b->x, merged, 3);
    return product(b, named(name, block, "out"), b->x, WIDTH, WIDTH, 1.0);
}

static eki_value *feed_forward(eki_builder *b, int block, eki_value *x) {
    char name[96];
    (void)product(b, named(name, block, "fc1"), x, WIDTH, HIDDEN, 2.0);
    eki_build_relu(b, named(name, block, "relu"));
    return product(b, named(name, block, "fc2"), b->x, HIDDEN, WIDTH, 1.0);
}

/* The mean over tokens that are not padding, [N, WIDTH]. */
static void pool(eki_builder *b, eki_value *x, eki_value *mask, int64_t tokens) {
    static const int64_t axis[1] = {1};
    const int64_t column[3] = {0, tokens, 1};
    eki_value *over = eki_build_integers(b, "pool.axes", axis, 1);
    eki_value *count = sum_over(b, "pool.count", mask, over, 1);
    count = apply2(b, EKI_OP_Max, "pool.least", count, scalar(b, "one", 1.0F));
    (void)apply2(b, EKI_OP_Mul, "pool.kept", x, reshape(b, "pool.mask", mask, column, 3));
    (void)sum_over(b, "pool.sum", b->x, over, 0);
    (void)apply2(b, EKI_OP_Div, "pool", b->x, count);
    b->c = WIDTH;
    b->h = b->w = 0;
}

void eki_build_encoder(eki_builder *b) {
    blocks s = {.tokens = b->h};
    const int64_t keys[4] = {0, 1, 1, s.tokens};
    eki_value *mask = ink(b), *input = b->x;
    (void)apply2(b, EKI_OP_Sub, "mask.shut", mask, scalar(b, "open", 1.0F));
    (void)apply2(b, EKI_OP_Mul, "mask.far", b->x, scalar(b, "far", 1e9F));
    s.shut = reshape(b, "mask.keys", b->x, keys, 4);
    s.scale = scalar(b, "scale", (float)(1.0 / sqrt((double)WIDTH / HEADS)));
    b->x = input;
    embed(b);
    eki_value *x = b->x;
    for (int i = 1; i <= BLOCKS; i++) {
        char first[16], second[16], name[96];
        (void)snprintf(first, sizeof first, "%d", 2 * i - 1);
        (void)snprintf(second, sizeof second, "%d", 2 * i);
        x = apply2(b, EKI_OP_Add, named(name, i, "attended"), x, attention(b, &s, i, normed(b, x, first, s.tokens)));
        x = apply2(b, EKI_OP_Add, named(name, i, "done"), x, feed_forward(b, i, normed(b, x, second, s.tokens)));
    }
    pool(b, normed(b, x, "_last", s.tokens), mask, s.tokens);
    eki_build_classifier(b, "fc");
}
