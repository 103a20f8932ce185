/* norm_args.c: takes the pointers of one call over and checks them. Cheap: a small copy, a few comparisons, and one
 * look at running_var. */
#include "norm/norm_args.h"

#include "base/error.h"
#include "base/options.h"
#include "norm/norm_overlap.h"
#include "norm/norm_stats.h"
#include "norm/small_sample.h"
#include "norm/variants/mask.h"

#include <math.h>
#include <string.h>

static ek_status missing(const ek_norm_plan *plan, const char *field, const char *why, ek_error *err) {
    char text[EKI_DIMS_TEXT];
    return eki_fail(err, EK_ERR_ARG, "args.%s is NULL, but %s %s needs it: %s", field,
                    eki_norm_kind_name(plan->desc.kind), eki_dims_text(&plan->desc, text), why);
}

static ek_status take(const ek_norm_plan *plan, const ek_norm_args *given, ek_norm_args *args, ek_error *err) {
    if (plan == NULL) return eki_fail(err, EK_ERR_ARG, "plan is NULL, expected a plan from ek_norm_plan_create()");
    if (given == NULL) return eki_fail(err, EK_ERR_ARG, "args is NULL, expected the pointers of this call");
    memset(args, 0, sizeof *args);
    EKI_TRY(eki_options_take(args, sizeof *args, given, "ek_norm_args", err));
    for (size_t i = 0; i < sizeof args->reserved / sizeof args->reserved[0]; i++) {
        if (args->reserved[i] != NULL) {
            return eki_fail(err, EK_ERR_ARG, "args.reserved[%zu] is not NULL: clear the struct before filling it", i);
        }
    }
    size_t known = EK_ACCUMULATE_DX | EK_ACCUMULATE_DSCALE | EK_ACCUMULATE_DBIAS | EK_BACKWARD_FROM_Y;
    if ((args->flags & ~known) == 0) return EK_OK;
    return eki_fail(err, EK_ERR_ARG,
                    "args.flags is %#zx, expected a sum of ek_norm_flags, at most %#zx: clear the struct "
                    "before filling it",
                    args->flags, known);
}

static ek_status check_aligned(const void *pointer, size_t alignment, const char *field, ek_error *err) {
    if ((uintptr_t)pointer % alignment == 0) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "args.%s is at %p, expected an address divisible by %zu", field, pointer,
                    alignment);
}

/* Tensors lie where their elements can. */
static ek_status check_data(const ek_norm_plan *plan, const void *tensor, const char *field, ek_error *err) {
    return check_aligned(tensor, (size_t)plan->element_bytes, field, err);
}

static ek_status check_memory(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    if (args->workspace == NULL) {
        return eki_fail(err, EK_ERR_ARG,
                        "args.workspace is NULL, expected %zu bytes (ek_norm_workspace_bytes), 64-byte aligned",
                        plan->workspace_bytes);
    }
    EKI_TRY(check_aligned(args->workspace, 64, "workspace", err));
    EKI_TRY(check_aligned(args->saved, 8, "saved", err));
    return EK_OK;
}

/* The residual: where the plan has one, and forward or a backward that computes t again needs it. */
static ek_status check_residual(const ek_norm_plan *plan, const ek_norm_args *args, bool read, ek_error *err) {
    if (!plan->desc.residual) {
        if (args->residual == NULL && args->dresidual == NULL) return EK_OK;
        return eki_fail(err, EK_ERR_ARG,
                        "args.%s is given, but desc.residual is 0: set it to 1 before making the plan, or leave the "
                        "pointer NULL",
                        args->residual != NULL ? "residual" : "dresidual");
    }
    if (read && args->residual == NULL) return missing(plan, "residual", "desc.residual is 1", err);
    EKI_TRY(check_data(plan, args->residual, "residual", err));
    return check_data(plan, args->dresidual, "dresidual", err);
}

static ek_status check_backward_fusion(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    bool output = eki_reads_output(plan);
    if (output && args->y == NULL) {
        return missing(plan, "y", "backward reads the slope of the activation from the y of the forward", err);
    }
    EKI_TRY(check_residual(plan, args, !output && plan->desc.activation != EK_ACTIVATION_NONE, err));
    return output ? check_data(plan, args->y, "y", err) : EK_OK;
}

