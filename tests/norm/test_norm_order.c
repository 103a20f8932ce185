/* test_norm_order.c: docs/reproducibility.md written down a second time, as scalar code without the library's
 * functions, and compared to the last bit of the f64 statistics. */
#include "norm/fixture.h"

#include "norm/norm_stats.h"
#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    double n, mean, m2;
} moments;

static moments merge(moments a, moments b) {
    double n = a.n + b.n, d = b.mean - a.mean, share = b.n / n;
    return (moments){n, a.mean + d * share, (a.m2 + b.m2) + d * d * (a.n * share)};
}

static moments tree(const moments *unit, size_t begin, size_t width, size_t count) {
    if (width == 1) return unit[begin];
    size_t half = width / 2;
    moments left = tree(unit, begin, half, count);
    return begin + half < count ? merge(left, tree(unit, begin + half, half, count)) : left;
}

static moments root(const moments *unit, size_t count) {
    size_t width = 1;
    while (width < count) width *= 2;
    return tree(unit, 0, width, count);
}

static moments finish(double n, double k, double s1, double s2) {
    double m2 = s2 - s1 * s1 / n;
    return (moments){n, k + s1 / n, m2 < 0 ? 0 : m2};
}

/* Logical elements [begin, begin + length) of `samples` segments, in sixteen lanes. */
static moments row_unit(const fixture *f, size_t begin, size_t length, size_t samples, size_t distance) {
    double lane1[16] = {0}, lane2[16] = {0}, k = f->rx[begin];
    for (size_t s = 0; s < samples; s++) {
        for (size_t i = 0; i < length; i++) {
            double d = f->rx[begin + s * distance + i] - k, square = d * d;
            lane1[i % 16] += d;
            lane2[i % 16] += square;
        }
    }
    for (size_t width = 8; width > 0; width /= 2) {
        for (size_t l = 0; l < width; l++) {
            lane1[l] += lane1[l + width];
            lane2[l] += lane2[l + width];
        }
    }
    return finish((double)(samples * length), k, lane1[0], lane2[0]);
}

/* The same elements, one after the other. */
static moments column_unit(const fixture *f, size_t begin, size_t length, size_t samples, size_t distance) {
    double s1 = 0, s2 = 0, k = f->rx[begin];
    for (size_t s = 0; s < samples; s++) {
        for (size_t i = 0; i < length; i++) {
            double d = f->rx[begin + s * distance + i] - k, square = d * d;
            s1 += d;
            s2 += square;
        }
    }
    return finish((double)(samples * length), k, s1, s2);
}

typedef moments (*unit_fn)(const fixture *, size_t, size_t, size_t, size_t);

static moments unit_of[4096];

/* One channel of a batch. */
static moments channel(const fixture *f, size_t c, unit_fn unit, size_t limit) {
    size_t n = (size_t)f->desc.dims[0], channels = (size_t)f->desc.dims[1], space = f->elements / n / channels;
    size_t distance = channels * space, chunk = 1, count = 0;
    while (chunk * space < 1024) chunk *= 2;
    if (space <= limit) {
        for (size_t s = 0; s < n; s += chunk) {
            unit_of[count++] = unit(f, s * distance + c * space, space, n - s < chunk ? n - s : chunk, distance);
        }
    } else {
        for (size_t s = 0; s < n; s++) {
            for (size_t b = 0; b < space; b += limit) {
                size_t length = space - b < limit ? space - b : limit;
                unit_of[count++] = unit(f, s * distance + c * space + b, length, 1, 0);
            }
        }
    }
    return root(unit_of, count);
}

/* A contiguous run of one sample (row memory). */
static moments run_of(const fixture *f, size_t begin, size_t size) {
    size_t count = 0;
    for (size_t b = 0; b < size; b += 16384) {
        unit_of[count++] = row_unit(f, begin + b, size - b < 16384 ? size - b : 16384, 1, 0);
    }
    return root(unit_of, count);
}

