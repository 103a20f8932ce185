/* ops.h: what is known of ONNX's operators, whoever runs them: names, opsets, what changed in each, traits.
 *
 * Whoever asks what kind of operator a node is asks here: ops.def is the only list of names.
 */
#ifndef EKI_OPS_H
#define EKI_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum eki_opcode {
    EKI_OP_NONE, /* not known, or not of ONNX's own domain */
#define EKI_OP(name, traits, opsets, changes) EKI_OP_##name,
#include "ops/ops.def"
    EKI_OPS /* how many there are */
} eki_opcode;

enum eki_trait {
    EKI_NORM = 1 << 0,        /* normalizes by mean and variance; scale, bias ... are inputs 1 on */
    EKI_PRODUCT = 1 << 1,     /* linear in input 0, with a weight as input 1 */
    EKI_CONVOLUTION = 1 << 2, /* a product that slides */
    EKI_POOLING = 1 << 3,
    EKI_ACTIVATION = 1 << 4, /* a bend: each number by itself, monotonous or nearly so */
    EKI_SOFTMAX = 1 << 5,
    EKI_POINTWISE = 1 << 6, /* numbers at one place make the number there */
    EKI_SUM = 1 << 7,       /* adds its inputs */
    EKI_REDUCTION = 1 << 8,
    EKI_SAME = 1 << 9,     /* in inference the result is the input */
    EKI_RESHAPE = 1 << 10, /* the same numbers in the same order */
    EKI_MOVES = 1 << 11,   /* numbers of its inputs at other places */
    EKI_READS_SHAPE = 1 << 12,
    EKI_CONSTANT = 1 << 13, /* its result is an attribute */
    EKI_GRAPHS = 1 << 14    /* has graphs as attributes */
};

/* The operator of a node; domain "" and "ai.onnx" are one. */
eki_opcode eki_op_code(const char *name, const char *domain);
const char *eki_op_name(eki_opcode code); /* "" = EKI_OP_NONE */
/* Whether it has one of these traits. */
bool eki_op_has(eki_opcode code, uint32_t traits);
/* Its first opset, and the next after `opset` at which it changed what a node means; 0 = none. */
int64_t eki_op_since(eki_opcode code);
int64_t eki_op_next_change(eki_opcode code, int64_t opset);
/* "axes are an input": what changed there, "" where it did not change. Written into and returned as `text`. */
const char *eki_op_change(eki_opcode code, int64_t opset, char text[96]);

/* Norms that runtimes have beside ONNX's own (contrib.def). */
typedef enum eki_contrib {
    EKI_CONTRIB_NONE,
    EKI_CONTRIB_LayerNormalization,
    EKI_CONTRIB_SimplifiedLayerNormalization,
    EKI_CONTRIB_SkipLayerNormalization,
    EKI_CONTRIB_SkipSimplifiedLayerNormalization,
    EKI_CONTRIB_GroupNorm,
    EKI_CONTRIB_SkipGroupNorm,
    EKI_CONTRIB_FusedConv,
    EKI_CONTRIB_FusedMatMul,
    EKI_CONTRIB_FusedGemm
} eki_contrib;

eki_contrib eki_contrib_code(const char *name, const char *domain);

#endif
