/* model.h: what is behind ek_model, and the index of the files of this folder. */
#ifndef EKI_MODEL_H
#define EKI_MODEL_H

#include "graph/exec.h"
#include "sites/sites.h"

#include <evenkeel/session.h>

/* The norms of a graph, found once per change; index = ek_model_norm_get's. */
typedef struct eki_norm_ref {
    eki_node *node;
    ek_model_norm info;
} eki_norm_ref;

/* A norm that the program does not have as one node of its own: in a nested graph or function, or left as written. */
typedef struct eki_norm_apart {
    const eki_site *site;
    ek_model_norm info;
} eki_norm_apart;

/* The document is what the file says and what a save writes; the program is what runs, lowered from it. Numbers that
 * are written into the program's tensors are the document's (eki_tensor_own); whatever else changes a document makes
 * the program anew (eki_model_rebuild). */
struct ek_model {
    eki_graph *document;
    eki_graph *graph; /* the program */
    size_t n_norms, n_apart;
    eki_norm_ref *norms;
    eki_sites sites; /* of the document; void when it changes, until norms are indexed anew */
    eki_norm_apart *apart;
};

/* ---- model.c ---- */

/* Makes a model of a document (takes it over, also when it fails). */
ek_status eki_model_wrap(eki_graph *document, ek_model **model, ek_error *err);
/* After changes of the document. Pointers into the old program are void. */
ek_status eki_model_rebuild(ek_model *model, ek_error *err);
/* Numbers of large tensors in half precision that were left as they lie in the file are made, in the document and in
 * the program; nothing else changes, and no pointer but those to the data. For whoever reads or changes weights. */
ek_status eki_model_wake(const ek_model *model, ek_error *err);
/* As ek_model_load, from bytes; `name` stands for the file in messages and becomes its path. */
ek_status eki_model_load_bytes(const void *data, size_t size, const char *name, ek_model **model, ek_error *err);
/* Puts the bytes that ek_model_save would write with these options (NULL = defaults) into a writer. */
ek_status eki_model_write(const ek_model *model, const ek_save_options *options, eki_writer *writer, ek_error *err);

/* ---- inspect.c ---- */

/* ---- image_layout.c ---- */

typedef enum eki_image_layout { EKI_CHANNELS_UNTOLD, EKI_CHANNELS_FIRST, EKI_CHANNELS_LAST } eki_image_layout;

/* The first input that is to be fed; NULL = there is none. */
const eki_value *eki_model_image_input(const ek_model *model);
/* Where it wants the channels of images: FIRST or LAST; *guessed: no node tells, only the extents. */
eki_image_layout eki_model_image_layout(const ek_model *model, bool *guessed);

/* ---- inspect.c ---- */

/* The value that holds the logits (see ek_model_logits); NULL when the model has no output. */
const eki_value *eki_model_logits_value(const ek_model *model);
/* ... that an output gives: itself, or the input of its Softmax. */
const eki_value *eki_logits_behind(const eki_value *output);

/* ---- images.c ---- */

/* Mean and deviation that the file keeps (0 and 1 where it does not), EK_MAX_CHANNELS each. EK_ERR_FORMAT: not one for
 * each of `channels`. */
ek_status eki_model_moments(const ek_model *model, int channels, float *mean, float *std, ek_error *err);

/* ---- norms.c ---- */

/* Finds the norms of model->graph, and those apart, anew and reads their switches from the metadata. */
ek_status eki_model_index_norms(ek_model *model, ek_error *err);

/* ---- norms_apart.c ---- */

/* Finds the sites of the document; says where the model's norms stand, and keeps those that are no norm of the program.
 */
ek_status eki_model_index_apart(ek_model *model, ek_error *err);
/* Which norm a site of the document is (of ek_model_norm_get), or -1. */
int64_t eki_model_norm_at(const ek_model *model, const eki_site *site);

/* What a site is as a norm of a model, with names of the site's graph; false = it is none. */
bool eki_site_as_norm(const eki_site *site, ek_model_norm *info);

/* The document's node that gives a norm's output: the norm, or the last of those it is written with; NULL
 * where it stands in a function. */
eki_node *eki_model_norm_node(const ek_model *model, size_t norm);

/* ---- freeze.c ---- */

/* Norm switches (EKI_NORM_* bits) per node id from the freeze metadata; malloc'ed, n_nodes bytes, for eki_exec. */
ek_status eki_model_switches(const ek_model *model, uint8_t **switches, ek_error *err);
/* Reads "stats,affine" of a norm's first output. */
void eki_freeze_read(const eki_graph *graph, const char *output, int *stats, int *affine);

/* ---- updates.c ---- */

/* How many updates the debiased running statistics of a norm are made of, from the metadata: 0 = no such count.
 * False: the text there is no number. */
bool eki_updates_read(const eki_graph *graph, const char *output, int64_t *updates);
/* Keeps the count; 0 removes it. */
ek_status eki_updates_write(eki_graph *graph, const char *output, int64_t updates, ek_error *err);
/* The same for a norm of a model, by its index, where it changes. */
ek_status eki_model_set_updates(ek_model *model, size_t norm, int64_t updates, ek_error *err);
/* Mean 0 and variance 1 in every channel: statistics that nothing was measured for. */
bool eki_never_measured(const ek_model *model, const ek_model_norm *norm);

/* ---- copy.c ---- */

/* A second graph that borrows the data of the first, a document, which must outlive it: for changes that are only for
 * writing. Its nested graphs and functions are its own; of the second, for programs too, the first's. */