/* A group in column memory: blocks of each channel, then channels. */
static moments group_of(const fixture *f, size_t set) {
    size_t groups = f->sets / (size_t)f->desc.dims[0], channels = (size_t)f->desc.dims[1];
    size_t space = f->elements / (size_t)f->desc.dims[0] / channels, per_group = channels / groups;
    static moments by_channel[256];
    for (size_t c = 0; c < per_group; c++) {
        size_t begin = (set / groups * channels + set % groups * per_group + c) * space, count = 0;
        for (size_t b = 0; b < space; b += 4096) {
            unit_of[count++] = column_unit(f, begin + b, space - b < 4096 ? space - b : 4096, 1, 0);
        }
        by_channel[c] = root(unit_of, count);
    }
    return root(by_channel, per_group);
}

static moments documented(const fixture *f, size_t set) {
    const ek_norm_desc *d = &f->desc;
    bool last = d->layout == EK_LAYOUT_NHWC, plain = d->layout == EK_LAYOUT_NCHW;
    size_t n = (size_t)d->dims[0], channels = d->rank > 1 ? (size_t)d->dims[1] : 1;
    size_t space = f->elements / n / channels, size = f->elements / f->sets;
    bool single = space == 1 && (plain || last), rows = plain || (last && channels == 1);
    if (reference_of(d->kind)->share == EKI_REF_BATCH) {
        bool row = rows && space > 1;
        return channel(f, set, row ? row_unit : column_unit, row ? 16384 : 4096);
    }
    return rows || single ? run_of(f, set * size, size) : group_of(f, set);
}

/* x of many sizes, so that sums are not exact in f64 and another order gives other bits. */
static void spread_x(fixture *f) {
    for (size_t i = 0; i < f->elements; i++) f->x[fixture_offset(f, i)] *= powf(10.0f, (float)(i * 7 % 11) - 5.0f);
    fixture_sync(f);
}

static void statistics_follow_the_document(void **state) {
    (void)state;
    for (size_t i = 0; i < all_shapes_count; i++) {
        if (!reference_of(all_shapes[i].kind)->centred) continue;
        ek_norm_desc desc = shape_desc(&all_shapes[i]);
        fixture *f = fixture_make(&desc, 61, 0.0, 1.0);
        spread_x(f);
        fixture_forward(f, EK_STATS_BATCH);
        eki_stats saved = eki_stats_at(f->plan, f->args.saved, NULL);
        for (size_t set = 0; set < f->sets; set++) {
            moments m = documented(f, set);
            if (saved.mean[set] != m.mean) fail_msg("%s: mean of set %zu", shape_text(&all_shapes[i]), set);
            if (saved.var[set] != m.m2 / m.n) fail_msg("%s: var of set %zu", shape_text(&all_shapes[i]), set);
        }
        fixture_free(f);
    }
}

/* Sum of dy over the elements of a unit: sixteen lanes, or one after the other. */
static double row_sum(const fixture *f, size_t begin, size_t length, size_t samples, size_t distance) {
    double lane[16] = {0};
    for (size_t s = 0; s < samples; s++) {
        for (size_t i = 0; i < length; i++) lane[i % 16] += f->rdy[begin + s * distance + i];
    }
    for (size_t width = 8; width > 0; width /= 2) {
        for (size_t l = 0; l < width; l++) lane[l] += lane[l + width];
    }
    return lane[0];
}

static double column_sum(const fixture *f, size_t begin, size_t length, size_t samples, size_t distance) {
    double sum = 0;
    for (size_t s = 0; s < samples; s++) {
        for (size_t i = 0; i < length; i++) sum += f->rdy[begin + s * distance + i];
    }
    return sum;
}

static double sum_tree(const double *unit, size_t begin, size_t width, size_t count) {
    if (width == 1) return unit[begin];
    size_t half = width / 2;
    double left = sum_tree(unit, begin, half, count);
    return begin + half < count ? left + sum_tree(unit, begin + half, half, count) : left;
}

static double sum_root(const double *unit, size_t count) {
    size_t width = 1;
    while (width < count) width *= 2;
    return sum_tree(unit, 0, width, count);
}

/* dbias of a channel: chunks of samples, or the tree over blocks of each sample and then over samples (or, for BATCH,
 * over all blocks). */
