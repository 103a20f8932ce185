/* findings_sites.c: what is odd about how a file writes its norms: half precision, powers, tensors of several. */
#include "sites/float_types.h"
#include "surgery/inspect.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The smallest number above 0 that float16 has; what is below half of it becomes 0. */
static const double half_least = 0x1p-24;

/* What is looked at, for every check. */
typedef struct look {
    ek_inspection *in;
    const eki_sites *sites;
    size_t index;
    const eki_site *site;
    const eki_graph *graph; /* that `types` are of */
    ek_dtype *types;        /* by value id */
    ek_error *err;
} look;

static ek_dtype type_of(const look *l, const eki_value *value) {
    return value == NULL ? EK_DTYPE_NONE : l->types[value->id];
}

/* The node of a norm that is written out which squares what is normalized; NULL = there is none. */
static const eki_node *square_of(const look *l) {
    if (l->site->norm != NULL) return NULL;
    for (int i = 0; i < l->site->n_nodes; i++) {
        const eki_node *node = l->site->nodes[i];
        double exponent;
        if (node->op == EKI_OP_ReduceSumSquare && node->in[0] != NULL) return node;
        if (node->n_in != 2 || node->in[0] == NULL || node->in[1] == NULL) continue;
        if (node->op == EKI_OP_Mul && node->in[0] == node->in[1]) return node;
        bool power = node->op == EKI_OP_Pow && eki_constant_scalar(&l->sites->constants, node->in[1], &exponent);
        if (power && exponent == 2) return node;
    }
    return NULL;
}

static const char *fuse_remedy(const look *l) {
    switch (l->site->kind) {
    case EKI_SITE_RMS: return "evenkeel convert --fuse --opset 23 makes it one RMSNormalization";
    case EKI_SITE_GROUP: return "evenkeel convert --fuse --opset 21 makes it one GroupNormalization";
    case EKI_SITE_LAYER: return "evenkeel convert --fuse --opset 17 (or higher) makes it one LayerNormalization";
    default: return "evenkeel convert --fuse makes it one node";
    }
}

static ek_status check_square(const look *l) {
    const eki_node *square = square_of(l);
    if (square == NULL || type_of(l, square->in[0]) != EK_F16) return EK_OK;
    const char *what = l->site->kind == EKI_SITE_RMS ? "x" : "x - mean";
    return eki_find(l->in, EK_WARNING, "half-square", l->site->path, fuse_remedy(l), l->err,
                    "the square of %s is computed in float16, without a Cast to float32: where |%s| is above 255 it "
                    "overflows and the norm gives 0 or NaN",
                    what, what);
}

/* Whether the epsilon is added in float16: by a node of that type, or by an operator that promises no wider one. */
static bool adds_in_half(const look *l) {
    const eki_site *site = l->site;
    if (site->epsilon_source == EKI_EPSILON_VALUE) return type_of(l, site->epsilon_value) == EK_F16;
    bool bound = site->kind == EKI_SITE_INSTANCE || site->kind == EKI_SITE_BATCH;
    return bound && site->epsilon_source == EKI_EPSILON_ATTRIBUTE && type_of(l, site->x) == EK_F16;
}

static ek_status check_epsilon(const look *l) {
    if (!(l->site->epsilon < half_least) || !adds_in_half(l)) return EK_OK;
    return eki_find(l->in, EK_WARNING, "half-epsilon", l->site->path,
                    "export it again with an epsilon of 1e-5 or more, or with the norm in float32", l->err,
                    "epsilon (%g) is below 2^-24, the smallest number of float16, and counts as 0 there: where x does "
                    "not vary the norm divides by 0",
                    l->site->epsilon);
}

/* A power of a number that may be negative, with an exponent that is no integer by its type. */
static ek_status check_power(const look *l) {
    const eki_node *square = square_of(l);
    if (square == NULL || square->op != EKI_OP_Pow || type_of(l, square->in[1]) == EK_DTYPE_NONE) return EK_OK;
    return eki_find(l->in, EK_NOTE, "pow-negative", l->site->path, fuse_remedy(l), l->err,
                    "the square is a Pow of numbers of both signs with the exponent 2.0: runtimes that compute it by "
                    "logarithms give NaN for the negative ones");
}

static int append(char *text, int used, int room, const char *more, const char *role, const char *path) {
    int n = snprintf(text + used, (size_t)(room - used), "%s%s of '%.60s'", more, role, path);
    return n < 0 || used + n >= room ? room - 1 : used + n;
}

/* Told once for each tensor, at the first norm that has it. */
static ek_status check_tied(const look *l) {
    for (int r = 0; r < EKI_ROLES; r++) {
        char text[320] = "";
        int used = 0, more = 0;
        size_t at = 0;
        eki_role of = (eki_role)r, role = EKI_SCALE;
        const eki_site_parameter *p = &l->site->parameters[r];
        if (of >= EKI_MEAN && !p->source.identity) continue; /* shared-statistics says that */
        while (eki_site_shares(l->sites, l->site, of, &at, &role)) {
            if (at < l->index || (at == l->index && role < of)) break;
            if (more++ < 3)
                used = append(text, used, sizeof text, used > 0 ? ", the " : "", eki_role_name(role),
                              l->sites->items[at].path);
            if (role + 1 == EKI_ROLES) at++;
            role = role + 1 == EKI_ROLES ? EKI_SCALE : (eki_role)(role + 1);
        }
        if (more == 0 || (at < l->sites->count)) continue;
        EKI_TRY(
            eki_find(l->in, EK_NOTE, "tied-parameters", l->site->path,
                     "evenkeel convert --untie gives each a tensor of its own; else training moves scales and biases "
                     "together",
                     l->err, "its %s '%.60s' is one tensor with the %s%s", eki_role_name(of), p->source.value->name,
                     text, more > 3 ? " and others" : ""));
    }
    return EK_OK;
}

static ek_status take_types(look *l) {
    if (l->graph == l->site->graph) return EK_OK;
    free(l->types);
    l->types = NULL;
    l->graph = l->site->graph;
    return eki_float_types(l->graph, &l->types, l->err);
}

ek_status eki_find_in_sites(ek_inspection *in, const eki_sites *sites, ek_error *err) {
    static ek_status (*const checks[])(const look *) = {check_square, check_epsilon, check_power, check_tied};
    look l = {.in = in, .sites = sites, .err = err};
    ek_status status = EK_OK;
    for (size_t i = 0; status == EK_OK && i < sites->count; i++) {
        l.index = i;
        l.site = &sites->items[i];
        size_t from = in->n_findings;
        status = take_types(&l);
        for (size_t k = 0; status == EK_OK && k < sizeof checks / sizeof *checks; k++) status = checks[k](&l);
        if (in->n_findings > from) eki_find_at(in, from, eki_model_norm_at(in->model, l.site));
    }
    free(l.types);
    return status;
}