/* What backward reads besides x and dy. */
static unsigned backward_reads(const ek_norm_plan *plan, const ek_norm_args *args) {
    unsigned reads = (args->flags & EK_BACKWARD_FROM_Y ? EKI_ARG_Y : EKI_ARG_X) | EKI_ARG_DY | EKI_ARG_SCALE |
                     EKI_ARG_BIAS | EKI_ARG_SAVED | EKI_ARG_LENGTHS | EKI_ARG_MASK;
    if (plan->desc.residual) reads |= EKI_ARG_RESIDUAL;
    return eki_reads_output(plan) ? reads | EKI_ARG_Y : reads;
}

enum {
    RUNNING = EKI_ARG_RUNNING_MEAN | EKI_ARG_RUNNING_VAR,
    FORWARD_READS = EKI_ARG_X | EKI_ARG_RESIDUAL | EKI_ARG_SCALE | EKI_ARG_BIAS | EKI_ARG_LENGTHS | EKI_ARG_MASK,
    FORWARD_WRITES = EKI_ARG_Y | EKI_ARG_MEAN | EKI_ARG_VAR | EKI_ARG_RSTD | EKI_ARG_SAVED | EKI_ARG_WORKSPACE,
    BACKWARD_WRITES = EKI_ARG_DX | EKI_ARG_DRESIDUAL | EKI_ARG_DSCALE | EKI_ARG_DBIAS | EKI_ARG_WORKSPACE
};

static unsigned forward_reads(const ek_norm_plan *plan, ek_norm_stats stats) {
    bool running = stats == EK_STATS_RUNNING || plan->renorm || plan->desc.small_sample == EK_SMALL_USE_RUNNING;
    unsigned reads = running && plan->family == EKI_BATCH ? FORWARD_READS | RUNNING : FORWARD_READS;
    return plan->desc.residual ? reads : reads & ~EKI_ARG_RESIDUAL;
}

ek_status eki_args_check_running(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    const char *why = plan->renorm ? "batch renorm compares the batch with the running statistics"
                                   : "EK_STATS_RUNNING (or EK_SMALL_USE_RUNNING with one value per channel) normalizes "
                                     "with it; without running statistics use EK_STATS_BATCH";
    if (args->running_mean == NULL) return missing(plan, "running_mean", why, err);
    if (args->running_var == NULL) return missing(plan, "running_var", why, err);
    for (int64_t c = 0; c < plan->channels; c++) {
        double var = eki_real(plan, args->running_var, c);
        if (!(var >= 0.0) || isinf(var)) {
            return eki_fail(err, EK_ERR_NONFINITE,
                            "args.running_var[%lld] is %g, expected a finite number >= 0: the statistics of channel "
                            "%lld are damaged; recalibrate them or load them again",
                            (long long)c, var, (long long)c);
        }
    }
    return EK_OK;
}

ek_status eki_small_sample_error(const ek_norm_plan *plan, ek_error *err) {
    char text[EKI_DIMS_TEXT];
    return eki_fail(
        err, EK_ERR_SHAPE,
        "dims %s leave one value per channel%s, whose variance is 0, and desc.small_sample is EK_SMALL_ERROR: "
        "use a larger batch, or EK_SMALL_USE_RUNNING, EK_SMALL_SKIP_UPDATE or EK_SMALL_BIASED",
        eki_dims_text(&plan->desc, text),
        plan->ghosts > 1 ? " in a virtual batch"
        : plan->masked   ? " under the mask"
                         : "");
}

static ek_status check_small(const ek_norm_plan *plan, ek_error *err) {
    bool refused = plan->desc.small_sample == EK_SMALL_ERROR && eki_small_single(plan);
    return refused ? eki_small_sample_error(plan, err) : EK_OK;
}

ek_status eki_args_take_forward(const ek_norm_plan *plan, ek_norm_stats stats, const ek_norm_args *given,
                                ek_norm_args *args, ek_error *err) {
    EKI_TRY(take(plan, given, args, err));
    if (stats != EK_STATS_BATCH && stats != EK_STATS_RUNNING) {
        return eki_fail(err, EK_ERR_ARG, "stats is %d, expected EK_STATS_BATCH (0) or EK_STATS_RUNNING (1)",
                        (int)stats);
    }
    EKI_TRY(check_memory(plan, args, err));
    if (plan->elements == 0) return EK_OK;
    EKI_TRY(eki_overlap_check(plan, args, forward_reads(plan, stats), FORWARD_WRITES, err));
    EKI_TRY(eki_mask_check(plan, args, err));
    if (args->x == NULL) return missing(plan, "x", "forward reads it", err);
    if (args->y == NULL) return missing(plan, "y", "forward writes it", err);
    EKI_TRY(check_data(plan, args->x, "x", err));
    EKI_TRY(check_data(plan, args->y, "y", err));
    EKI_TRY(check_residual(plan, args, true, err));
    if (plan->family != EKI_BATCH) return EK_OK;
    if (stats == EK_STATS_RUNNING) return eki_args_check_running(plan, args, err);
    if (plan->masked)
        return plan->renorm ? eki_args_check_running(plan, args, err) : EK_OK; /* the mask decides: norm.c */
    EKI_TRY(check_small(plan, err));
    bool substitute = eki_small_single(plan) && plan->desc.small_sample == EK_SMALL_USE_RUNNING;
    return substitute || plan->renorm ? eki_args_check_running(plan, args, err) : EK_OK;
}

