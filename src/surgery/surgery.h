/* surgery.h: the parts of examining and folding, and the index of the files of this folder.
 *
 * A chain is a run of nodes that map each channel by y = a x + b: batch norms with their running statistics, and
 * per-channel Mul, Div, Add, Sub; with it is kept what can become of it.
 */
#ifndef EKI_SURGERY_H
#define EKI_SURGERY_H

#include "model/model.h"
#include "sites/constants.h"
#include "sites/match.h"
#include "sites/sites.h"
#include "surgery/examples.h"

#include <evenkeel/surgery.h>

struct eki_window;

enum { EKI_CHAIN_MAX = 16, EKI_CHAIN_TEXT = 512 };

/* y = a x + b per channel, in f64; arrays are malloc'ed. */
typedef struct eki_affine {
    int64_t channels;
    double *a, *b;
} eki_affine;

typedef enum eki_chain_kind {
    EKI_CHAIN_REFUSED = 0,
    EKI_CHAIN_AFTER,  /* into the convolution or product before it */
    EKI_CHAIN_BEFORE, /* into all those that read it */
    EKI_CHAIN_JOIN    /* several norms into one */
} eki_chain_kind;

typedef struct eki_chain {
    eki_node *nodes[EKI_CHAIN_MAX];
    int length;
    bool has_norm;
    int64_t channels;
    eki_chain_kind kind;
    eki_node *op;              /* AFTER */
    char text[EKI_CHAIN_TEXT]; /* what it goes into, or why not */
} eki_chain;

typedef struct eki_chains {
    eki_chain *items;
    size_t count, room;
} eki_chains;

/* ---- channel_map.c ---- */

/* A constant that no caller can replace: an initializer, or the result of a Constant node. NULL else. */
const eki_tensor *eki_fixed(const eki_graph *graph, const eki_value *value);
/* Why eki_fixed gives nothing: "is no constant: ...". Written into and returned as `text`. */
const char *eki_not_fixed(const eki_graph *graph, const eki_value *value, char text[EKI_CHAIN_TEXT]);
/* Element i of a f32 tensor that may be unaligned. */
double eki_at(const eki_tensor *tensor, int64_t index);
int64_t eki_count(const eki_tensor *tensor);
/* Whether the node is a map per channel; *channels is its count, 0 = one factor for all. `why` gets the reason why a
 * batch norm is none; it is "" for other nodes. */
bool eki_is_affine(const eki_graph *graph, const eki_node *node, int64_t *channels, char why[EKI_CHAIN_TEXT]);
/* The data input of such a node. */
eki_value *eki_affine_input(const eki_graph *graph, const eki_node *node);
/* The map of a whole chain. EK_ERR_NOMEM. */
ek_status eki_affine_chain(const eki_graph *graph, const eki_chain *chain, eki_affine *out, ek_error *err);
void eki_affine_free(eki_affine *affine);

/* ---- edit_report.c ---- */
ek_status eki_report_create(ek_edit_report **report, ek_error *err);
ek_status eki_report_add(ek_edit_report *report, const char *norm, bool changed, const char *text, ek_error *err);

