/* fuse.h: the parts of eki_sites_fuse. */
#ifndef EKI_FUSE_H
#define EKI_FUSE_H

#include "sites/match.h"
#include "sites/sites.h"

/* One site, and what is to stand in its place. */
typedef struct eki_fusion {
    const eki_site *site;
    eki_value *x; /* what the node reads: the site's x, or that before a Cast of it */
    eki_opcode op;
    int64_t opset;
    int least;                    /* parameters that the operator must have */
    eki_shape parameter;          /* of scale and bias */
    ek_dtype before, type, after; /* in the file: of x, of the node, of y; EK_DTYPE_NONE = as it is */
} eki_fusion;

typedef struct eki_fuser {
    eki_graph *graph;
    eki_sites *sites;
    const eki_fuse_options *options;
    eki_uses uses;
    size_t n_values; /* that uses counts */
    ek_dtype *types; /* by value id */
    eki_fusion *items;
    size_t count;
    ek_error *err;
} eki_fuser;

/* ---- fuse_choose.c ---- */

/* NULL where the site can become one node, *out; else why not, or "" where none was asked for. */
const char *eki_fuse_choose(const eki_fuser *f, const eki_site *site, eki_fusion *out);
/* The initializer that the operator can read itself, where the site reads it in another shape; NULL = none. */
eki_value *eki_fuse_source(const eki_fuser *f, const eki_fusion *item, eki_role role);
/* The first of the axes, where they are the last ones, but not all; negative where the rank is not known. */
bool eki_site_first_axis(const eki_site *site, int *first);

/* ---- fuse_write.c ---- */
ek_status eki_fuse_write(eki_fuser *f, const eki_fusion *item);

#endif
