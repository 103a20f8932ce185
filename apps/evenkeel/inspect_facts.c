/* inspect_facts.c: what `inspect` found, norm by norm. */
#include "inspect_facts.h"

#include "message.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

const char *const part_names[PARTS] = {"scale", "bias", "mean", "variance", "gain"};
const char *const severity_names[EK_SEVERE + 1] = {"note", "warning", "severe"};
const char *const place_names[EK_SEEN_BETWEEN + 1] = {"no activation beside it", "before the activation",
                                                      "after the activation", "between activations"};

static ek_status read_part(const inspect_facts *f, size_t norm, ek_norm_part which, int64_t count, double **values,
                           ek_error *err) {
    *values = NULL;
    *values = calloc((size_t)count + 1, sizeof **values);
    if (*values == NULL) return fail(err, EK_ERR_NOMEM, "out of memory for %lld values of a norm", (long long)count);
    return ek_inspection_values(f->in, norm, which, *values, (size_t)count, err);
}

/* What one unit of deviation from the mean becomes, channel by channel. */
static void take_gain(norm_facts *n, const double *scale, double *variance) {
    int64_t count = n->seen->scale.count;
    if (n->seen->norm.kind != EK_NORM_BATCH || count != n->seen->variance.count) return;
    for (int64_t i = 0; i < count; i++) variance[i] = fabs(scale[i]) / sqrt(variance[i] + n->seen->norm.epsilon);
    spread_take(&n->spreads[PART_GAIN], variance, count);
}

/* The gain goes first: a spread sorts what it is taken of. */
static ek_status take_spreads(const inspect_facts *f, size_t norm, norm_facts *n, ek_error *err) {
    const int64_t counts[EK_PARTS] = {n->seen->scale.count, n->seen->bias.count, n->seen->mean.count,
                                      n->seen->variance.count};
    double *values[EK_PARTS] = {NULL};
    ek_status status = EK_OK;
    for (int p = 0; status == EK_OK && p < EK_PARTS; p++)
        status = read_part(f, norm, (ek_norm_part)p, counts[p], &values[p], err);
    if (status == EK_OK) {
        double *gain = calloc((size_t)counts[EK_PART_VARIANCE] + 1, sizeof *gain);
        if (gain != NULL) {
            memcpy(gain, values[EK_PART_VARIANCE], (size_t)counts[EK_PART_VARIANCE] * sizeof *gain);
            take_gain(n, values[EK_PART_SCALE], gain);
        } else {
            status = fail(err, EK_ERR_NOMEM, "out of memory for the gains of a norm");
        }
        free(gain);
    }
    for (int p = 0; p < EK_PARTS; p++) {
        if (status == EK_OK) spread_take(&n->spreads[p], values[p], counts[p]);
        free(values[p]);
    }
    return status;
}

static void take_findings(inspect_facts *f) {
    for (size_t i = 0; i < ek_inspection_finding_count(f->in); i++) {
        const ek_finding *found = ek_inspection_finding(f->in, i);
        f->severities[found->severity]++;
        if (found->norm_index < 0) continue;
        norm_facts *n = &f->norms[found->norm_index];
        if ((int)found->severity > n->worst) n->worst = (int)found->severity;
    }
}

/* A row for each batch norm that the model runs, in its order. */
static void take_gaps(inspect_facts *f) {
    size_t row = 0;
    for (size_t i = 0; i < f->count; i++) {
        const ek_model_norm *norm = &f->norms[i].seen->norm;
        if (norm->kind != EK_NORM_BATCH || norm->apart) continue;
        f->norms[i].gap = ek_recalibration_row(f->diagnosis->norms, row);
        f->norms[i].off = f->norms[i].gap != NULL && f->diagnosis->off[row];
        row++;
    }
}

ek_status facts_gather(inspect_facts *f, ek_error *err) {
    f->count = ek_inspection_norm_count(f->in);
    f->norms = calloc(f->count + 1, sizeof *f->norms);
    if (f->norms == NULL) return fail(err, EK_ERR_NOMEM, "out of memory for the facts of %zu norms", f->count);
    for (size_t i = 0; i < f->count; i++) {
        f->norms[i].seen = ek_inspection_norm(f->in, i);
        f->norms[i].worst = -1;
        ek_status status = take_spreads(f, i, &f->norms[i], err);
        if (status != EK_OK) return status;
    }
    take_findings(f);
    if (f->diagnosis != NULL) take_gaps(f);
    return EK_OK;
}

void facts_free(inspect_facts *f) {
    free(f->norms);
    f->norms = NULL;
}
