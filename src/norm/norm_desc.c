/* norm_desc.c: the default descriptor and the check of a descriptor.
 *
 * Everything that can be wrong with a descriptor is found here, once, so that the rest of the library may rely on it.
 * Each error names the field, what was found, what is expected and, where there is one, the remedy.
 */
#include "base/error.h"
#include "base/memory.h"
#include "base/options.h"
#include "norm/norm_plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

ek_norm_desc ek_norm_desc_default(ek_norm_kind kind) {
    ek_norm_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.kind = kind;
    desc.dtype = EK_F32;
    for (int i = 0; i < EK_NORM_MAX_RANK; i++) desc.dims[i] = EK_EXTENT_UNSET;
    desc.axis = -1;
    desc.groups = 1;
    desc.epsilon = 1e-5;
    desc.momentum = 0.9;
    return desc;
}

const char *eki_dims_text(const ek_norm_desc *desc, char text[EKI_DIMS_TEXT]) {
    size_t used = 0;
    text[used++] = '[';
    for (int i = 0; i < desc->rank && i < EK_NORM_MAX_RANK && used < EKI_DIMS_TEXT - 24; i++) {
        used += (size_t)snprintf(text + used, EKI_DIMS_TEXT - used, "%s%lld", i ? ", " : "", (long long)desc->dims[i]);
    }
    text[used] = ']';
    text[used + 1] = '\0';
    return text;
}

static eki_share share_of(const ek_norm_desc *d) { return eki_kind_of(d->kind)->share; }

static bool over_axes(const ek_norm_desc *d) { return share_of(d) == EKI_SHARE_AXES; }

static bool element_affine(const ek_norm_desc *d) { return over_axes(d) && d->affine == EK_AFFINE_ELEMENT; }

static ek_status check_reserved(const ek_norm_desc *d, ek_error *err) {
    for (size_t i = 0; i < sizeof d->reserved / sizeof d->reserved[0]; i++) {
        if (d->reserved[i] != 0) {
            return eki_fail(err, EK_ERR_ARG,
                            "desc.reserved[%zu] is not zero: start from ek_norm_desc_default(), which clears it", i);
        }
    }
    return EK_OK;
}

static ek_status check_enums(const ek_norm_desc *d, ek_error *err) {
    if (eki_kind_of(d->kind) == NULL) {
        const eki_kind *last = eki_kind_last();
        return eki_fail(err, EK_ERR_ARG, "desc.kind is %d, expected EK_NORM_BATCH (1) to EK_NORM_%s (%d)", (int)d->kind,
                        last->enumerator, (int)last->kind);
    }
    if (d->layout != EK_LAYOUT_NCHW && d->layout != EK_LAYOUT_NHWC && d->layout != EK_LAYOUT_BLOCKED8 &&
        d->layout != EK_LAYOUT_BLOCKED16) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.layout is %d, expected EK_LAYOUT_NCHW (0), NHWC (1), BLOCKED8 (8) or BLOCKED16 (16)",
                        (int)d->layout);
    }
    if (d->dtype != EK_F64 && eki_data_of(d->dtype) == EKI_DATA_TYPES) {
        char known[EKI_TYPES_TEXT];
        return eki_fail(err, EK_ERR_DTYPE, "desc.dtype is %d, expected %sor EK_F64 (11): convert x first",
                        (int)d->dtype, eki_data_text(known));
    }
    if (d->affine != EK_AFFINE_ELEMENT && d->affine != EK_AFFINE_CHANNEL) {
        return eki_fail(err, EK_ERR_ARG, "desc.affine is %d, expected EK_AFFINE_ELEMENT (0) or EK_AFFINE_CHANNEL (1)",
                        (int)d->affine);
    }
    return EK_OK;
}

static ek_status check_semantics(const ek_norm_desc *d, ek_error *err) {
    if (d->momentum_convention < EK_MOMENTUM_KEEP || d->momentum_convention > EK_MOMENTUM_CUMULATIVE) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.momentum_convention is %d, expected EK_MOMENTUM_KEEP (0: ONNX, Keras), "
                        "EK_MOMENTUM_REPLACE (1: PyTorch) or EK_MOMENTUM_CUMULATIVE (2)",
                        (int)d->momentum_convention);
    }
    if (d->running_start != EK_START_INITIAL && d->running_start != EK_START_DEBIASED) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.running_start is %d, expected EK_START_INITIAL (0) or EK_START_DEBIASED (1)",
                        (int)d->running_start);
    }
    if (d->running_variance != EK_VARIANCE_POPULATION && d->running_variance != EK_VARIANCE_UNBIASED) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.running_variance is %d, expected EK_VARIANCE_POPULATION (0) or EK_VARIANCE_UNBIASED (1)",
                        (int)d->running_variance);
    }
    if (d->small_sample < EK_SMALL_BIASED || d->small_sample > EK_SMALL_ERROR) {
        return eki_fail(err, EK_ERR_ARG, "desc.small_sample is %d, expected EK_SMALL_BIASED (0) to EK_SMALL_ERROR (3)",
                        (int)d->small_sample);
    }
    return EK_OK;
}