ek_status eki_args_take_again(const ek_norm_plan *plan, const ek_norm_args *given, ek_norm_args *args, ek_error *err) {
    EKI_TRY(take(plan, given, args, err));
    EKI_TRY(check_memory(plan, args, err));
    unsigned reads = plan->desc.residual ? FORWARD_READS : FORWARD_READS & ~EKI_ARG_RESIDUAL;
    EKI_TRY(eki_overlap_check(plan, args, reads | EKI_ARG_SAVED, EKI_ARG_Y | EKI_ARG_WORKSPACE, err));
    EKI_TRY(eki_saved_check(plan, args->saved, "ek_norm_forward_again()", err));
    if (plan->elements == 0) return EK_OK;
    EKI_TRY(eki_mask_check(plan, args, err));
    if (args->x == NULL) return missing(plan, "x", "it is the x of the forward", err);
    if (args->y == NULL) return missing(plan, "y", "it is written", err);
    EKI_TRY(check_data(plan, args->x, "x", err));
    EKI_TRY(check_data(plan, args->y, "y", err));
    return check_residual(plan, args, true, err);
}

static ek_status check_part_overlap(const ek_norm_plan *slice, const ek_norm_args *args, unsigned need, ek_error *err) {
    unsigned reads = EKI_ARG_LENGTHS | EKI_ARG_MASK, writes = EKI_ARG_WORKSPACE;
    if (need & EKI_NEED_X) reads |= EKI_ARG_X;
    if (need & EKI_NEED_SAVED) reads |= EKI_ARG_SAVED;
    if (need & EKI_NEED_Y) reads |= FORWARD_READS, writes |= EKI_ARG_Y;
    if (need & EKI_NEED_DY) reads |= backward_reads(slice, args);
    if (need & (EKI_NEED_DX | EKI_TAKES_DX)) writes |= EKI_ARG_DX | EKI_ARG_DRESIDUAL;
    if (need & EKI_TAKES_STATISTICS) writes |= EKI_ARG_SAVED | EKI_ARG_MEAN | EKI_ARG_VAR | EKI_ARG_RSTD;
    if (need & EKI_TAKES_PARAMETERS) reads |= EKI_ARG_SCALE, writes |= EKI_ARG_DSCALE | EKI_ARG_DBIAS;
    return eki_overlap_check(slice, args, reads, writes, err);
}

ek_status eki_args_take_part(const ek_norm_plan *slice, const ek_norm_args *given, unsigned need, ek_norm_args *args,
                             ek_error *err) {
    EKI_TRY(take(slice, given, args, err));
    if (args->flags & EK_BACKWARD_FROM_Y) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "args.flags has EK_BACKWARD_FROM_Y, which ek_norm_backward() alone takes: keep x where a batch "
                        "comes in parts or is spread over ranks");
    }
    if ((need & EKI_TAKES_DX) && args->dx != NULL) need |= EKI_NEED_DX;
    EKI_TRY(check_memory(slice, args, err));
    if ((need & EKI_NEED_SAVED) && args->saved == NULL) return missing(slice, "saved", "it holds the statistics", err);
    EKI_TRY(check_part_overlap(slice, args, need, err));
    if (slice->elements == 0) return EK_OK;
    const struct {
        unsigned bit;
        const void *pointer;
        const char *name;
    } fields[] = {{EKI_NEED_X, args->x, "x"},
                  {EKI_NEED_Y, args->y, "y"},
                  {EKI_NEED_DY, args->dy, "dy"},
                  {EKI_NEED_DX, args->dx, "dx"}};
    for (int i = 0; i < 4; i++) {
        if (!(need & fields[i].bit)) continue;
        if (fields[i].pointer == NULL) return missing(slice, fields[i].name, "it is the part's", err);
        EKI_TRY(check_data(slice, fields[i].pointer, fields[i].name, err));
    }
    if (need & EKI_NEED_Y) EKI_TRY(check_residual(slice, args, true, err));
    return need & EKI_NEED_DY ? check_backward_fusion(slice, args, err) : EK_OK;
}

