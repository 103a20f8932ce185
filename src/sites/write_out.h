/* write_out.h: the parts of eki_sites_write_out: one site, and the nodes that are made for it. */
#ifndef EKI_WRITE_OUT_H
#define EKI_WRITE_OUT_H

#include "sites/match.h"
#include "sites/sites.h"

typedef struct eki_writer {
    eki_graph *graph;
    const eki_sites *sites;
    const eki_site *site;
    eki_uses uses;
    size_t n_values; /* that uses counts */
    ek_dtype *types; /* by value id */
    ek_dtype type;   /* of x in the file */
    ek_dtype inner;  /* that the moments are taken in: float32 for half precision */
    int64_t opset;
    ek_error *err;
} eki_writer;

/* ---- write_out_parts.c ---- */

/* op(a, b) as *out, a new value named after the norm's output; b may be NULL. */
ek_status eki_write_op(eki_writer *w, eki_opcode op, const char *suffix, eki_value *a, eki_value *b, eki_value **out);
/* InstanceNormalization of three inputs, with the site's epsilon. */
ek_status eki_write_instance_of(eki_writer *w, eki_value *const in[3], eki_value **out);
/* A new initializer with these numbers, `count` of them repeated over the shape, in this type of a file. */
ek_status eki_write_floats(eki_writer *w, const char *suffix, ek_dtype type, const eki_shape *shape,
                           const double *numbers, int64_t count, eki_value **out);
ek_status eki_write_ints(eki_writer *w, const char *suffix, const int64_t *list, int count, eki_value **out);
/* *value in another type of a file, where it has not that. */
ek_status eki_write_cast(eki_writer *w, const char *suffix, ek_dtype from, ek_dtype to, eki_value **value);
/* The mean over the site's axes, which are kept. */
ek_status eki_write_mean(eki_writer *w, const char *suffix, eki_value *of, eki_value **out);
/* Scale or bias in the type of x; NULL = there is none. */
ek_status eki_write_parameter(eki_writer *w, eki_role role, eki_value **out);
/* Scale or bias per channel as [C,1,...], which broadcasts to x: under its own name where nobody else reads it. */
ek_status eki_write_channels(eki_writer *w, eki_role role, eki_value **out);
/* *value, times scale, plus bias. */
ek_status eki_write_affine(eki_writer *w, eki_value *scale, eki_value *bias, eki_value **value);
/* The maker of `value` makes `result` in its place. */
void eki_write_as(eki_value *value, eki_value *result);

/* ---- write_out_kinds.c: the normalized x, scaled ---- */
ek_status eki_write_layer(eki_writer *w, eki_value *x, eki_value **out);
ek_status eki_write_rms(eki_writer *w, eki_value *x, eki_value **out);
ek_status eki_write_instance(eki_writer *w, eki_value *x, eki_value **out);
ek_status eki_write_group(eki_writer *w, eki_value *x, eki_value **out);
ek_status eki_write_mean_variance(eki_writer *w, eki_value *x, eki_value **out);

#endif