static ek_status check_numbers(const ek_norm_desc *d, ek_error *err) {
    if (!isfinite(d->epsilon) || d->epsilon < 0) {
        return eki_fail(err, EK_ERR_ARG, "desc.epsilon is %g, expected a finite number >= 0, such as 1e-5", d->epsilon);
    }
    if (!(d->momentum >= 0 && d->momentum <= 1)) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.momentum is %g, expected a number in [0, 1]: 0.9 keeps nine tenths of the running "
                        "statistics under EK_MOMENTUM_KEEP, which is 0.1 under EK_MOMENTUM_REPLACE",
                        d->momentum);
    }
    if (d->chunk < 0) {
        return eki_fail(err, EK_ERR_ARG, "desc.chunk is %lld, expected 0 (chosen by the shape) or a number of examples",
                        (long long)d->chunk);
    }
    return EK_OK;
}

/* The variants of batch norm; the other kinds must leave their fields at 0. */
static ek_status check_variants(const ek_norm_desc *d, ek_error *err) {
    if (share_of(d) != EKI_SHARE_BATCH && (d->ghost != 0 || d->renorm_r_max != 0 || d->renorm_d_max != 0)) {
        return eki_fail(err, EK_ERR_ARG, "desc.%s is set, expected 0 for %s: only batch norm has it",
                        d->ghost != 0 ? "ghost" : "renorm_r_max or renorm_d_max", eki_norm_kind_name(d->kind));
    }
    if (d->ghost < 0) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.ghost is %lld, expected 0 (one batch) or the number of examples of a virtual batch",
                        (long long)d->ghost);
    }
    if (d->renorm_r_max != 0 && !(d->renorm_r_max >= 1 && isfinite(d->renorm_r_max))) {
        return eki_fail(err, EK_ERR_ARG, "desc.renorm_r_max is %g, expected 0 (off) or a finite number >= 1, such as 3",
                        d->renorm_r_max);
    }
    if (!(d->renorm_d_max >= 0 && isfinite(d->renorm_d_max))) {
        return eki_fail(err, EK_ERR_ARG, "desc.renorm_d_max is %g, expected a finite number >= 0, such as 5",
                        d->renorm_d_max);
    }
    if (d->renorm_d_max > 0 && d->renorm_r_max == 0) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.renorm_d_max is %g, but desc.renorm_r_max is 0, which turns batch renorm off: set "
                        "renorm_r_max to 1 or more",
                        d->renorm_d_max);
    }
    return EK_OK;
}

static ek_status check_masked(const ek_norm_desc *d, ek_error *err) {
    if (d->masked != 0 && d->masked != 1) {
        return eki_fail(err, EK_ERR_ARG, "desc.masked is %d, expected 0 or 1 (calls give args.lengths or args.mask)",
                        d->masked);
    }
    return EK_OK;
}

static ek_status check_seams(const ek_norm_desc *d, ek_error *err) {
    if (d->parallel.threads < 0) {
        return eki_fail(err, EK_ERR_ARG, "desc.parallel.threads is %d, expected 0 (default) or a number of threads",
                        d->parallel.threads);
    }
    if ((d->allocator.alloc == NULL) != (d->allocator.release == NULL)) {
        return eki_fail(err, EK_ERR_ARG, "desc.allocator has %s but no %s: give both, or neither for malloc and free",
                        d->allocator.alloc ? "alloc" : "release", d->allocator.alloc ? "release" : "alloc");
    }
    return EK_OK;
}

ek_status eki_dims_too_large(const ek_norm_desc *d, ek_error *err) {
    char text[EKI_DIMS_TEXT];
    return eki_fail(err, EK_ERR_LIMIT, "desc.dims %s: the number of elements or bytes does not fit this machine",
                    eki_dims_text(d, text));
}

