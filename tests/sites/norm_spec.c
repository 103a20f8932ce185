#include "norm_spec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

int64_t spec_count(const norm_spec *spec) {
    int64_t count = 1;
    for (int i = 0; i < spec->rank; i++) count *= spec->dims[i];
    return count;
}

static void index_of(const norm_spec *spec, int64_t element, int64_t at[SPEC_RANK]) {
    for (int i = spec->rank - 1; i >= 0; i--) {
        at[i] = element % spec->dims[i];
        element /= spec->dims[i];
    }
}

void spec_parameter(norm_spec *spec, eki_role role, const double *numbers, const eki_shape *shape, int axis) {
    int64_t at[SPEC_RANK] = {0};
    spec->has[role] = true;
    for (int64_t i = 0; i < spec_count(spec); i++) {
        int64_t place = 0;
        index_of(spec, i, at);
        for (int k = 0; axis < 0 && k < shape->rank; k++) {
            place = place * shape->dims[k] + (shape->dims[k] == 1 ? 0 : at[spec->rank - shape->rank + k]);
        }
        spec->parameters[role][i] = numbers[axis < 0 ? place : at[axis]];
    }
}

/* The number of the set whose mean and variance the element shares. */
static int64_t set_of(const norm_spec *spec, int64_t element) {
    int64_t at[SPEC_RANK] = {0}, set = 0;
    index_of(spec, element, at);
    if (spec->kind == EKI_SITE_GROUP) {
        return at[0] * spec->groups + at[spec->channel_axis] / (spec->dims[spec->channel_axis] / spec->groups);
    }
    for (int i = 0; i < spec->rank; i++) {
        if ((spec->axes >> i & 1) == 0) set = set * spec->dims[i] + at[i];
    }
    return set;
}

static void moments(const norm_spec *spec, const double *x, double *mean, double *variance) {
    static double count[SPEC_ELEMENTS];
    int64_t n = spec_count(spec);
    bool centred = spec->kind != EKI_SITE_RMS;
    for (int64_t i = 0; i < n; i++) count[i] = mean[i] = variance[i] = 0;
    for (int64_t i = 0; i < n; i++) {
        count[set_of(spec, i)]++;
        mean[set_of(spec, i)] += x[i];
    }
    for (int64_t s = 0; s < n && count[s] > 0; s++) mean[s] = centred ? mean[s] / count[s] : 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t s = set_of(spec, i);
        variance[s] += (x[i] - mean[s]) * (x[i] - mean[s]) / count[s];
    }
}

static double lp(const norm_spec *spec, const double *x, int64_t set) {
    double sum = 0;
    for (int64_t i = 0; i < spec_count(spec); i++) {
        if (set_of(spec, i) == set) sum += spec->p == 1 ? fabs(x[i]) : x[i] * x[i];
    }
    return spec->p == 1 ? sum : sqrt(sum);
}

void spec_run(const norm_spec *spec, const double *x, double *y) {
    static double mean[SPEC_ELEMENTS], variance[SPEC_ELEMENTS];
    moments(spec, x, mean, variance);
    for (int64_t i = 0; i < spec_count(spec); i++) {
        int64_t s = set_of(spec, i);
        double m = spec->has[EKI_MEAN] ? spec->parameters[EKI_MEAN][i] : mean[s],
               v = spec->has[EKI_VARIANCE] ? spec->parameters[EKI_VARIANCE][i] : variance[s];
        switch (spec->kind) {
        case EKI_SITE_AFFINE: y[i] = x[i]; break;
        case EKI_SITE_LP: y[i] = x[i] / lp(spec, x, s); break;
        case EKI_SITE_MEAN_VARIANCE: y[i] = (x[i] - m) / (sqrt(v) + spec->epsilon); break;
        default: y[i] = (x[i] - m) / sqrt(v + spec->epsilon); break;
        }
        if (spec->has[EKI_SCALE]) y[i] *= spec->parameters[EKI_SCALE][i];
        if (spec->has[EKI_BIAS]) y[i] += spec->parameters[EKI_BIAS][i];
        if (spec->swish) y[i] /= 1 + exp(-y[i]);
    }
}

void spec_of_site(const eki_sites *sites, const eki_site *site, int rank, const int64_t *dims, norm_spec *spec) {
    ek_error err = {.text = ""};
    memset(spec, 0, sizeof *spec);
    spec->kind = site->kind;
    spec->rank = rank;
    memcpy(spec->dims, dims, (size_t)rank * sizeof *dims);
    spec->channel_axis = site->channel_axis;
    spec->groups = site->groups;
    spec->p = site->p;
    spec->swish = site->swish;
    spec->epsilon = site->epsilon;
    for (int i = 0; i < site->n_axes; i++) {
        spec->axes |= 1U << (site->axes[i] < 0 ? site->axes[i] + rank : site->axes[i]);
    }
    for (int role = 0; role < EKI_ROLES; role++) {
        bool of_batch = role >= EKI_MEAN && site->training,
             composed = site->kind == EKI_SITE_AFFINE && role <= EKI_BIAS;
        eki_numbers numbers;
        if ((site->parameters[role].value == NULL && !composed) || of_batch) continue;
        if (eki_site_numbers(sites, site, (eki_role)role, &numbers, &err) != EK_OK) fail_msg("%s", err.text);
        if (site->per_group) { /* each group's number for its channels */
            double wide[SPEC_ELEMENTS];
            int64_t channels = dims[1];
            for (int64_t c = 0; c < channels; c++) wide[c] = numbers.at[c / (channels / site->groups)];
            spec_parameter(spec, (eki_role)role, wide, &numbers.shape, 1);
        } else {
            spec_parameter(spec, (eki_role)role, numbers.at, &numbers.shape,
                           site->per_position ? -1 : site->channel_axis);
        }
        eki_numbers_free(&numbers);
    }
}
