/* masked_sums.c: partial moments and gradient sums of the elements at valid positions.
 *
 * Plain loops in the order of the kernels: a masked element is passed over, and its neighbours stay in their lanes. So
 * a mask that hides nothing gives the bits of the norm without one. The shift of a unit is its first valid element.
 */
#include "norm/norm_job.h"

enum { LANES = 16 };

typedef struct {
    double a[LANES], b[LANES], n;
} lanes;

static double lane_sum(const double *lane) {
    double sum[LANES];
    for (int l = 0; l < LANES; l++) sum[l] = lane[l];
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int l = 0; l < width; l++) sum[l] += sum[l + width];
    }
    return sum[0];
}

/* Sixteen neighbours at once, without a branch: hidden elements add 0, which changes no sum. */
static void add_sixteen(lanes *s, const float *x, double shift, const unsigned char *valid) {
    int count = 0;
    for (int l = 0; l < LANES; l++) {
        double value = (double)x[l] - shift, d = valid[l] ? value : 0.0;
        s->a[l] += d;
        s->b[l] += d * d;
        count += valid[l];
    }
    s->n += count;
}

/* n elements of a segment from its beginning, the first of them at position `at`; positions repeat after `space`. */
static void add_squares(lanes *s, const float *x, int64_t n, double shift, const unsigned char *valid, int64_t at,
                        int64_t space) {
    for (int64_t i = 0; i < n; i += LANES) {
        int length = n - i < LANES ? (int)(n - i) : LANES;
        if (length == LANES && at + LANES <= space) {
            add_sixteen(s, x + i, shift, valid + at);
            at = at + LANES == space ? 0 : at + LANES;
            continue;
        }
        for (int l = 0; l < length; l++, at = at + 1 == space ? 0 : at + 1) {
            if (!valid[at]) continue;
            double d = (double)x[i + l] - shift;
            s->a[l] += d;
            s->b[l] += d * d;
            s->n += 1;
        }
    }
}

static eki_moments moments_of(const ek_norm_plan *plan, double n, double shift, double s1, double s2) {
    if (n == 0) return (eki_moments){0, 0, 0};
    return eki_moments_from_sums(n, shift, s1, s2, plan->centred);
}

/* The first valid element, or 0. */
static double find_shift(const ek_norm_plan *plan, const float *x, int64_t n, const unsigned char *valid,
                         int64_t begin) {
    int64_t at = begin % plan->space;
    for (int64_t i = 0; i < n && plan->centred; i++) {
        if (valid[at]) return (double)x[i];
        if (++at == plan->space) at = 0;
    }
    return 0;
}

static bool any_valid(const unsigned char *valid, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (valid[i]) return true;
    }
    return false;
}

static eki_moments row_unit(const eki_job *job, int64_t u, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    eki_span span = eki_unit(&plan->units, u);
    lanes s = {.n = 0};
    double shift = 0;
    bool found = false;
    for (int64_t i = span.sample; i < span.sample + span.samples; i++) {
        const float *x = eki_at(job, job->x, (i * plan->channels + channel) * plan->space + span.begin);
        const unsigned char *valid = job->valid + i * plan->space;
        if (!found && any_valid(valid + span.begin, span.length)) {
            found = true;
            shift = find_shift(plan, x, span.length, valid, span.begin);
        }
        add_squares(&s, x, span.length, shift, valid, span.begin, plan->space);
    }
    return moments_of(plan, s.n, shift, lane_sum(s.a), lane_sum(s.b));
}

/* Valid rows of a unit in order: from row *at on, its sample and row; false at the end. */
static bool next_row(const eki_job *job, const eki_span *span, int64_t *at, int64_t *sample, int64_t *row) {
    for (; *at < span->samples * span->length; ++*at) {
        *sample = span->sample + *at / span->length;
        *row = span->begin + *at % span->length;
        if (job->valid[*sample * job->plan->space + *row]) return true;
    }
    return false;
}

static void column_unit(const eki_job *job, int64_t u, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    eki_span span = eki_unit(&plan->units, u);
    double shift[EKI_TILE] = {0}, s1[EKI_TILE] = {0}, s2[EKI_TILE] = {0}, n = 0;
    int64_t cols = eki_tile_columns(plan, t), sample, row;
    for (int64_t at = 0; next_row(job, &span, &at, &sample, &row); at++, n += 1) {
        const float *x = eki_at(job, job->x, eki_tile_offset(plan, sample, row, t));
        for (int64_t j = 0; j < cols && n == 0 && plan->centred; j++) shift[j] = (double)x[j];
        for (int64_t j = 0; j < cols; j++) {
            double d = (double)x[j] - shift[j];
            s1[j] += d;
            s2[j] += d * d;
        }
    }
    eki_moments *partial = job->moments + u * plan->channels + t * plan->tile;
    for (int64_t j = 0; j < cols; j++) partial[j] = moments_of(plan, n, shift[j], s1[j], s2[j]);
}

