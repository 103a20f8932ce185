/* plot_axis.c: which scale fits the values, and where its ticks are. */
#include "plot_axis.h"

#include "report/svg_out.h"

#include <math.h>
#include <stdlib.h>

static const double far_out = 40; /* the largest value against that of the usual norm */
enum { MOST_DECADES = 90, FEW_TICKS = 5 };

static double place(const axis *a, double value) {
    if (a->kind == AXIS_LOG) return log10(value);
    if (a->kind == AXIS_LINEAR) return value;
    double size = fabs(value), turns = size / a->knee;
    double away = isfinite(turns) ? log10(1 + turns) : log10(size) - log10(a->knee);
    return value < 0 ? -away : away;
}

/* The smallest and largest finite values of the quantiles from `from` to `to` that are above `floor`. */
static void extremes(const plot *p, int from, int to, double floor, double *low, double *high) {
    *low = HUGE_VAL;
    *high = -HUGE_VAL;
    for (size_t i = 0; i < p->count; i++)
        for (int q = from; q <= to; q++) {
            double v = p->columns[i].at[q];
            if (!isfinite(v) || v <= floor) continue;
            *low = fmin(*low, v);
            *high = fmax(*high, v);
        }
    for (int i = 0; i < p->line_count; i++) {
        *low = fmin(*low, p->lines[i]);
        *high = fmax(*high, p->lines[i]);
    }
}

static axis fit_positive(const plot *p) {
    axis a = {.kind = AXIS_LOG, .low = 0, .high = 1};
    double low, high, least, most;
    extremes(p, Q_MIN, Q_MAX, 0, &low, &high);
    extremes(p, Q_MIN, Q_MAX, -HUGE_VAL, &least, &most);
    if (low <= high) {
        a.low = floor(log10(low) + 1e-9);
        a.high = ceil(log10(high) - 1e-9);
        if (a.high <= a.low) a.high = a.low + 1;
        if (a.high - a.low > MOST_DECADES) a.low = a.high - MOST_DECADES;
    }
    a.clipped = least < pow(10, a.low) * (1 - 1e-9);
    return a;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* How large the middle 90 % are in the norm in the middle; 0 = nothing is drawn. */
static double usual_size(const plot *p) {
    double sizes[PLOT_COLUMNS];
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++) {
        const double *at = p->columns[i].at;
        if (isfinite(at[Q_P5]) && isfinite(at[Q_P95])) sizes[n++] = fmax(fabs(at[Q_P5]), fabs(at[Q_P95]));
    }
    qsort(sizes, n, sizeof *sizes, by_size);
    return n > 0 ? sizes[n / 2] : 0;
}

static axis fit_signed(const plot *p) {
    axis a = {.kind = AXIS_LINEAR, .low = 0, .high = 1};
    double low, high, usual = usual_size(p);
    extremes(p, Q_MIN, Q_MAX, -HUGE_VAL, &low, &high);
    if (!(low <= high)) return a;
    double most = fmax(fabs(low), fabs(high));
    if (!isfinite(high - low) || (usual > 0 && most / usual > far_out)) {
        a.kind = AXIS_BOTH;
        a.knee = fmax(usual / 10, most * 1e-100);
        a.low = place(&a, low);
        a.high = place(&a, high);
        return a;
    }
    double room = high > low ? 0 : high != 0 ? fmin(fabs(high) / 2, 1e300) : 1;
    double step = eki_nice_step(high - low + 2 * room);
    a.low = floor((low - room) / step) * step;
    a.high = ceil((high + room) / step) * step;
    return a;
}

axis axis_fit(const plot *p) { return p->axis == PLOT_POSITIVE ? fit_positive(p) : fit_signed(p); }

double axis_share(const axis *a, double value) {
    if (a->kind == AXIS_LOG && !(value > 0)) return 0;
    double share = (place(a, value) - a->low) / (a->high - a->low);
    return share > 0 ? fmin(share, 1) : 0;
}

/* Adds a tick that is within the axis and not too near another. */
static int add(const axis *a, double value, double *ticks, int n) {
    double at = place(a, value), span = a->high - a->low, edge = 1e-6 * span;
    if (n == AXIS_TICKS || at < a->low - edge || at > a->high + edge) return n;
    for (int i = 0; i < n; i++)
        if (fabs(place(a, ticks[i]) - at) < span / (2 * AXIS_TICKS)) return n;
    ticks[n++] = value;
    return n;
}

/* 0 and powers of ten, from the knee on, to both sides. */
static int ticks_of_both(const axis *a, double *ticks) {
    double most = fmax(fabs(a->low), fabs(a->high)), first = ceil(log10(a->knee)),
           decades = most + log10(a->knee) - first;
    double step = fmax(1, ceil(decades / 4));
    int n = add(a, 0, ticks, 0);
    for (int k = 0; k <= 4; k++) {
        double size = pow(10, first + k * step);
        if (!isfinite(size)) break;
        n = add(a, size, ticks, n);
        n = add(a, -size, ticks, n);
    }
    return n;
}

int axis_ticks(const axis *a, double ticks[AXIS_TICKS]) {
    int n = 0;
    if (a->kind == AXIS_BOTH) return ticks_of_both(a, ticks);
    if (a->kind == AXIS_LOG) {
        double step = fmax(1, ceil((a->high - a->low) / FEW_TICKS));
        for (double e = a->low; e <= a->high + 1e-9; e += step) n = add(a, pow(10, e), ticks, n);
        return n;
    }
    double step = eki_nice_step(a->high - a->low);
    for (int k = 0; k < AXIS_TICKS; k++) {
        double value = a->low + k * step;
        n = add(a, fabs(value) < step * 1e-6 ? 0 : value, ticks, n);
    }
    return n;
}
