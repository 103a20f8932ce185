/* trial.c: see trial.h. */
#include "bounds/trial.h"

#include "support/half_ref.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *zeros(size_t n, size_t size) {
    void *memory = aligned_alloc(64, (n * size + 127) / 64 * 64);
    if (memory == NULL) abort();
    memset(memory, 0, (n * size + 127) / 64 * 64);
    return memory;
}
static double *doubles(size_t n) { return zeros(n, sizeof(double)); }
static uint32_t *indices(size_t n) { return zeros(n, sizeof(uint32_t)); }

static size_t offset_of(const trial *t, size_t n, size_t c, size_t s) {
    size_t channels = (size_t)t->plan->channels, space = (size_t)t->plan->space;
    if (t->plan->family == EKI_ROWS || t->desc.layout == EK_LAYOUT_NCHW) return (n * channels + c) * space + s;
    if (t->desc.layout == EK_LAYOUT_NHWC) return (n * space + s) * channels + c;
    size_t block = (size_t)t->desc.layout, blocks = (channels + block - 1) / block;
    return ((n * blocks + c / block) * space + s) * block + c % block;
}

/* Where in its set the element (n, c, s) is, and in which unit of it, as docs/reproducibility.md cuts them. */
static void place(const trial *t, size_t i, size_t n, size_t c, size_t s) {
    const ek_norm_plan *p = t->plan;
    size_t space = (size_t)p->space, ghost = p->ghosts > 1 ? (size_t)p->desc.ghost : (size_t)p->samples;
    size_t within = p->family == EKI_BATCH ? n % ghost : c % (size_t)p->group_channels;
    t->order[i] = (uint32_t)(within * space + s);
    if (p->family != EKI_BATCH && p->row_sets) {
        t->unit[i] = t->order[i] / EKI_ROW_LIMIT;
    } else if (p->units.blocks > 1) {
        t->unit[i] = (uint32_t)(within * (size_t)p->units.blocks + s / (size_t)p->units.limit);
    } else {
        t->unit[i] = (uint32_t)(p->family == EKI_BATCH ? within / (size_t)p->units.chunk : within);
    }
}

static void index_elements(trial *t) {
    const ek_norm_plan *p = t->plan;
    size_t space = (size_t)p->space, channels = (size_t)p->channels;
    for (size_t i = 0; i < t->elements; i++) {
        size_t n = i / space / channels, c = i / space % channels, s = i % space;
        size_t ghost = p->ghosts > 1 ? n / (size_t)p->desc.ghost : 0;
        t->offset[i] = (uint32_t)offset_of(t, n, c, s);
        t->parameter[i] = (uint32_t)(p->family == EKI_ROWS ? s : c);
        t->set[i] =
            (uint32_t)(p->family == EKI_BATCH ? ghost * channels + c : (size_t)eki_set_of(p, (int64_t)n, (int64_t)c));
        place(t, i, n, c, s);
        if (t->unit[i] >= t->units) t->units = t->unit[i] + 1;
    }
}

static size_t real_bytes(const trial *t) { return t->desc.dtype == EK_F64 ? sizeof(double) : sizeof(float); }

static void allocate(trial *t) {
    size_t n = t->elements, p = t->parameters, s = t->sets, c = (size_t)t->plan->channels;
    double **of_elements[] = {&t->x, &t->dy, &t->residual, &t->y, &t->dx, &t->dresidual};
    for (int i = 0; i < 6; i++) *of_elements[i] = doubles(n);
    double **of_parameters[] = {&t->scale, &t->bias, &t->dscale, &t->dbias};
    for (int i = 0; i < 4; i++) *of_parameters[i] = doubles(p);
    t->running_mean = doubles(c), t->running_var = doubles(c), t->mean = doubles(s), t->var = doubles(s);
    t->old_dx = doubles(n), t->old_dscale = doubles(p), t->old_dbias = doubles(p), t->rstd = doubles(s);
    t->set_mean = doubles(s), t->set_var = doubles(s), t->set_rstd = doubles(s);
    uint32_t **of_places[] = {&t->set, &t->parameter, &t->unit, &t->offset, &t->order};
    for (int i = 0; i < 5; i++) *of_places[i] = indices(n);
    for (int i = 0; i < 6; i++) t->typed[i] = zeros(t->buffer, (size_t)t->plan->element_bytes);
    const size_t small[] = {p, p, p, p, c, c, s, s, s};
    for (int i = 0; i < 9; i++) t->small[i] = zeros(small[i], real_bytes(t));
    if (t->plan->masked) t->mask = zeros((size_t)(t->plan->mask_examples * t->plan->mask_positions), 1);
}