ek_status eki_graph_view(const eki_graph *graph, eki_graph **view, ek_error *err);
ek_status eki_graph_view_outer(const eki_graph *graph, eki_graph **view, ek_error *err);
/* The marked nodes (by id) and what they touch, borrowed in the same way, without inputs and outputs. */
ek_status eki_graph_cut(const eki_graph *graph, const bool *nodes, eki_graph **cut, ek_error *err);
/* A graph for running: a copy that shares the numbers of the document, which must outlive it; functions are inlined
 * (inline.c), parameters in Constant nodes are initializers (lift.c) and norms written as several nodes are one
 * (fuse_norms.c). */
ek_status eki_graph_program(eki_graph *document, eki_graph **program, ek_error *err);
/* A program once more, over the same numbers, with the same ids: for nodes behind it that the model does not have. The
 * program must outlive it. */
ek_status eki_graph_again(const eki_graph *program, eki_graph **copy, ek_error *err);
/* Puts the nodes of another program behind those of a graph, with the opsets that they are of. map[id] is the value of
 * the graph that one of `from` stands for, or NULL: then it becomes a new one, of the name STEM/name. Initializers
 * become constants; `from` must outlive the graph. */
ek_status eki_graph_append(eki_graph *graph, const eki_graph *from, const char *stem, eki_value **map, ek_error *err);
/* A view of a model whose Dropout nodes pass everything on, for batch statistics without anything dropped. */
ek_status eki_model_without_dropout(const ek_model *model, ek_model **view, ek_error *err);

/* ---- preprocessed.c: what ek_preprocess put in front of a model (and behind it), seen by a mark in the metadata ----
 */

/* The mark: what pixels the file takes. The declarations of input and output as they were, in base64. The class names
 * came with it. */
#define EKI_META_PREPROCESS "evenkeel.preprocess"
#define EKI_META_OLD_INPUT "evenkeel.preprocess.input"
#define EKI_META_OLD_OUTPUT "evenkeel.preprocess.output"
#define EKI_META_NEW_CLASSES "evenkeel.preprocess.classes"

bool eki_graph_preprocessed(const eki_graph *graph);
/* Takes it out again: all bytes are then as they were. EK_ERR_ARG: there is none; EK_ERR_FORMAT: the graph was changed
 * since, so that it cannot be told apart. The graph is then not to be used any more. */
ek_status eki_strip_preprocess(eki_graph *graph, ek_error *err);
/* EK_ERR_UNSUPPORTED where there is one; `what` cannot be done then. */
ek_status eki_refuse_preprocessed(const eki_graph *graph, const char *what, ek_error *err);
/* A declaration to metadata. */
ek_status eki_keep_declaration(eki_graph *graph, const eki_value *value, const char *key, ek_error *err);

/* ---- opset.c ---- */

/* The lowest opset of ai.onnx that has the norm operators of the graph. */
int64_t eki_opset_needed(const eki_graph *graph);
/* A norm of a graph at opset `own` that opset `version` lacks: a move there writes it out (lower.c). */
bool eki_opset_lacks(eki_opcode op, int64_t own, int64_t version);

/* Whether the graph means the same at another opset, nodes with ignore[i] != 0 left aside (NULL = none).
 * EK_ERR_UNSUPPORTED names a node that does not. */
ek_status eki_opset_check(const eki_graph *graph, int64_t version, const uint8_t *ignore, ek_error *err);
/* Declares another opset, with the IR version that goes with it. */
/* The newest IR version that a runtime of this opset knows; files built here have it. */
int64_t eki_ir_version_for(int64_t opset);
enum { EKI_IR_OPSETS = 3 }; /* the first in which a file names its opsets */
/* Says that the graph is of this opset. Its IR version stays, where runtimes of a lower opset know it. */
ek_status eki_opset_declare(eki_graph *graph, int64_t version, ek_error *err);

/* ---- inline.c ---- */

/* Replaces calls of the model's own functions by their bodies, in a program; the caller sorts. One that cannot be (it
 * calls itself, its operators mean something else at the model's opset, it would be too large) stays and says why. */
ek_status eki_inline_functions(eki_graph *program, ek_error *err);

/* ---- lift.c ---- */

/* Turns Constant nodes that layers read as parameters into initializers, and running statistics that come through an
 * Identity node into initializers of their own. */
ek_status eki_lift_parameters(eki_graph *graph, ek_error *err);

/* Gives each batch norm of the document running statistics of its own where Identity nodes share them; before they are
 * measured. */
ek_status eki_model_untie(ek_model *model, ek_error *err);
ek_status eki_untie_statistics(eki_graph *graph, bool *untied, ek_error *err);

/* ---- contrib.c ---- */

/* Norms, and convolutions and products with what follows them, that onnxruntime has as one operator become ONNX's own
 * operators, each of the opset that has it. */
ek_status eki_own_operators(eki_graph *program, ek_error *err);

/* ---- fuse_norms.c ---- */

/* Norms that are written out as several nodes become one each (src/sites), of the opset that has it. */
ek_status eki_fuse_norms(eki_graph *graph, ek_error *err);

/* ---- lower.c ---- */

/* Writes group and RMS norms as several nodes where the opset `version` lacks the one. */
ek_status eki_lower_norms(eki_graph *graph, int64_t version, ek_error *err);

/* ---- metadata (model.c) ---- */
/* The value of the key that is `prefix` and the name of an output, or NULL; names may be long. */
const char *eki_meta_of(const eki_graph *graph, const char *prefix, const char *output);
ek_status eki_meta_set_of(eki_graph *graph, const char *prefix, const char *output, const char *value, ek_error *err);
enum { EKI_OPSET_MIN = 17, EKI_OPSET_GROUP = 21, EKI_OPSET_RMS = 23, EKI_OPSET_KNOWN = 23 };
#define EKI_META_OPSET "evenkeel.opset"

#endif
