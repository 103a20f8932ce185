/* train_options.c: defaults and checks of ek_train_options. Every refusal names the field, its value and the range. */
#include "base/options.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

ek_train_options ek_train_options_default(void) {
    return (ek_train_options){.struct_size = sizeof(ek_train_options),
                              .optimizer = EK_SGD,
                              .momentum = 0.9,
                              .beta1 = 0.9,
                              .beta2 = 0.999,
                              .adam_epsilon = 1e-8,
                              .schedule = EK_SCHEDULE_ONE_CYCLE,
                              .step_gamma = 0.1,
                              .seed = 1,
                              .chunk = 1,
                              .lr_depth_decay = 1,
                              .average_decay = 0.999,
                              .average_start = 0.75};
}

double eki_default_lr(ek_optimizer optimizer) { return optimizer == EK_SGD ? 0.1 : 1e-3; }

const char *eki_optimizer_name(int optimizer) {
    static const char *const names[] = {"sgd", "adam", "adamw"};
    return optimizer >= EK_SGD && optimizer <= EK_ADAMW ? names[optimizer] : "an unknown optimizer";
}

typedef struct range_row {
    const char *field;
    double value, low, high; /* low included, high not */
} range_row;

static ek_status check_numbers(const ek_train_options *o, ek_error *err) {
    const range_row rows[] = {
        {"lr", o->lr, 0, INFINITY},
        {"momentum", o->momentum, 0, 1},
        {"beta1", o->beta1, 0, 1},
        {"beta2", o->beta2, 0, 1},
        {"adam_epsilon", o->adam_epsilon, 0, INFINITY},
        {"weight_decay", o->weight_decay, 0, INFINITY},
        {"step_gamma", o->step_gamma, 0, INFINITY},
        {"clip", o->clip, 0, INFINITY},
        {"average_decay", o->average_decay, 0, 1},
        {"average_start", o->average_start, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const range_row *row = &rows[i];
        if (row->value >= row->low && row->value < row->high) continue;
        return eki_fail(err, EK_ERR_ARG, "training option %s = %g is out of range: it must be at least %g and below %g",
                        row->field, row->value, row->low, row->high);
    }
    return EK_OK;
}

ek_status eki_train_options_check(ek_train_options *o, const ek_train_options *given, ek_error *err) {
    *o = ek_train_options_default();
    EKI_TRY(eki_options_take(o, sizeof *o, given, "ek_train_options", err));
    if (o->optimizer < EK_SGD || o->optimizer > EK_ADAMW) {
        return eki_fail(err, EK_ERR_ARG, "optimizer %d is none of sgd (0), adam (1), adamw (2)", (int)o->optimizer);
    }
    if (o->schedule < EK_SCHEDULE_CONSTANT || o->schedule > EK_SCHEDULE_ONE_CYCLE) {
        return eki_fail(err, EK_ERR_ARG, "schedule %d is none of constant (0), step (1), cosine (2), one cycle (3)",
                        (int)o->schedule);
    }
    if (o->statistics < EK_STATISTICS_AUTO || o->statistics > EK_STATISTICS_EXACT) {
        return eki_fail(err, EK_ERR_ARG, "statistics %d is none of auto (0), ema (1), debiased (2), exact (3)",
                        (int)o->statistics);
    }
    if (o->average < EK_AVERAGE_NONE || o->average > EK_AVERAGE_SWA) {
        return eki_fail(err, EK_ERR_ARG, "average %d is none of none (0), ema (1), swa (2)", (int)o->average);
    }
    if (o->lr == 0) o->lr = eki_default_lr(o->optimizer);
    if (o->chunk == 0) o->chunk = 1;
    if (o->lr_depth_decay == 0) o->lr_depth_decay = 1;
    if (!(o->lr_depth_decay > 0 && o->lr_depth_decay <= 1)) {
        return eki_fail(err, EK_ERR_ARG, "lr_depth_decay = %g must be above 0 and at most 1", o->lr_depth_decay);
    }
    EKI_TRY(check_numbers(o, err));
    if (o->total_steps < 1) {
        return eki_fail(err, EK_ERR_ARG, "total_steps = %" PRId64 " must be at least 1: the schedule runs over it",
                        o->total_steps);
    }
    if (o->warmup_steps < 0 || o->warmup_steps >= o->total_steps) {
        return eki_fail(err, EK_ERR_ARG, "warmup_steps = %" PRId64 " must be in 0 to total_steps - 1 = %" PRId64,
                        o->warmup_steps, o->total_steps - 1);
    }
    if (o->warmup_steps > 0 && o->schedule == EK_SCHEDULE_ONE_CYCLE) {
        return eki_fail(err, EK_ERR_ARG,
                        "warmup_steps = %" PRId64 " does not go with the one-cycle schedule, which warms up by itself; "
                        "leave it 0 or choose another schedule",
                        o->warmup_steps);
    }
    if (o->chunk < 1) return eki_fail(err, EK_ERR_ARG, "chunk = %" PRId64 " must be at least 1", o->chunk);
    if (o->virtual_batch < 0) {
        return eki_fail(err, EK_ERR_ARG,
                        "virtual_batch = %" PRId64 " must not be negative: it counts examples, 0 being the whole batch",
                        o->virtual_batch);
    }
    if (o->threads < 0) return eki_fail(err, EK_ERR_ARG, "threads = %d must not be negative", o->threads);
    return EK_OK;
}