static void set_args(trial *t) {
    t->args = (ek_norm_args){.struct_size = sizeof t->args};
    t->args.x = t->typed[0], t->args.y = t->typed[1], t->args.dy = t->typed[2], t->args.dx = t->typed[3];
    if (t->desc.residual) t->args.residual = t->typed[4], t->args.dresidual = t->typed[5];
    t->args.dscale = t->small[2], t->args.dbias = t->small[3];
    if (t->plan->family == EKI_BATCH) t->args.running_mean = t->small[4], t->args.running_var = t->small[5];
    t->args.mean = t->small[6], t->args.var = t->small[7];
    t->args.rstd = t->small[8];
    t->args.mask = t->mask;
    t->args.saved = zeros(ek_norm_saved_bytes(t->plan), 1);
    t->args.workspace = zeros(ek_norm_workspace_bytes(t->plan), 1);
}

trial *trial_make(const ek_norm_desc *desc, ek_norm_stats stats) {
    trial *t = zeros(1, sizeof *t);
    ek_error err;
    t->desc = *desc;
    t->stats = stats;
    if (ek_norm_plan_create(desc, &t->plan, &err) != EK_OK) {
        free(t);
        return NULL;
    }
    t->elements = (size_t)t->plan->elements;
    t->buffer = (size_t)eki_buffer_elements(t->plan);
    t->sets = (size_t)t->plan->sets;
    t->parameters = (size_t)(t->plan->family == EKI_ROWS ? t->plan->space : t->plan->channels);
    t->results = desc->dtype == EK_BF16 || desc->dtype == EK_F16;
    t->scaled = t->biased = true;
    allocate(t);
    index_elements(t);
    set_args(t);
    return t;
}

void trial_free(trial *t) {
    if (t == NULL) return;
    void *inputs[] = {t->x,           t->dy,     t->residual, t->scale,      t->bias,     t->running_mean,
                      t->running_var, t->old_dx, t->mask,     t->old_dscale, t->old_dbias};
    void *outputs[] = {t->y, t->dx, t->dresidual, t->dscale, t->dbias, t->mean, t->var, t->rstd};
    void *inside[] = {t->set,        t->parameter,      t->unit,     t->offset,  t->order,
                      t->args.saved, t->args.workspace, t->set_mean, t->set_var, t->set_rstd};
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) free(inputs[i]);
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) free(outputs[i]);
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) free(inside[i]);
    for (int i = 0; i < 6; i++) free(t->typed[i]);
    for (int i = 0; i < 9; i++) free(t->small[i]);
    ek_norm_plan_destroy(t->plan);
    free(t);
}

static double within(double value, double most) { return value > most ? most : value < -most ? -most : value; }

double trial_parameter(const trial *t, double value) {
    return t->desc.dtype == EK_F64 ? within(value, 1e150) : (double)(float)within(value, (double)FLT_MAX / 4);
}

double trial_rounded(const trial *t, double value) {
    if (!t->results) return trial_parameter(t, value);
    eki_data data = t->plan->data;
    float near = (float)within(value, data == EKI_F16 ? 32752.0 : (double)FLT_MAX / 4);
    return (double)eki_ref_widen(data, eki_ref_narrow(data, near));
}

