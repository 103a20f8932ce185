/* verdict.c: which cause explains what was measured. docs/surgery.md has the table.
 *
 * A hypothesis explains the kept statistics where with it at most half of their distance is left; of several the
 * nearest is taken. What none explains is told apart by what the file says and by whether the network knows these
 * images: one that was trained on them by cross-entropy is no surer of itself than it is right, so that its loss is not
 * above the entropy of its own predictions.
 */
#include "doctor/doctor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEASURE "evenkeel recalibrate measures them"

/* What averages and lagging weights leave of a distance where nothing is wrong, with room; half of it where no labels
 * tell whether the images are known. And the smallest batch that batch norm is for (Wu and He 2018). */
static const double fits = 0.125;
static const double smallest_batch = 4;

/* An average scatters about what it averages, and that costs a little on any number of images: where the distance is no
 * more than that, only a plain loss of accuracy is a finding. */
static const double plain = 0.05;

typedef struct causes {
    eki_case *c;
    size_t initial, not_finite, negative, frozen, off; /* norms */
    double stretched;                                  /* largest mean ln(kept / measured variance) of a norm */
    double first;                                      /* distance of the first norms */
    double momentum;                                   /* smallest in the file */
    double lost;                                       /* of accuracy */
    bool gap;                                          /* more than chance */
} causes;

static bool name_it(const causes *s, const char *code, const char *cause, const char *remedy) {
    s->c->out->code = code;
    s->c->out->cause = cause;
    s->c->out->remedy = remedy;
    return true;
}

static void look_at_norm(causes *s, size_t row, int64_t channels) {
    int64_t initial = 0;
    bool finite = true, negative = false;
    double stretched = 0;
    for (int64_t i = 0; i < channels; i++) {
        const eki_seen *seen = &s->c->evidence.seen[s->c->evidence.first[row] + (size_t)i];
        initial += seen->old_mean == 0 && seen->old_variance == 1;
        finite = finite && isfinite(seen->old_mean) && isfinite(seen->old_variance);
        negative = negative || seen->old_variance < 0;
        stretched +=
            log((fmax(seen->old_variance, 0) + seen->epsilon) / (seen->variance + seen->epsilon)) / (double)channels;
    }
    s->initial += initial == channels;
    s->not_finite += !finite;
    s->negative += negative;
    s->off += s->c->out->off[row];
    if (stretched > s->stretched) s->stretched = stretched;
}

/* What the file says of its norms. */
static void look_at_file(causes *s) {
    ek_diagnosis *d = s->c->out;
    s->momentum = 1;
    for (size_t i = 0; i < ek_model_norm_count(s->c->model); i++) {
        ek_model_norm norm = ek_model_norm_get(s->c->model, i);
        if (norm.kind != EK_NORM_BATCH) continue;
        char key[512];
        int n = snprintf(key, sizeof key, "evenkeel.updates.%s", norm.output);
        const char *text = n < (int)sizeof key ? ek_model_metadata(s->c->model, key) : NULL;
        int64_t count = text != NULL ? strtoll(text, NULL, 10) : 0;
        if (d->momentum == 0) d->momentum = norm.momentum;
        if (count > 0 && (d->counted == 0 || count < d->counted)) d->counted = count;
        s->momentum = fmin(s->momentum, norm.momentum);
        s->frozen += norm.stats_frozen != 0;
    }
}

static bool damaged(const causes *s) {
    if (s->not_finite > 0)
        return name_it(s, "not-finite", "statistics that are not finite: a batch with NaN or infinity went into them",
                       MEASURE);
    if (s->negative > 0)
        return name_it(s, "negative-variance", "a variance below zero, which no average of variances can be", MEASURE);
    if (s->initial > 0)
        return name_it(s, "never-updated", "statistics that were never measured (mean 0, variance 1)", MEASURE);
    return false;
}

static void say_updates(const causes *s) {
    ek_diagnosis *d = s->c->out;
    char counted[64] = "", updates[64] = "";
    if (d->counted > 0) snprintf(counted, sizeof counted, "; the file counts %lld", (long long)d->counted);
    if (d->initial_updates > 0)
        snprintf(updates, sizeof updates, ": about %.0f updates at momentum %.3g", fmax(d->initial_updates, 1),
                 d->momentum);
    snprintf(d->detail, sizeof d->detail, "%.0f %% of the initial values are left%s%s", 100 * d->initial, updates,
             counted);
}