/* The last row stays because it is what was asked for. */
void eki_report_already(ek_edit_report *report);
/* Adds to the text of the last row of that name. */
ek_status eki_report_append(ek_edit_report *report, const char *norm, ek_error *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Whether a glob matches a node's name, its first output, or a parameter's name without its last part. */
bool eki_glob_matches(const char *glob, const char *node, const char *output, const char *parameter);

/* ---- weight.c ---- */
/* The largest number that does not become infinite when it is rounded to the type that a file stores it in
 * (eki_tensor.stored); " in float16, in which the file stores it" for messages; and whether all numbers are so. */
double eki_most_stored(ek_dtype stored);
const char *eki_stored_text(ek_dtype stored);
bool eki_stays_finite(const double *values, int64_t count, ek_dtype stored);
bool eki_is_product(const eki_node *node); /* Conv, ConvTranspose, Gemm, MatMul, onnxruntime's FusedConv */
bool eki_is_convolution(const eki_node *node);
/* Of a FusedConv: what it does behind the convolution. */
bool eki_has_activation(const eki_node *node);
bool eki_has_addend(const eki_node *node);

typedef enum eki_weight_order {
    EKI_WEIGHT_ROWS = 0,  /* [outputs][inputs of a group][taps]: Conv, Gemm with transB */
    EKI_WEIGHT_COLUMNS,   /* [inputs][outputs]: Gemm, MatMul */
    EKI_WEIGHT_TRANSPOSED /* [inputs][outputs of a group][taps]: ConvTranspose */
} eki_weight_order;

typedef struct eki_weight {
    int64_t outputs, inputs, taps, groups, group_outputs; /* `inputs` of a group */
    eki_weight_order order;
} eki_weight;

/* How the weight of a product lies; false where its rank or groups make no sense. */
bool eki_weight_of(const eki_node *op, const eki_tensor *weight, eki_weight *out);
int64_t eki_weight_at(const eki_weight *w, int64_t output, int64_t input, int64_t tap);
/* Whether a constant input need not give a constant output: padding, and what a ConvTranspose leaves out. */
bool eki_conv_uneven(const eki_node *conv);
ek_status eki_conv_window(const eki_node *conv, const eki_shape *weight, struct eki_window *window, ek_error *err);
/* Whether the tap reads nothing at this output position. */
bool eki_conv_misses(const eki_node *conv, const struct eki_window *w, int64_t position, int64_t tap);

/* ---- absorb.c: can a convolution or product take a map in? Each writes `why` when not. ---- */
/* Weights are read, to see whether what folding makes is finite, as long as there are numbers left in *left. */
bool eki_absorbs_after(const eki_graph *graph, const eki_uses *uses, const eki_chain *chain, const eki_affine *map,
                       eki_node *op, int64_t *left, char why[EKI_CHAIN_TEXT]);
bool eki_absorbs_before(const eki_graph *graph, const eki_value *value, const eki_affine *map, eki_node *op,
                        int64_t *left, char why[EKI_CHAIN_TEXT]);
/* Whether any element of b is not zero. */
bool eki_affine_shifts(const eki_affine *map);

/* ---- chains.c ---- */
/* Finds all chains of a sorted graph; values should have their shapes (eki_graph_infer). Of the weights no more than
 * `numbers` are read, which in a glance at a model of gigabytes are not all: then a fold that is not finite is found
 * when it is made. */
ek_status eki_chains_find(const eki_graph *graph, int64_t numbers, eki_chains *chains, ek_error *err);
void eki_chains_free(eki_chains *chains);
/* The chain that a norm's node is in, or NULL. */
const eki_chain *eki_chain_of(const eki_chains *chains, const eki_node *node);

/* ---- edit.c: changing a graph ---- */
/* How often a value is read, as an output of the graph too. */
int eki_edit_uses(const eki_graph *graph, const eki_value *value);
/* Gives input `input` of the node new f32 data: in place where nobody else reads it and the shape is the same, else as
 * a new initializer. `values` are rounded to f32 once. */
ek_status eki_edit_constant(eki_graph *graph, eki_node *node, int input, const char *role, const eki_shape *shape,
                            const double *values, ek_error *err);
/* A new f32 initializer named after `stem` and `role`; a graph input too where all are. */
ek_status eki_edit_new(eki_graph *graph, const char *stem, const char *role, const eki_shape *shape,
                       const double *values, eki_value **out, ek_error *err);
/* The numbers of a new initializer in another type of the file. */
void eki_edit_store(eki_value *value, ek_dtype stored, const double *values);
/* The attributes that a batch norm in inference mode must have before opset 7. */
ek_status eki_edit_inference(eki_graph *graph, eki_node *norm, ek_error *err);
/* A value that is new, named after `stem` and `role`. */
ek_status eki_edit_fresh(eki_graph *graph, const char *stem, const char *role, eki_value **value, ek_error *err);
/* Makes room behind a node: its output 0 becomes *inner, and what it was has no maker until a new node makes it. */
ek_status eki_edit_behind(eki_graph *graph, eki_node *op, eki_value **inner, ek_error *err);
/* Takes a chain out; its last value becomes `from`'s output (in place of output 0). */
void eki_edit_bypass(const eki_chain *chain, eki_node *from);
/* Inserts Add(value, constant) so that all that was made by `op` is now made by the Add. */
ek_status eki_edit_add(eki_graph *graph, eki_node *op, const char *role, const eki_shape *shape, const double *values,
                       ek_error *err);
/* Sweeps removed nodes and the constants that nobody reads any more (`uses` from before), and sorts. */
ek_status eki_edit_finish(eki_graph *graph, const eki_uses *before, size_t values_before, ek_error *err);

/* ---- fold_after.c, fold_before.c ---- */
ek_status eki_fold_after(eki_graph *graph, const eki_chain *chain, const eki_affine *map, ek_error *err);
ek_status eki_fold_before(eki_graph *graph, const eki_chain *chain, const eki_affine *map, ek_error *err);
/* Whether the one norm that a chain becomes has finite numbers once they are stored. */
bool eki_joins_finite(const eki_graph *graph, const eki_chain *chain, const eki_affine *map);
ek_status eki_fold_join(eki_graph *graph, const eki_chain *chain, const eki_affine *map, ek_error *err);

/* ---- unfold.c ---- */
/* ek_unfold; `examples` measure mean and variance (NULL = the identity). The options are whole. */
ek_status eki_unfold(const ek_model *model, const ek_unfold_options *options, const eki_examples *examples,
                     ek_model **unfolded, ek_edit_report **report, ek_error *err);

#endif
