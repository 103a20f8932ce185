/* objective.h: what training makes small: a model's program with losses behind it, as one graph, and the data that it
 * is fed. The model's own graphs know nothing of it.
 *
 *     loss = sum over terms of weight * mean over the whole batch
 *
 * A built-in term gives a loss for each element of its scores (objective_terms.c); their mean, weighted where classes
 * are, is taken here, in f64 and in the order of the examples, so that it is the same for any number of ranks. A term
 * from a file (objective_file.c) gives one number, which over ranks counts as the mean of its examples.
 */
#ifndef EKI_OBJECTIVE_H
#define EKI_OBJECTIVE_H

#include "feed/intake.h"
#include "model/model.h"

#include <evenkeel/train.h>

struct eki_loss;

typedef struct eki_term {
    ek_loss loss;                          /* with its defaults filled in */
    const char *name;                      /* of its target, for messages: the scores' output */
    eki_value *scores;                     /* NULL: a loss from a file */
    eki_value *target;                     /* to be fed; NULL: a loss from a file, whose inputs are found by name */
    eki_value *other;                      /* of mixed labels the second one, and ... */
    eki_value *share;                      /* ... the share of the first; NULL: labels are not mixed */
    eki_value *value;                      /* the loss: of each element, or one number */
    eki_value *judged;                     /* the predicted classes, or the extents of the scores; NULL = neither */
    size_t value_at, judged_at, scores_at; /* which outputs of the exec they are; the last after eki_objective_show */
    const char *array;                     /* name of the array that is the target; NULL = the labels of the batch */
} eki_term;

typedef struct eki_objective {
    eki_graph *graph;
    eki_term *terms;
    size_t count;
    const char **outputs; /* for eki_exec: of each term its value and what is judged */
    size_t n_outputs;
    size_t own_values, own_nodes; /* so many are the model's */
    bool from_labels;             /* a target is the labels of the batch */
    bool mixed;                   /* which may have a second one */
} eki_objective;

/* ---- objective.c ---- */
/* `mixed`: labels may be of two examples. */
ek_status eki_objective_create(const ek_model *model, const ek_loss *losses, size_t count, const char *head, bool mixed,
                               eki_objective **objective, ek_error *err);
void eki_objective_free(eki_objective *objective);
/* The switches of the model's norms for the longer list of nodes. */
ek_status eki_objective_switches(const eki_objective *objective, uint8_t **switches, ek_error *err);
/* Makes the scores outputs, too; before the exec. */
void eki_objective_show(eki_objective *objective);
/* A number that is equal where the terms are. */
uint32_t eki_objective_print(const eki_objective *objective);
/* EK_ERR_UNSUPPORTED: no gradient leads from a loss to some parameter; names a node that stops it. */
ek_status eki_objective_trace(const eki_objective *objective, const eki_exec *exec, ek_error *err);
/* For a plan: losses and targets have the shapes that they should. */
ek_status eki_objective_check(const eki_objective *objective, eki_exec *exec, int64_t rows, ek_error *err);

/* What is fed as the target of a built-in term; as another of its inputs. */
eki_view eki_objective_target(const eki_term *term, eki_exec *exec);
eki_view eki_objective_input(const eki_value *input, eki_exec *exec);

/* ---- objective_feed.c: from a batch to the inputs of the graph ---- */
/* Plans for the batch. EK_ERR_ARG: an input has no array, an array no input. EK_ERR_SHAPE, EK_ERR_DTYPE: they do not
 * fit. Where images are given the first input takes them, by `intake`, which is opened. */
ek_status eki_objective_prepare(const eki_objective *objective, eki_exec *exec, const ek_model *model,
                                const ek_batch *batch, const ek_dataset_info *images, eki_intake *intake,
                                ek_error *err);
void eki_objective_feed(const eki_objective *objective, eki_exec *exec, const ek_batch *batch,
                        const eki_intake *intake);

/* ---- objective_value.c: the loss of a batch ---- */
/* How much the examples of the batch count for a term with class weights or an ignored class; NULL-safe in `weights`:
 * rows values for each term, one term after the other. Without such terms false, and nothing is written. */
bool eki_objective_weighted(const eki_objective *objective);
void eki_objective_weights(const eki_objective *objective, eki_exec *exec, int64_t rows, double *weights);
/* The loss of each row, such that their mean over the whole batch of `all` rows is the loss, and the gradients of the
 * outputs. whole[term]: the sum of the weights of the whole batch; NULL = there are none. */
struct eki_loss eki_objective_measure(const eki_objective *objective, eki_exec *exec, int64_t rows, int64_t all,
                                      const double *whole, double *losses, bool gradient);

/* The loss of each row by itself: of a loss from a file, which is one number, that of the batch. */
void eki_objective_rows(const eki_objective *objective, eki_exec *exec, int64_t rows, double *losses);
/* Adds to the sum and to the weight of each term what the batch has; returns how many examples are right. */
int64_t eki_objective_total(const eki_objective *objective, eki_exec *exec, int64_t rows, double *sums,
                            double *weights);

/* ---- Inside: objective_terms.c, objective_file.c ---- */
/* Puts the nodes of a built-in loss behind the scores; fills target, value and judged, with `mixed` other and share. */
ek_status eki_term_build(eki_graph *graph, eki_term *term, bool mixed, ek_error *err);
/* Puts the graph of a file behind the first `own_values` values, which are the model's. */
ek_status eki_term_append(eki_graph *graph, eki_term *term, size_t own_values, ek_error *err);
#define EKI_IGNORED_CLASS (-100)

#endif