static bool few_updates(const causes *s) {
    say_updates(s);
    if (s->frozen > 0)
        return name_it(s, "frozen-early",
                       "statistics that were frozen before they were measured: they still hold their initial values",
                       "train anew and freeze later (--freeze-stats='*@3-'); weights that were trained with these "
                       "statistics do not take others");
    return name_it(s, "few-updates",
                   "running averages that still hold their initial values: too few updates for their momentum",
                   MEASURE "; a longer training, or a momentum further from 1, would have filled them");
}

static bool input_scale(const causes *s, const eki_input *input) {
    ek_diagnosis *d = s->c->out;
    d->gain = input->gain;
    d->offset = input->offset;
    snprintf(d->detail, sizeof d->detail, "the norms fit images fed as %s%s%.3g x %+.3g, with x as they are fed now",
             input->name != NULL ? input->name : "", input->name != NULL ? ": " : "", input->gain, input->offset);
    return name_it(
        s, "input-scale", "images that are normalized otherwise than in training: another mean, deviation or range",
        "feed them as in training (evenkeel.mean and evenkeel.std in the file, train --mean and --std); if the light "
        "is another, evenkeel recalibrate adapts the model");
}

static bool tiny_batches(const causes *s, double batch) {
    ek_diagnosis *d = s->c->out;
    d->batch_size = batch;
    snprintf(d->detail, sizeof d->detail, "they are as in batches of about %g image%s", batch, batch > 1 ? "s" : "");
    return name_it(s, "tiny-batches",
                   "training batches too small for batch norm: their statistics are not those of the data",
                   MEASURE "; train with larger batches, or with group norm (--norm group:8)");
}

/* Whether the loss on these images is above what the network expects, by more than chance. */
static bool unknown_images(const eki_case *c) {
    return c->out->labelled && c->out->recalibrated.loss - c->entropy > c->entropy_room;
}

static bool input_explains(const causes *s, const eki_input *input) {
    const eki_case *c = s->c;
    double limit = c->out->labelled ? fits : fits / 2;
    if (input->gain > 0 && unknown_images(c)) return false;
    return input->first <= limit && input->distance <= limit && input->distance <= c->out->distance / 2;
}

/* At most half of the bias is left, and what goes is more than an average of so few images scatters: its deviation is
 * that of one image's variance, taken as a half of it, over the square root of the images in it, (1 + m) / (1 - m)
 * batches. */
static bool batch_explains(const causes *s, const eki_batch_fit *fit) {
    double m = s->c->out->momentum, scatter = sqrt((1 - m) / ((1 + m) * fmax(fit->batch, 1))) / 2;
    return fit->batch <= smallest_batch && fit->bias <= fit->bias_large / 2 && fit->bias_large - fit->bias >= scatter;
}

/* One norm by far, or all by twice what is left where nothing is wrong. */
static bool is_off(const causes *s) { return s->off > 0 || s->c->out->distance > 2 * fits; }

/* Averages of few updates, images fed otherwise, tiny batches: the nearest of those that explain. */
static ek_status explain(const causes *s, bool *found, ek_error *err) {
    eki_case *c = s->c;
    ek_diagnosis *d = c->out;
    double initial = eki_fit_initial(c->evidence.seen, c->evidence.count, &d->distance_initial);
    double nearest = d->distance / 2;
    eki_input input = {.gain = 1};
    eki_batch_fit fit = {0};
    enum { NOTHING, INITIAL, INPUT, BATCH } what = NOTHING;
    bool significant = s->gap || is_off(s);
    if (significant && d->distance_initial <= nearest) what = INITIAL, nearest = d->distance_initial;
    if (significant && s->first > fits / 2) {
        EKI_TRY(eki_fit_input(c, &input, err));
        if (input_explains(s, &input) && input.distance < nearest) what = INPUT, nearest = input.distance;
    }
    if (what == NOTHING && d->distance > 0) {
        EKI_TRY(eki_fit_batch(c, &fit, err));
        if (batch_explains(s, &fit)) what = BATCH;
    }
    if (what == INITIAL) {
        d->initial = initial;
        d->initial_updates = d->momentum > 0 && d->momentum < 1 ? log(initial) / log(d->momentum) : 0;
    }
    *found = what == INITIAL ? few_updates(s)
             : what == INPUT ? input_scale(s, &input)
                             : what == BATCH && tiny_batches(s, fit.batch);
    return EK_OK;
}