ek_status eki_saved_check(const ek_norm_plan *plan, const void *saved, const char *call, ek_error *err) {
    if (saved == NULL) {
        return eki_fail(err, EK_ERR_ARG,
                        "saved is NULL, but %s reads it: give ek_norm_forward() a buffer of %zu bytes as args.saved "
                        "and pass it on",
                        call, ek_norm_saved_bytes(plan));
    }
    EKI_TRY(check_aligned(saved, 8, "saved", err));
    const eki_saved_header *header = saved;
    if (header->magic != EKI_SAVED_MAGIC) {
        return eki_fail(err, EK_ERR_STATE, "saved was not written by ek_norm_forward(): call it before %s", call);
    }
    if (memcmp(&header->key, &plan->key, sizeof plan->key) != 0) {
        char text[EKI_DIMS_TEXT], difference[EKI_KEY_TEXT];
        return eki_fail(err, EK_ERR_STATE,
                        "saved is from a forward of another plan, %s expects one of %s %s: %s; keep one saved buffer "
                        "per plan",
                        call, eki_norm_kind_name(plan->desc.kind), eki_dims_text(&plan->desc, text),
                        eki_norm_key_difference(&header->key, &plan->key, difference));
    }
    return EK_OK;
}

/* x can be had from y again: nothing is fused, and no scale is 0. */
static ek_status check_from_y(const ek_norm_plan *plan, const ek_norm_args *args, ek_error *err) {
    if (plan->desc.residual || plan->desc.activation != EK_ACTIVATION_NONE) {
        return eki_fail(
            err, EK_ERR_UNSUPPORTED,
            "args.flags has EK_BACKWARD_FROM_Y, but desc.%s is set, and y does not tell x behind it: keep x, "
            "or make it a step of its own",
            plan->desc.residual ? "residual" : "activation");
    }
    if (args->y == NULL) return missing(plan, "y", "EK_BACKWARD_FROM_Y reads the y of the forward", err);
    int64_t count = plan->family == EKI_ROWS ? plan->space : plan->channels;
    for (int64_t i = 0; args->scale != NULL && i < count; i++) {
        if (eki_real(plan, args->scale, i) != 0.0) continue;
        return eki_fail(
            err, EK_ERR_ARG,
            "args.scale[%lld] is 0, and EK_BACKWARD_FROM_Y divides by it: y is the bias there whatever x was; "
            "keep x",
            (long long)i);
    }
    return EK_OK;
}

ek_status eki_args_take_backward(const ek_norm_plan *plan, const ek_norm_args *given, ek_norm_args *args,
                                 ek_error *err) {
    EKI_TRY(take(plan, given, args, err));
    EKI_TRY(check_memory(plan, args, err));
    EKI_TRY(eki_overlap_check(plan, args, backward_reads(plan, args), BACKWARD_WRITES, err));
    EKI_TRY(eki_saved_check(plan, args->saved, "ek_norm_backward()", err));
    if (((const eki_saved_header *)args->saved)->spread) {
        return eki_fail(err, EK_ERR_STATE,
                        "saved is of a forward over several ranks: call ek_norm_sync_backward_start() and "
                        "ek_norm_sync_backward_finish(), on every rank");
    }
    if (plan->elements == 0) return EK_OK;
    EKI_TRY(eki_mask_check(plan, args, err));
    bool from_y = args->flags & EK_BACKWARD_FROM_Y;
    if (from_y) EKI_TRY(check_from_y(plan, args, err));
    if (!from_y && args->x == NULL) return missing(plan, "x", "backward reads the x of the forward", err);
    if (args->dy == NULL) return missing(plan, "dy", "backward reads it", err);
    EKI_TRY(from_y ? check_data(plan, args->y, "y", err) : check_data(plan, args->x, "x", err));
    EKI_TRY(check_data(plan, args->dy, "dy", err));
    EKI_TRY(check_data(plan, args->dx, "dx", err));
    return check_backward_fusion(plan, args, err);
}
