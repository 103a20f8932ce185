/* sites.h: sites: the norms of a document as they stand there, one node each or the several nodes of an exporter's way
 * to write it, with what they compute: kind, axes, epsilon, and each parameter with where it comes from.
 *
 * Nothing is recognized that computes something else, or whose values in between somebody else reads: such nodes are
 * left alone. Nested graphs and bodies of functions are searched as well.
 */
#ifndef EKI_SITES_H
#define EKI_SITES_H

#include "onnx/graph.h"
#include "sites/constants.h"

typedef enum eki_site_kind {
    EKI_SITE_BATCH = 1,     /* statistics per channel: running ones, or (training) those of the batch */
    EKI_SITE_LAYER,         /* mean and variance over `axes` of each example or row */
    EKI_SITE_RMS,           /* the same without centring */
    EKI_SITE_GROUP,         /* over groups of channels and space, per example */
    EKI_SITE_INSTANCE,      /* over space, per channel and example */
    EKI_SITE_MEAN_VARIANCE, /* MeanVarianceNormalization: over `axes`; epsilon is added to the deviation */
    EKI_SITE_LP,            /* LpNormalization: divided by the p-norm along axes[0] */
    EKI_SITE_AFFINE,        /* scale and bias per channel, as a folded or frozen batch norm leaves them */
    EKI_SITE_WEIGHT,        /* weight standardization: a weight over `axes`, in front of its convolution */
    EKI_SITE_KINDS
} eki_site_kind;

typedef enum eki_spelling {
    EKI_SPELL_OPERATOR = 1,    /* ONNX's own operator */
    EKI_SPELL_CONTRIB,         /* one of another domain, or of ONNX's before ONNX had it */
    EKI_SPELL_MOMENTS,         /* (x - mean) / sqrt(variance + epsilon), node by node */
    EKI_SPELL_FACTOR,          /* x m + (bias - mean m), m = scale / sqrt(variance + epsilon): TensorFlow */
    EKI_SPELL_RESHAPED,        /* Reshape, InstanceNormalization, Reshape */
    EKI_SPELL_GROUPED_MOMENTS, /* Reshape, the moments node by node, Reshape */
    EKI_SPELL_PER_CHANNEL,     /* Mul, Add, Sub, Div with a constant per channel */
    EKI_SPELLINGS
} eki_spelling;

typedef enum eki_role { EKI_SCALE = 0, EKI_BIAS, EKI_MEAN, EKI_VARIANCE, EKI_ROLES } eki_role;

/* How a parameter is given. */
typedef enum eki_form {
    EKI_AS_IS = 0,
    EKI_AS_NEGATIVE,  /* it is subtracted */
    EKI_AS_RECIPROCAL /* it divides */
} eki_form;

typedef struct eki_site_parameter {
    eki_value *value; /* what the site's node reads; NULL = there is none, or (AFFINE) several make it */
    eki_form form;
    bool constant;     /* its numbers can be read: eki_site_numbers */
    eki_shape shape;   /* of the value; rank -1 = not known */
    eki_source source; /* where its numbers lie */
} eki_site_parameter;

typedef enum eki_epsilon_source {
    EKI_EPSILON_NONE = 0,  /* the kind has none, or nothing is added */
    EKI_EPSILON_DEFAULT,   /* the operator's own */
    EKI_EPSILON_ATTRIBUTE, /* in a function it may be one of the caller's: `epsilon` is NaN */
    EKI_EPSILON_VALUE      /* a constant that a node adds: `epsilon_value` */
} eki_epsilon_source;

enum { EKI_SITE_NODES = 32 };

typedef struct eki_site {
    eki_site_kind kind;
    eki_spelling spelling;
    eki_graph *graph;                /* that its nodes are in: the document, a nested graph or a function's body */
    const char *path;                /* "bn1", "if_1/then_branch/bn1", "local.Block/bn1"; of eki_sites */
    const char *name;                /* its last part */
    eki_node *nodes[EKI_SITE_NODES]; /* in the order of the graph, without those of constants */
    int n_nodes;
    eki_node *norm;         /* the operator that normalizes; NULL = written out */
    eki_value *x, *y;       /* what goes in and comes out */
    eki_value *skip[2];     /* added to x first: SkipLayerNormalization and its like; else NULL */
    int rank;               /* of x, as the site sees it; -1 = not known */
    int n_axes;             /* that mean and variance are taken over; 0 = not known without the rank */
    int axes[EKI_MAX_RANK]; /* rising; negative (from the end) where the rank is not known */
    int channel_axis;       /* that scale and bias run along, one number each; -1 = they have the shape that
                               broadcasts to x */
    bool channels_last;     /* the channels are the last axis */
    int64_t channels;       /* along channel_axis; 0 = not known */
    int64_t groups;         /* GROUP */
    bool per_group;         /* scale and bias are per group: GroupNormalization at opset 18 to 20 */
    bool per_position;      /* BatchNormalization with spatial = 0 */
    bool swish;             /* x sigmoid(x) follows within: com.microsoft GroupNorm */
    bool training;          /* by what the file says it takes the statistics of each batch */
    double epsilon;         /* NaN = not known */
    eki_epsilon_source epsilon_source;
    eki_value *epsilon_value;
    double momentum; /* BATCH, in ONNX sense */
    int64_t p;       /* LP: 1 or 2 */
    eki_site_parameter parameters[EKI_ROLES];
} eki_site;