/* Rank, extents, and that counts fit 64 bits with a wide margin; norm_plan.c looks at the bytes. */
static ek_status check_dims(const ek_norm_desc *d, ek_error *err) {
    int least = over_axes(d) ? 1 : 2, most = over_axes(d) ? EK_NORM_MAX_RANK : 5;
    if (d->rank < least || d->rank > most) {
        return eki_fail(err, EK_ERR_SHAPE, "desc.rank is %d, %s takes %d to %d dimensions (N, C, ...)%s", d->rank,
                        eki_norm_kind_name(d->kind), least, most,
                        d->rank == 1 ? ": give a plain vector of N values as [N, 1]" : "");
    }
    char text[EKI_DIMS_TEXT];
    int64_t product = 1;
    bool fits = true;
    for (int i = 0; i < d->rank; i++) {
        if (d->dims[i] == EK_EXTENT_UNSET) {
            return eki_fail(
                err, EK_ERR_SHAPE,
                "desc.dims[%d] is EK_EXTENT_UNSET in %s, but desc.rank is %d: set desc.dims[0] to [%d] (0 is "
                "an extent: no elements), or a smaller rank",
                i, eki_dims_text(d, text), d->rank, d->rank - 1);
        }
        if (d->dims[i] < 0) {
            return eki_fail(err, EK_ERR_SHAPE, "desc.dims[%d] is %lld in %s, expected an extent >= 0", i,
                            (long long)d->dims[i], eki_dims_text(d, text));
        }
        fits = fits && eki_mul_i64(product, d->dims[i] > 1 ? d->dims[i] : 1, &product);
    }
    return fits && product <= INT64_C(1) << 56 ? EK_OK : eki_dims_too_large(d, err);
}

static ek_status check_axis(ek_norm_desc *d, ek_error *err) {
    if (!over_axes(d)) return EK_OK;
    char text[EKI_DIMS_TEXT];
    if (d->axis < -d->rank || d->axis >= d->rank) {
        return eki_fail(err, EK_ERR_SHAPE, "desc.axis is %d, expected -%d to %d for dims %s", d->axis, d->rank,
                        d->rank - 1, eki_dims_text(d, text));
    }
    if (d->axis < 0) d->axis += d->rank;
    if (d->affine == EK_AFFINE_CHANNEL && d->axis != 1) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.axis is %d with desc.affine EK_AFFINE_CHANNEL, which needs axis 1 (scale and bias [C]): "
                        "set axis to 1, or use EK_AFFINE_ELEMENT",
                        d->axis);
    }
    if (d->affine == EK_AFFINE_ELEMENT && d->layout != EK_LAYOUT_NCHW) {
        return eki_fail(err, EK_ERR_ARG,
                        "desc.layout is %d, %s with EK_AFFINE_ELEMENT takes EK_LAYOUT_NCHW (0) only: convert x, or use "
                        "EK_AFFINE_CHANNEL",
                        (int)d->layout, eki_norm_kind_name(d->kind));
    }
    return EK_OK;
}

static ek_status check_channels(const ek_norm_desc *d, ek_error *err) {
    char text[EKI_DIMS_TEXT];
    if (element_affine(d)) return EK_OK;
    if (d->dims[1] < 1) {
        return eki_fail(err, EK_ERR_SHAPE, "desc.dims[1], the number of channels, is 0 in %s, expected at least 1",
                        eki_dims_text(d, text));
    }
    if (share_of(d) != EKI_SHARE_GROUPS) return EK_OK;
    if (d->groups < 1 || d->groups > d->dims[1] || d->dims[1] % d->groups != 0) {
        return eki_fail(
            err, EK_ERR_SHAPE,
            "desc.groups is %lld, expected a divisor of the %lld channels in dims %s: 1 is layer norm, %lld "
            "is instance norm",
            (long long)d->groups, (long long)d->dims[1], eki_dims_text(d, text), (long long)d->dims[1]);
    }
    return EK_OK;
}

ek_status eki_norm_desc_check(const ek_norm_desc *desc, ek_norm_desc *checked, ek_error *err) {
    if (desc == NULL) return eki_fail(err, EK_ERR_ARG, "desc is NULL, expected a descriptor");
    *checked = ek_norm_desc_default((ek_norm_kind)0);
    EKI_TRY(eki_options_take(checked, sizeof *checked, desc, "ek_norm_desc", err));
    EKI_TRY(check_reserved(checked, err));
    EKI_TRY(check_enums(checked, err));
    EKI_TRY(check_semantics(checked, err));
    EKI_TRY(check_numbers(checked, err));
    EKI_TRY(check_variants(checked, err));
    EKI_TRY(check_masked(checked, err));
    EKI_TRY(eki_fusion_check(checked, err));
    EKI_TRY(check_seams(checked, err));
    EKI_TRY(check_dims(checked, err));
    EKI_TRY(check_axis(checked, err));
    return check_channels(checked, err);
}