static void moment_units(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t channels = job->plan->channels, tiles = job->plan->tiles;
    for (int64_t i = begin; i < end; i++) {
        if (job->plan->row_apply) {
            job->moments[i] = row_unit(job, i / channels, i % channels);
        } else {
            column_unit(job, i / tiles, i % tiles);
        }
    }
}

void eki_masked_moments(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    int64_t items = plan->units.count * (plan->row_apply ? plan->channels : plan->tiles);
    eki_ranges(plan, items, plan->elements / items + 1, moment_units, &copy);
}

eki_moments eki_masked_set_piece(const eki_job *job, int64_t set, int64_t block) {
    const ek_norm_plan *plan = job->plan;
    int64_t begin = block * EKI_ROW_LIMIT, rest = plan->set_size - begin;
    int64_t length = rest < EKI_ROW_LIMIT ? rest : EKI_ROW_LIMIT;
    const float *x = eki_at(job, job->x, set * plan->set_size + begin);
    const unsigned char *valid = job->valid + set / plan->groups * plan->space;
    lanes s = {.n = 0};
    double shift = find_shift(plan, x, length, valid, begin);
    add_squares(&s, x, length, shift, valid, begin % plan->space, plan->space);
    return moments_of(plan, s.n, shift, lane_sum(s.a), lane_sum(s.b));
}

static void add_products(lanes *s, const float *x, const float *dy, int64_t n, double mean,
                         const unsigned char *valid) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int l = 0; l < LANES; l++) {
            double slope = (double)dy[i + l], value = (double)x[i + l] - mean;
            double g = valid[i + l] ? slope : 0.0, d = valid[i + l] ? value : 0.0;
            s->a[l] += g;
            s->b[l] += g * d;
        }
    }
    for (int l = 0; i < n; i++, l++) {
        if (!valid[i]) continue;
        double g = (double)dy[i];
        s->a[l] += g;
        s->b[l] += g * ((double)x[i] - mean);
    }
}

static eki_pair row_products(const eki_job *job, int64_t u, int64_t channel) {
    const ek_norm_plan *plan = job->plan;
    eki_span span = eki_unit(&plan->units, u);
    lanes s = {.n = 0};
    double mean = job->stats.mean[eki_set_of(plan, span.sample, channel)];
    for (int64_t i = span.sample; i < span.sample + span.samples; i++) {
        int64_t offset = (i * plan->channels + channel) * plan->space + span.begin;
        const unsigned char *valid = job->valid + i * plan->space + span.begin;
        add_products(&s, eki_at(job, job->x, offset), eki_at(job, job->dy, offset), span.length, mean, valid);
    }
    return (eki_pair){lane_sum(s.a), lane_sum(s.b)};
}

static void column_products(const eki_job *job, int64_t u, int64_t t) {
    const ek_norm_plan *plan = job->plan;
    eki_span span = eki_unit(&plan->units, u);
    double mean[EKI_TILE], sdy[EKI_TILE] = {0}, sdyx[EKI_TILE] = {0};
    int64_t cols = eki_tile_columns(plan, t), first = t * plan->tile, sample, row;
    for (int64_t j = 0; j < cols; j++) mean[j] = job->stats.mean[eki_set_of(plan, span.sample, first + j)];
    for (int64_t at = 0; next_row(job, &span, &at, &sample, &row); at++) {
        int64_t offset = eki_tile_offset(plan, sample, row, t);
        const float *x = eki_at(job, job->x, offset), *dy = eki_at(job, job->dy, offset);
        for (int64_t j = 0; j < cols; j++) {
            double g = (double)dy[j];
            sdy[j] += g;
            sdyx[j] += g * ((double)x[j] - mean[j]);
        }
    }
    for (int64_t j = 0; j < cols; j++) job->sums[u * plan->channels + first + j] = (eki_pair){sdy[j], sdyx[j]};
}

static void product_units(void *context, int64_t begin, int64_t end) {
    const eki_job *job = context;
    int64_t channels = job->plan->channels, tiles = job->plan->tiles;
    for (int64_t i = begin; i < end; i++) {
        if (job->plan->row_apply) {
            job->sums[i] = row_products(job, i / channels, i % channels);
        } else {
            column_products(job, i / tiles, i % tiles);
        }
    }
}

void eki_masked_gradsums(const eki_job *job) {
    const ek_norm_plan *plan = job->plan;
    eki_job copy = *job;
    int64_t items = plan->units.count * (plan->row_apply ? plan->channels : plan->tiles);
    eki_ranges(plan, items, plan->elements / items + 1, product_units, &copy);
}
