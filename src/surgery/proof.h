/* proof.h: the parts of ek_prove.
 *
 * Nodes that differ between two documents, and hang together, are a region. Its boundary is what it reads and what
 * others read of it, by the names that both documents have for it. By induction over the order of nodes: where every
 * region is the same function of its boundary, and all other nodes are the same, the documents are the same function.
 */
#ifndef EKI_PROOF_H
#define EKI_PROOF_H

#include "graph/infer.h"
#include "surgery/compare.h"

typedef struct eki_side {
    eki_graph *graph; /* a sorted view */
    int *region;      /* by node id; -1 = the same in both */
    bool *fixed;      /* by value id: made of constants alone */
    bool *outside;    /* by value id: read by a node that is the same in both, by a nested graph or by the caller */
} eki_side;

/* A graph and what became of it, with graphs that nest in both of a pair as pairs of their own. */
typedef struct eki_graph_pair {
    eki_graph *graphs[2];
    const char *path; /* as of eki_place: "if_1/then_branch/"; "" = the documents' own */
} eki_graph_pair;

typedef struct eki_proving {
    eki_graph *views[2]; /* of the documents: before, after */
    eki_graph_pair *pairs;
    size_t n_pairs, room_pairs;
    bool other_functions; /* the documents have not the same */
    const char *path;     /* of the pair at hand */
    eki_side sides[2];    /* the graphs of the pair */
    int regions;
    eki_known *known; /* of the values of `before`, at the extents that the check uses */
    ek_proof_options options;
    eki_arena *arena; /* texts and names of the proof */
    ek_error *err;
} eki_proving;

/* One region, cut out of both documents. */
typedef struct eki_cut {
    ek_model *models[2];
    const char **inputs, **outputs; /* names at the boundary */
    size_t n_inputs, n_outputs, room_inputs, room_outputs;
    size_t nodes[2]; /* that differ */
    double tolerance;
} eki_cut;

/* ---- proof_diff.c ---- */
/* Sets region[] of both sides to 0 for nodes that differ and to -1 for all others. Nodes are the same, whatever is in
 * the graphs that nest in them: these become pairs. */
ek_status eki_proof_mark(eki_proving *proving);

/* ---- proof_nested.c ---- */
/* The documents' own graphs, and the bodies of functions, as pairs: where these are the same in name and number, inputs
 * and outputs; else whatever calls one is taken to differ. */
ek_status eki_proof_pairs(eki_proving *proving);
bool eki_proof_calls_another(const eki_proving *proving, const eki_node *node);
/* The graphs that nest in these two nodes, which are the same. */
ek_status eki_proof_nested(eki_proving *proving, const eki_node *before, const eki_node *after);
/* Makes both graphs of a pair stand for themselves: constants of the graphs around are initializers, what else they
 * read of these is open, with the shape that it has there. */
ek_status eki_proof_detach(eki_proving *proving, const eki_graph_pair *pair);
/* What inference found at the extents of the check, for the graphs within. */
void eki_proof_keep_shapes(eki_proving *proving);

/* ---- proof_regions.c ---- */
/* Numbers the regions, and fills `fixed` and `outside`. */
ek_status eki_proof_regions(eki_proving *proving);

/* ---- proof_shapes.c ---- */
/* Infers `before` at extents that it accepts. EK_ERR_LIMIT: what a file declares is too large. */
ek_status eki_proof_infer(eki_proving *proving);
/* Type and extents of a value at a boundary. EK_ERR_UNSUPPORTED says how to give what is not known. */
ek_status eki_proof_boundary(const eki_proving *proving, const char *name, ek_dtype *dtype, eki_shape *shape,
                             ek_error *err);

/* ---- proof_cut.c ---- */
/* Cuts a region out. EK_ERR_UNSUPPORTED: it cannot be. cut->n_outputs 0 = nobody reads what it makes. */
ek_status eki_proof_cut(const eki_proving *proving, int region, eki_cut *cut, ek_error *err);
void eki_cut_free(eki_cut *cut);

#endif
