/* compare.h: the parts of ek_compare. */
#ifndef EKI_COMPARE_H
#define EKI_COMPARE_H

#include "surgery/surgery.h"

enum { EKI_PAIR_INPUTS = 64 };

/* What random numbers are like. A model may take logarithms or roots of what it is fed: the next range is tried where
 * the first model gives no finite result. */
typedef enum eki_range {
    EKI_RANGE_NORMAL = 0, /* mean 0, deviation 1 */
    EKI_RANGE_POSITIVE,   /* 0.5 + |normal| */
    EKI_RANGE_UNIT,       /* in (0, 1) */
    EKI_RANGES
} eki_range;

/* Whose fault it is that a comparison fails. */
typedef enum eki_blame {
    EKI_BLAME_NOBODY = 0,
    EKI_BLAME_FIRST, /* the first model does not run or gives nothing finite: nothing can be compared */
    EKI_BLAME_SECOND
} eki_blame;

typedef struct eki_pair {
    ek_model *models[2];
    ek_session *sessions[2];
    const char **outputs;
    size_t n_outputs, n_inputs;
    ek_array inputs[EKI_PAIR_INPUTS];
    void *memory[EKI_PAIR_INPUTS]; /* of those that are not the caller's */
    ek_compare_options options;
    int64_t size; /* for extents that are not fixed */
    eki_range range;
    bool random; /* an input is; else one run says all */
    eki_blame blame;
    ek_comparison *result;
    ek_error *err;
} eki_pair;

/* ---- compare.c ---- */
/* As ek_compare, and says whose fault a failure is (`blame` may be NULL). */
ek_status eki_compare(ek_model *a, ek_model *b, const ek_compare_options *options, ek_comparison *result,
                      eki_blame *blame, ek_error *err);

/* EK_ERR_ARG: numbers that make no sense. */
ek_status eki_compare_check(const ek_compare_options *options, ek_error *err);

/* ---- compare_outputs.c ---- */
/* Which values are compared: the outputs, before a last Softmax, logarithm or root. */
ek_status eki_pair_outputs(eki_pair *pair);
ek_status eki_pair_compare(eki_pair *pair, size_t index, int run);

/* ---- compare_inputs.c ---- */
/* Fills pair->inputs for a run. EK_ERR_LIMIT names an input that would take too much memory. */
ek_status eki_pair_inputs(eki_pair *pair, int run);
void eki_pair_free_inputs(eki_pair *pair);
/* The shape that the caller asks for under this name, or NULL. */
const ek_check_shape *eki_check_shape_of(const ek_compare_options *options, const char *name);
const ek_check_input *eki_check_input_of(const ek_compare_options *options, const char *name);

/* ---- compare_time.c ---- */
ek_status eki_pair_time(eki_pair *pair);

#endif