typedef struct eki_sites {
    eki_site *items; /* in the order of their graphs: the document's own, then those within */
    size_t count, room;
    eki_constants constants;
    eki_arena arena;
} eki_sites;

/* Finds all sites of a document. Shapes are those that the graph holds (declared, or inferred before) and what follows
 * from them by simple rules. EK_ERR_NOMEM. The graphs must outlive the result. */
ek_status eki_sites_find(eki_graph *document, eki_sites *sites, ek_error *err);
/* The same of the whole that the graph is in: its document, or the function that it is the body of or nests in. */
ek_status eki_sites_around(eki_graph *graph, eki_sites *sites, ek_error *err);
void eki_sites_free(eki_sites *sites);

/* The site that a node is in, or NULL. */
const eki_site *eki_site_of(const eki_sites *sites, const eki_node *node);

/* The site without the Transposes that it begins and ends with, channels first; any other site as it is. */
eki_site eki_site_inner(const eki_site *site);

/* The numbers of a parameter, its form applied: one per channel where the site has a channel_axis, else of a shape that
 * broadcasts to x. Errors as of eki_constant_numbers; EK_ERR_UNSUPPORTED where there is none. */
ek_status eki_site_numbers(const eki_sites *sites, const eki_site *site, eki_role role, eki_numbers *numbers,
                           ek_error *err);

/* Another parameter that is the same tensor as this one (read directly, or through Identity or Reshape): the first
 * after position *site, *role, which it moves on; begin with 0, 0. False = no more. */
bool eki_site_shares(const eki_sites *sites, const eki_site *of, eki_role of_role, size_t *site, eki_role *role);

/* "layer", "written out", "scale" ... */
const char *eki_site_kind_name(eki_site_kind kind);
const char *eki_spelling_name(eki_spelling spelling);
const char *eki_role_name(eki_role role);

/* Whether the batch norm takes batch statistics by what the file says, at its opset. */
bool eki_bn_trains(const eki_graph *graph, const eki_node *node);

/* Whether it has statistics per position (spatial = 0, before opset 9). With two axes a position is a channel. */
bool eki_bn_per_position(const eki_graph *graph, const eki_node *node);

/* ---- fuse.c, fuse_choose.c, fuse_write.c ---- */

/* Which of the sites that are written out become one node. */
enum eki_fuse {
    EKI_FUSE_GROUP = 1, /* GroupNormalization, opset 21 */
    EKI_FUSE_RMS = 2,   /* RMSNormalization, opset 23 */
    EKI_FUSE_LAYER = 4, /* LayerNormalization, opset 17 */
    EKI_FUSE_INSTANCE = 8,
    EKI_FUSE_BATCH = 16,
    EKI_FUSE_ALL = 31
};

typedef struct eki_fuse_options {
    unsigned kinds;
    bool new_parameters; /* constants of their own where the operator must have one and the site has none (ones,
                            zeros), or computes it; else such sites stay */
    /* Whether the graph may move to this opset, nodes with ignore[id] != 0 left aside, as they will be gone. */
    bool (*may_need)(void *context, int64_t opset, const uint8_t *ignore);
    bool own_opsets; /* the graph is a program: a node may be of another opset than it, and no move is needed */
    bool (*wanted)(void *context, const eki_site *site); /* NULL = all */
    bool casts; /* the graph is a file's, with types of its own: sites with Casts within too, with the Casts that the
                   types of x, y and parameters then need; else such sites stay */
    /* Told of each site that is wanted and written out (NULL = nobody): that it becomes `op`, or, with `opset`, that
     * the graph lacks that operator and this opset has it, or else `why` it stays. */
    ek_status (*tell)(void *context, const eki_site *site, eki_opcode op, int64_t opset, const char *why,
                      ek_error *err);
    void *context;
} eki_fuse_options;

/* Rewrites the graph, which may be a nested one or a function's body (not those within): each site of these kinds that
 * is written out becomes the one node, with the name and output of its last; where its parameters must have another
 * shape they get it, or a copy where they are computed; a parameter that others read in its own shape keeps the site as
 * it is. *needed gets the opset that the result needs, 0 = nothing was rewritten. Removed nodes are swept; the caller
 * sorts the graph and declares the opset.
 */
ek_status eki_sites_fuse(eki_graph *graph, const eki_fuse_options *options, int64_t *needed, ek_error *err);

/* ---- write_out.c ---- */

typedef struct eki_write_out_options {
    bool (*wanted)(void *context, const eki_site *site); /* NULL = all */
    /* Told of each site that is wanted and one node of a kind that can be written out (NULL = nobody): why it stays, or
     * NULL that it does not. */
    ek_status (*tell)(void *context, const eki_site *site, const char *why, ek_error *err);
    int64_t opset; /* that the nodes are of, where the graph is to be declared at another; 0 = its own */
    void *context;
} eki_write_out_options;

/* The reverse of eki_sites_fuse: layer, RMS, instance, group and mean-variance norms that are one node (onnxruntime's
 * too, with the sums and the swish that are in them) become nodes of the graph's own opset, under the same name and
 * output; of opset 7 at least. Only the graph is rewritten, not those within; *count gets the number of norms. Removed
 * nodes are swept; the caller drops constants that nobody reads any more, and sorts. */
ek_status eki_sites_write_out(eki_graph *graph, const eki_write_out_options *options, size_t *count, ek_error *err);

#endif