static double channel_bias(const fixture *f, size_t c) {
    const ek_norm_desc *d = &f->desc;
    static double unit[4096], sample[4096];
    size_t n = (size_t)d->dims[0], channels = (size_t)d->dims[1], space = f->elements / n / channels;
    bool batch = reference_of(d->kind)->share == EKI_REF_BATCH, plain = d->layout == EK_LAYOUT_NCHW;
    bool row = space > 1 && (plain || (d->layout == EK_LAYOUT_NHWC && channels == 1));
    size_t limit = row ? 16384 : 4096, chunk = 1, count = 0, samples = 0, distance = channels * space;
    while (batch && space <= limit && chunk * space < 1024) chunk *= 2;
    for (size_t s = 0; s < n; s += chunk) {
        size_t together = n - s < chunk ? n - s : chunk;
        if (!batch) count = 0;
        for (size_t b = 0; b < space; b += limit) {
            size_t length = space - b < limit ? space - b : limit, begin = s * distance + c * space + b;
            unit[count++] = (row ? row_sum : column_sum)(f, begin, length, together, distance);
        }
        if (!batch) sample[samples++] = sum_root(unit, count);
    }
    return batch ? sum_root(unit, count) : sum_root(sample, samples);
}

/* dbias of an element: blocks of at least 64 rows, at most 32 of them. */
static double element_bias(const fixture *f, size_t p) {
    size_t length = f->parameters, rows = f->elements / length, block = 64, count = 0;
    double unit[32];
    while ((rows + block - 1) / block > 32) block *= 2;
    for (size_t r = 0; r < rows; r += block) {
        size_t high = rows - r < block ? rows - r : block;
        unit[count++] = column_sum(f, r * length + p, 1, high, length);
    }
    return sum_root(unit, count);
}

/* Large terms of dy cancel in pairs, so that what is left of a sum depends on the order of its additions. */
static void spread_dy(fixture *f) {
    size_t *seen = calloc(f->parameters, sizeof *seen), *last = calloc(f->parameters, sizeof *last);
    for (size_t i = 0; i < f->elements; i++) {
        size_t p = f->parameter[i];
        if ((i * 2654435761u >> 7) % 5 > 0) continue;
        f->dy[fixture_offset(f, i)] = seen[p]++ % 2 ? -1e17f : 1e17f;
        last[p] = i;
    }
    for (size_t p = 0; p < f->parameters; p++) {
        if (seen[p] % 2) f->dy[fixture_offset(f, last[p])] = 0.25f;
    }
    fixture_sync(f);
    free(seen);
    free(last);
}

static void check_dbias(const shape *s) {
    ek_norm_desc desc = shape_desc(s);
    fixture *f = fixture_make(&desc, 62, 0.0, 1.0);
    spread_dy(f);
    fixture_forward(f, EK_STATS_BATCH);
    fixture_backward(f);
    bool element = reference_of(s->kind)->share == EKI_REF_AXES && s->affine == EK_AFFINE_ELEMENT;
    for (size_t p = 0; p < f->parameters; p++) {
        float expected = (float)(element ? element_bias(f, p) : channel_bias(f, p));
        if (!same_bits(&f->dbias[p], &expected, 1)) fail_msg("%s: dbias %zu", shape_text(s), p);
    }
    fixture_free(f);
}

static void gradient_sums_follow_the_document(void **state) {
    (void)state;
    const shape tall[] = {{EK_NORM_LAYER, EK_LAYOUT_NCHW, 2, {3000, 20}, 1, 0, EK_AFFINE_ELEMENT},
                          {EK_NORM_RMS, EK_LAYOUT_NCHW, 2, {500, 33}, 1, 0, EK_AFFINE_ELEMENT},
                          {EK_NORM_GROUP, EK_LAYOUT_NCHW, 2, {500, 33}, 0, 3, EK_AFFINE_ELEMENT}};
    for (size_t i = 0; i < all_shapes_count; i++) check_dbias(&all_shapes[i]);
    for (size_t i = 0; i < 3; i++) check_dbias(&tall[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(statistics_follow_the_document),
                                       cmocka_unit_test(gradient_sums_follow_the_document)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
