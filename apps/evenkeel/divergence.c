/* divergence.c: notices training that has left all sense while its numbers are still finite.
 *
 * Guessing costs log(classes). A loss above ten times that, and above ten times the loss of the first step (a file may
 * begin badly), is beyond the bound. Healthy training visits there: a high rate throws the weights about, and norms
 * bring them back. So it must stay for 100 steps, or for the last 20, or reach a million times as much, from where
 * float32 does not return. The layer is the one that had grown most when the loss first went above the bound.
 */
#include "divergence.h"
#include "message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAYS = 100, STAYS_AT_END = 20, MOMENT = 5 };
static const double beyond = 10, no_return = 1e6, least_size = 0.1; /* a bias begins at 0 */

/* Root mean square; 0 for what is not f32. */
static double size_of(const ek_tensor_info *tensor) {
    const float *values = tensor->data;
    size_t count = tensor->dtype == EK_F32 && values != NULL ? tensor->bytes / sizeof *values : 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
    return count > 0 ? sqrt(sum / (double)count) : 0;
}

ek_status divergence_begin(divergence *d, const ek_model *model, int classes, ek_error *err) {
    size_t count = ek_model_tensor_count(model);
    *d = (divergence){.chance = log(classes > 2 ? (double)classes : 2)};
    d->sizes = calloc(count + 1, sizeof *d->sizes);
    if (d->sizes == NULL) return fail(err, EK_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        ek_tensor_info tensor = ek_model_tensor(model, i);
        d->sizes[i] = size_of(&tensor);
    }
    return EK_OK;
}

void divergence_end(divergence *d) {
    free(d->sizes);
    d->sizes = NULL;
}

int divergence_suspects(const divergence *d) { return d->run >= MOMENT; }

static int is_trained(const ek_trainer *trainer, const char *name) {
    for (size_t i = 0; i < ek_trainer_parameter_count(trainer); i++) {
        ek_parameter_info parameter = ek_trainer_parameter(trainer, i);
        if (parameter.trained && strcmp(parameter.name, name) == 0) return 1;
    }
    return 0;
}

const char *divergence_grown(divergence *d, const ek_trainer *trainer, const ek_model *model) {
    double most = 1;
    d->grown[0] = '\0';
    for (size_t i = 0; d->sizes != NULL && i < ek_model_tensor_count(model); i++) {
        ek_tensor_info tensor = ek_model_tensor(model, i);
        double growth = size_of(&tensor) / fmax(d->sizes[i], least_size);
        if (!(growth > most) || !is_trained(trainer, tensor.name)) continue;
        most = growth;
        snprintf(d->grown, sizeof d->grown, ", when '%.120s' had grown %.3g-fold", tensor.name, growth);
    }
    return d->grown;
}

ek_status divergence_check(divergence *d, const ek_trainer *trainer, const ek_model *model, const ek_step_result *step,
                           int last, ek_error *err) {
    if (d->bound <= 0) d->bound = beyond * fmax(d->chance, step->loss);
    if (step->loss <= d->bound) {
        d->run = 0;
        return EK_OK;
    }
    if (d->run++ == 0) {
        d->since = step->step;
        (void)divergence_grown(d, trainer, model);
    }
    int64_t enough = !last ? STAYS : step->step < STAYS_AT_END ? (step->step + 1) / 2 : STAYS_AT_END;
    if (d->run < enough && step->loss <= no_return * d->bound) return EK_OK;
    return fail(err, EK_ERR_NONFINITE,
                "training has diverged: at step %lld the loss is %.3g, where guessing costs %.3g; it left all bounds "
                "at step %lld%s",
                (long long)step->step, step->loss, d->chance, (long long)d->since, d->grown);
}