static bool other_images(const causes *s) {
    const eki_case *c = s->c;
    snprintf(c->out->detail, sizeof c->out->detail, "loss %.3g, though the network expects %.3g on average",
             c->out->recalibrated.loss, c->entropy);
    return name_it(s, "other-data", "other images than in training: the network is surer of itself than it is right",
                   "evenkeel recalibrate fits the statistics to them, evenkeel train the weights");
}

static void lagging(const causes *s, bool sure) {
    if (sure)
        name_it(s, "lag",
                "statistics older than the weights: a momentum too near 1, a high rate to the end, or statistics that "
                "were kept while weights were trained; the images are as in training",
                MEASURE);
    else
        name_it(s, "lag-or-other-data",
                "statistics older than the weights, or other images than in training: without labels, and without the "
                "mean and deviation of training in the file, the two look alike",
                "inspect labelled images, or those of training; evenkeel recalibrate fits the statistics to these");
}

/* What no hypothesis explains. */
static void tell_apart(const causes *s) {
    eki_case *c = s->c;
    ek_diagnosis *d = c->out;
    if (s->stretched > log(100)) {
        snprintf(d->detail, sizeof d->detail, "the variances of a norm are %.2g times those of the data on average",
                 exp(s->stretched));
        name_it(s, "outliers", "statistics with a few huge values in them: a damaged image, or a batch that overflowed",
                MEASURE);
    } else if (!c->as_in_training && s->first > fits && unknown_images(c)) {
        other_images(s);
    } else if (d->labelled && !(s->gap && (s->lost > plain || d->distance > fits))) {
        if (is_off(s)) d->cause = "none in accuracy, though the running statistics differ from the data's";
    } else if (s->frozen > 0) {
        name_it(s, "frozen-early", "statistics that were frozen while the weights went on", MEASURE "; freeze later");
    } else if (s->momentum < 0.5) {
        snprintf(d->detail, sizeof d->detail, "momentum %.3g: the last batch counts for %.0f %%", s->momentum,
                 100 * (1 - s->momentum));
        name_it(s, "momentum",
                "an average of hardly more than the last batch: a momentum in PyTorch's sense, where 0.1 is ONNX's 0.9",
                MEASURE "; evenkeel convert --from torch turns the momentum round");
    } else if (d->counted > 0 && (double)d->counted * (1 - d->momentum) < 1) {
        snprintf(d->detail, sizeof d->detail, "the file counts %lld updates, at momentum %.3g", (long long)d->counted,
                 d->momentum);
        name_it(s, "few-updates", "running averages of too few updates", MEASURE);
    } else {
        lagging(s, c->as_in_training || d->labelled || s->first <= fits);
    }
}

ek_status eki_judge(eki_case *c, ek_error *err) {
    causes s = {.c = c};
    ek_diagnosis *d = c->out;
    d->cause = "none: the running statistics fit the data";
    look_at_file(&s);
    for (size_t i = 0; i < ek_recalibration_count(d->norms); i++) {
        const ek_recalibrated *row = ek_recalibration_row(d->norms, i);
        if (row->updated) look_at_norm(&s, i, row->channels);
    }
    if (d->labelled) {
        double best = fmax(d->batch.accuracy, d->recalibrated.accuracy);
        s.lost = best - d->running.accuracy;
        s.gap = s.lost > d->noise;
    }
    s.first = eki_distance(c->evidence.seen, c->evidence.first_level, 0);
    if (damaged(&s)) return EK_OK;
    bool found;
    EKI_TRY(explain(&s, &found, err));
    if (!found && (s.gap || is_off(&s))) tell_apart(&s);
    return EK_OK;
}