bool trial_valid(const trial *t, size_t i) {
    if (t->mask == NULL) return true;
    size_t space = (size_t)t->plan->space, channels = (size_t)t->plan->channels;
    if (t->plan->family == EKI_ROWS) return t->mask[i / space] != 0;
    return t->mask[i / space / channels * space + i % space] != 0;
}

static void write_elements(const trial *t, void *to, const double *from) {
    for (size_t i = 0; i < t->elements; i++) {
        size_t at = t->offset[i];
        if (t->desc.dtype == EK_F64) {
            ((double *)to)[at] = from[i];
        } else if (t->results) {
            ((uint16_t *)to)[at] = eki_ref_narrow(t->plan->data, (float)from[i]);
        } else {
            ((float *)to)[at] = (float)from[i];
        }
    }
}

static void read_elements(const trial *t, double *to, const void *from) {
    for (size_t i = 0; i < t->elements; i++) {
        size_t at = t->offset[i];
        if (t->desc.dtype == EK_F64) {
            to[i] = ((const double *)from)[at];
        } else if (t->results) {
            to[i] = (double)eki_ref_widen(t->plan->data, ((const uint16_t *)from)[at]);
        } else {
            to[i] = (double)((const float *)from)[at];
        }
    }
}

static void write_small(const trial *t, void *to, const double *from, size_t n) {
    for (size_t i = 0; i < n; i++) eki_put(t->plan, to, (int64_t)i, from[i]);
}

static void read_small(const trial *t, double *to, const void *from, size_t n) {
    for (size_t i = 0; i < n; i++) to[i] = eki_real(t->plan, from, (int64_t)i);
}

static void read_statistics(trial *t) {
    eki_stats stats = eki_stats_at(t->plan, t->args.saved, (char *)t->args.workspace + t->plan->stats_offset);
    memcpy(t->set_mean, stats.mean, t->sets * sizeof(double));
    memcpy(t->set_var, stats.var, t->sets * sizeof(double));
    memcpy(t->set_rstd, stats.rstd, t->sets * sizeof(double));
}

static bool run_backward(trial *t) {
    ek_error err;
    write_elements(t, t->typed[2], t->dy);
    write_elements(t, t->typed[3], t->old_dx);
    write_small(t, t->small[2], t->old_dscale, t->parameters);
    write_small(t, t->small[3], t->old_dbias, t->parameters);
    const void *mean = t->plan->centred ? t->small[6] : NULL;
    if (t->given && ek_norm_saved_from(t->plan, mean, t->small[8], t->args.saved, &err) != EK_OK) return false;
    t->args.flags = t->flags;
    if (ek_norm_backward(t->plan, &t->args, &err) != EK_OK) return false;
    read_elements(t, t->dx, t->typed[3]);
    if (t->desc.residual) read_elements(t, t->dresidual, t->typed[5]);
    read_small(t, t->dscale, t->small[2], t->parameters);
    read_small(t, t->dbias, t->small[3], t->parameters);
    return true;
}

bool trial_run(trial *t, bool backward) {
    ek_error err;
    size_t channels = (size_t)t->plan->channels;
    write_elements(t, t->typed[0], t->x);
    if (t->desc.residual) write_elements(t, t->typed[4], t->residual);
    write_small(t, t->small[0], t->scale, t->parameters);
    write_small(t, t->small[1], t->bias, t->parameters);
    write_small(t, t->small[4], t->running_mean, channels);
    write_small(t, t->small[5], t->running_var, channels);
    t->args.scale = t->scaled ? t->small[0] : NULL;
    t->args.bias = t->biased ? t->small[1] : NULL;
    if (ek_norm_forward(t->plan, t->stats, &t->args, &err) != EK_OK) return false;
    read_statistics(t);
    read_elements(t, t->y, t->typed[1]);
    read_small(t, t->mean, t->small[6], t->sets);
    read_small(t, t->var, t->small[7], t->sets);
    read_small(t, t->rstd, t->small[8], t->sets);
    return !backward || run_backward(t);
}
