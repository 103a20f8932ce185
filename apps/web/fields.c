/* fields.c: where the members of the public structs lie, for callers that are not C: JavaScript fills them by name
 * (evenkeel.mjs). */
#include <evenkeel/norm.h>
#include <stddef.h>

typedef struct {
    const char *name; /* "struct.member"; the struct itself has no member, and its size */
    size_t offset, bytes;
    int numbers;     /* of an array */
    int is_floating; /* else an integer, an enumerator or a pointer */
} web_field;

const web_field *ek_web_fields(void);

#define KIND(type, member) _Generic(((type *)0)->member, double : 1, double * : 1, default : 0)
#define WHOLE(type)                                                                                                    \
    { #type, 0, sizeof(type), 1, 0 }
#define FIELD(type, member)                                                                                            \
    { #type "." #member, offsetof(type, member), sizeof(((type *)0)->member), 1, KIND(type, member) }

static const web_field fields[] = {
    WHOLE(ek_error),
    FIELD(ek_error, status),
    FIELD(ek_error, text),
    WHOLE(ek_norm_desc),
    FIELD(ek_norm_desc, struct_size),
    FIELD(ek_norm_desc, layout),
    FIELD(ek_norm_desc, dtype),
    FIELD(ek_norm_desc, rank),
    {"ek_norm_desc.dims", offsetof(ek_norm_desc, dims), sizeof(int64_t), EK_NORM_MAX_RANK, 0},
    FIELD(ek_norm_desc, axis),
    FIELD(ek_norm_desc, groups),
    FIELD(ek_norm_desc, affine),
    FIELD(ek_norm_desc, epsilon),
    FIELD(ek_norm_desc, momentum),
    FIELD(ek_norm_desc, momentum_convention),
    FIELD(ek_norm_desc, running_variance),
    FIELD(ek_norm_desc, small_sample),
    FIELD(ek_norm_desc, ghost),
    FIELD(ek_norm_desc, renorm_r_max),
    FIELD(ek_norm_desc, renorm_d_max),
    FIELD(ek_norm_desc, masked),
    FIELD(ek_norm_desc, chunk),
    FIELD(ek_norm_desc, activation),
    FIELD(ek_norm_desc, activation_alpha),
    FIELD(ek_norm_desc, activation_beta),
    FIELD(ek_norm_desc, residual),
    FIELD(ek_norm_desc, running_start),
    WHOLE(ek_norm_args),
    FIELD(ek_norm_args, struct_size),
    FIELD(ek_norm_args, x),
    FIELD(ek_norm_args, y),
    FIELD(ek_norm_args, scale),
    FIELD(ek_norm_args, bias),
    FIELD(ek_norm_args, running_mean),
    FIELD(ek_norm_args, running_var),
    FIELD(ek_norm_args, lengths),
    FIELD(ek_norm_args, mask),
    FIELD(ek_norm_args, mean),
    FIELD(ek_norm_args, var),
    FIELD(ek_norm_args, saved),
    FIELD(ek_norm_args, workspace),
    FIELD(ek_norm_args, dy),
    FIELD(ek_norm_args, dx),
    FIELD(ek_norm_args, dscale),
    FIELD(ek_norm_args, dbias),
    FIELD(ek_norm_args, residual),
    FIELD(ek_norm_args, dresidual),
    FIELD(ek_norm_args, rstd),
    FIELD(ek_norm_args, flags),
    {NULL, 0, 0, 0, 0},
};

const web_field *ek_web_fields(void) { return fields; }
