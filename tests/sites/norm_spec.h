/* norm_spec.h: what a norm computes, in f64, by its definition: which elements share a mean and a variance. */
#ifndef NORM_SPEC_H
#define NORM_SPEC_H

#include "sites/sites.h"

enum { SPEC_RANK = 5, SPEC_ELEMENTS = 4096 };

typedef struct norm_spec {
    eki_site_kind kind;
    int rank;
    int64_t dims[SPEC_RANK];
    unsigned axes; /* that mean and variance are taken over */
    int channel_axis;
    int64_t groups; /* GROUP, else 1 */
    int64_t p;      /* LP */
    bool swish;
    double epsilon;
    double parameters[EKI_ROLES][SPEC_ELEMENTS]; /* of each element of x */
    bool has[EKI_ROLES];
} norm_spec;

int64_t spec_count(const norm_spec *spec);
/* Gives each element of x its number of a parameter that runs along `axis` (-1 = broadcasts as numpy does). */
void spec_parameter(norm_spec *spec, eki_role role, const double *numbers, const eki_shape *shape, int axis);
void spec_run(const norm_spec *spec, const double *x, double *y);
/* The spec that a site describes, for data of these extents. */
void spec_of_site(const eki_sites *sites, const eki_site *site, int rank, const int64_t *dims, norm_spec *spec);

#endif
