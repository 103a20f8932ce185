/* site_maker.h: norms in the ways that exporters write them, chosen by a seed, with what each computes; and twins,
 * which look alike and compute something else, or whose inner values somebody else reads.
 */
#ifndef SITE_MAKER_H
#define SITE_MAKER_H

#include "base/random.h"
#include "norm_spec.h"

#include "onnx/onnx.h"

typedef enum site_twin {
    TWIN_NONE = 0,
    TWIN_MEAN_AXIS, /* the mean is over other axes than the variance */
    TWIN_EPSILON,   /* outside the root */
    TWIN_READ,      /* a value in between is read elsewhere */
    TWIN_OUTPUT,    /* a value in between is an output */
    TWIN_MEAN,      /* of another tensor */
    TWIN_SQUARE,    /* of something else */
    TWIN_NUMERATOR, /* another tensor is divided */
    TWIN_ROOT,      /* another power */
    TWIN_SHAPE,     /* of groups, or a constant along another axis */
    TWIN_CONSTANT,  /* what should be ones, or a factor, is not */
    TWINS
} site_twin;

enum { MAKER_MIDDLE = 40 };

/* A model of one norm, and what it is. */
typedef struct site_case {
    char label[200];
    eki_graph *graph;
    bool skipped;     /* this family has no such twin, or this opset lacks an operator */
    bool contrib;     /* the engine cannot run it */
    bool engine_only; /* onnxruntime has no statistics of the batch */
    bool half;        /* parts are float16 */
    eki_spelling spelling;
    const char *path; /* of the site */
    norm_spec spec;
    double x[SPEC_ELEMENTS]; /* the input, or the weight that is standardized */
    double skip[SPEC_ELEMENTS];
    bool has_skip, bare_weight; /* a second input is added first; x is no input */
    bool channels_last, training;
} site_case;

/* While it is made. */
typedef struct maker {
    site_case *c;
    eki_graph *graph; /* that nodes go into */
    site_twin twin;
    bool twinned; /* the twin's difference has been made */
    eki_random random;
    uint64_t drawn;
    int64_t opset;
    int made;
    eki_value *x, *middle[MAKER_MIDDLE];
    int n_middle;
} maker;

/* site_maker.c */
int draw(maker *m, int below);
bool differs(maker *m, site_twin twin); /* whether this is the place where a twin differs; notes it */
eki_value *make_value(maker *m);
eki_value *make_op(maker *m, eki_opcode op, eki_value *a, eki_value *b);
eki_node *make_node(maker *m, eki_opcode op, eki_value *const *in, int n_in, eki_value **out);
eki_value *make_middle(maker *m, eki_opcode op, eki_value *a, eki_value *b); /* whose result is within the norm */
eki_value *make_scalar(maker *m, double number);
eki_value *make_ints(maker *m, const int64_t *list, int count);
/* Random numbers in [low, high], as an initializer or behind nodes; the numbers go to `numbers` as well. */
eki_value *make_parameter(maker *m, int rank, const int64_t *dims, double low, double high, double *numbers);
eki_value *make_tensor(maker *m, int rank, const int64_t *dims, double low, double high, double *numbers);
eki_value *make_mean(maker *m, eki_value *of, unsigned axes);
eki_value *make_sum_square(maker *m, eki_value *of, unsigned axes, int64_t elements); /* divided by so many */
void set_shape(maker *m, int rank, const int64_t *dims);
void make_input(maker *m);
void finish(maker *m, eki_value *y);

/* Shape, kind and input; channels are 6. */
void begin_case(maker *m, eki_site_kind kind, eki_spelling spelling, int rank, unsigned axes, int channel_axis);
void at_opset(maker *m, int64_t opset);
eki_value *make_vector(maker *m, eki_role role, double low, double high); /* one for each channel, kept as the role's */
eki_value *make_filled(maker *m, int64_t count, double number);
void set_epsilon(maker *m, eki_node *node);

/* site_families.c, site_families_more.c, site_operators.c */
typedef void (*site_family)(maker *m);
#define FAMILY(make, name) void make(maker *m);
#include "site_families.def"
extern const site_family site_families[];
extern const char *const site_family_names[];
extern const int n_site_families;

/* Moments over these axes, then the quotient; Mul and Add behind it. */
eki_value *site_normalize(maker *m, eki_value *x, unsigned axes);
eki_value *site_affine(maker *m, eki_value *y, int rank, const int64_t *dims, int axis, bool needed);

/* The case of a family at a seed, without what only twins have, or its twin; destroy it after. */
void site_case_make(int family, uint64_t seed, site_twin twin, site_case *out);
void site_case_destroy(site_case *c);

#endif
