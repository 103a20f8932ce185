/* dnnl_cases.c: see dnnl_cases.h. The naive loops visit every (output, tap) once and add to all three gradients. */
#include "dnnl/dnnl_cases.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

float *random_floats(int64_t count, uint64_t seed) {
    float *values = eki_alloc(eki_size_of((size_t)(count > 0 ? count : 1), sizeof(float)));
    assert_non_null(values);
    eki_random stream = eki_random_stream(seed, "dnnl test", 0, 0);
    for (int64_t i = 0; i < count; i++) values[i] = (float)(2.0 * eki_random_uniform(stream, (uint64_t)i) - 1.0);
    return values;
}

static int parse_list(const char **at, int64_t values[3]) {
    int count = 0;
    char *end;
    do {
        values[count++] = strtoll(*at, &end, 10);
        *at = *end == 'x' ? end + 1 : end;
    } while (*end == 'x' && count < 3);
    while (**at == ' ' || **at == '|') (*at)++;
    return count;
}

eki_conv_desc parse_conv(const char *code) {
    eki_conv_desc d = {.bias = true, .want_dx = true, .want_dw = true, .threads = 2};
    int used = 0;
    long long n, c, o, g;
    assert_int_equal(sscanf(code, "%lld %lld %lld %lld | %n", &n, &c, &o, &g, &used), 4);
    d.n = n;
    d.c = c;
    d.o = o;
    d.groups = g;
    code += used;
    d.spatial = parse_list(&code, d.in);
    (void)parse_list(&code, d.kernel);
    (void)parse_list(&code, d.stride);
    (void)parse_list(&code, d.dilation);
    (void)parse_list(&code, d.pad_begin);
    (void)parse_list(&code, d.pad_end);
    for (int i = 0; i < d.spatial; i++) {
        int64_t reach = (d.kernel[i] - 1) * d.dilation[i] + 1;
        d.out[i] = (d.in[i] + d.pad_begin[i] + d.pad_end[i] - reach) / d.stride[i] + 1;
    }
    return d;
}

static int64_t product_of(const int64_t *dims, int count) {
    int64_t result = 1;
    for (int i = 0; i < count; i++) result *= dims[i];
    return result;
}

conv_data make_conv(const eki_conv_desc *desc, uint64_t seed) {
    conv_data data = {.desc = *desc};
    data.src_count = desc->n * desc->c * product_of(desc->in, desc->spatial);
    data.dst_count = desc->n * desc->o * product_of(desc->out, desc->spatial);
    data.weight_count = desc->o * (desc->c / desc->groups) * product_of(desc->kernel, desc->spatial);
    data.src = random_floats(data.src_count, seed);
    data.ddst = random_floats(data.dst_count, seed + 1);
    data.weights = random_floats(data.weight_count, seed + 2);
    data.bias = random_floats(desc->o, seed + 3);
    return data;
}

void free_conv(conv_data *data) {
    eki_free(data->src);
    eki_free(data->ddst);
    eki_free(data->weights);
    eki_free(data->bias);
}

void free_result(conv_result *result) {
    eki_free(result->dst);
    eki_free(result->dsrc);
    eki_free(result->dweights);
    eki_free(result->dbias);
}

static conv_result new_result(const conv_data *data) {
    return (conv_result){.dst = random_floats(data->dst_count, 9),
                         .dsrc = random_floats(data->src_count, 9),
                         .dweights = random_floats(data->weight_count, 9),
                         .dbias = random_floats(data->desc.o, 9)};
}

typedef struct extents {
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], begin[3];
} extents;

static extents three_dimensions(const eki_conv_desc *d) {
    extents e;
    for (int i = 0; i < 3; i++) {
        int k = i - (3 - d->spatial);
        e.in[i] = k < 0 ? 1 : d->in[k];
        e.out[i] = k < 0 ? 1 : d->out[k];
        e.kernel[i] = k < 0 ? 1 : d->kernel[k];
        e.stride[i] = k < 0 ? 1 : d->stride[k];
        e.dilation[i] = k < 0 ? 1 : d->dilation[k];
        e.begin[i] = k < 0 ? 0 : d->pad_begin[k];
    }
    return e;
}

typedef struct sums {
    double *dst, *dsrc, *dweights;
} sums;

/* All taps of output pixel `p` (flat) of image n, output channel o. */
static void visit(const conv_data *data, const extents *e, int64_t n, int64_t o, int64_t p, const sums *s) {
    const eki_conv_desc *d = &data->desc;
    int64_t taps = product_of(e->kernel, 3), per_group = d->c / d->groups, first = o / (d->o / d->groups) * per_group;
    int64_t pixel[3] = {p / e->out[2] / e->out[1], p / e->out[2] % e->out[1], p % e->out[2]};
    int64_t y = (n * d->o + o) * product_of(e->out, 3) + p;
    for (int64_t t = 0; t < taps; t++) {
        int64_t tap[3] = {t / e->kernel[2] / e->kernel[1], t / e->kernel[2] % e->kernel[1], t % e->kernel[2]};
        int64_t at = 0;
        for (int i = 0; i < 3 && at >= 0; i++) {
            int64_t x = pixel[i] * e->stride[i] - e->begin[i] + tap[i] * e->dilation[i];
            at = x < 0 || x >= e->in[i] ? -1 : at * e->in[i] + x;
        }
        for (int64_t c = 0; at >= 0 && c < per_group; c++) {
            int64_t x = (n * d->c + first + c) * product_of(e->in, 3) + at, w = (o * per_group + c) * taps + t;
            s->dst[y] += (double)data->src[x] * (double)data->weights[w];
            s->dsrc[x] += (double)data->ddst[y] * (double)data->weights[w];
            s->dweights[w] += (double)data->ddst[y] * (double)data->src[x];
        }
    }
}

static void round_all(const double *from, float *to, int64_t count) {
    for (int64_t i = 0; i < count; i++) to[i] = (float)from[i];
}

conv_result naive_conv(const conv_data *data) {
    const eki_conv_desc *d = &data->desc;
    extents e = three_dimensions(d);
    conv_result result = new_result(data);
    sums s = {eki_alloc_zero(eki_size_of((size_t)data->dst_count, sizeof(double))),
              eki_alloc_zero(eki_size_of((size_t)data->src_count, sizeof(double))),
              eki_alloc_zero(eki_size_of((size_t)data->weight_count, sizeof(double)))};
    int64_t pixels = product_of(e.out, 3);
    for (int64_t o = 0; o < d->o; o++) {
        double dbias = 0.0;
        for (int64_t n = 0; n < d->n; n++) {
            for (int64_t p = 0; p < pixels; p++) {
                int64_t y = (n * d->o + o) * pixels + p;
                if (d->bias) s.dst[y] = (double)data->bias[o];
                dbias += (double)data->ddst[y];
                visit(data, &e, n, o, p, &s);
            }
        }
        result.dbias[o] = (float)dbias;
    }
    round_all(s.dst, result.dst, data->dst_count);
    round_all(s.dsrc, result.dsrc, data->src_count);
    round_all(s.dweights, result.dweights, data->weight_count);
    eki_free(s.dst);
    eki_free(s.dsrc);
    eki_free(s.dweights);
    return result;
}

static int64_t stored(const eki_conv_desc *d, bool source, ek_layout layout) {
    int64_t c = source ? d->c : d->o, block = (int64_t)layout;
    if (layout == EK_LAYOUT_BLOCKED8 || layout == EK_LAYOUT_BLOCKED16) c = (c + block - 1) / block * block;
    return d->n * c * product_of(source ? d->in : d->out, d->spatial);
}

static ek_dtype type_of(const eki_conv_desc *d) { return d->bf16 ? EK_BF16 : EK_F32; }

static float *to_layout(const eki_conv_desc *d, bool source, const float *plain) {
    ek_layout layout = source ? d->src_layout : d->dst_layout;
    int64_t dims[5] = {d->n, source ? d->c : d->o};
    for (int i = 0; i < d->spatial; i++) dims[i + 2] = source ? d->in[i] : d->out[i];
    const eki_dnnl_form from = {EK_F32, EK_LAYOUT_NCHW}, to = {type_of(d), layout};
    float *result = random_floats(stored(d, source, layout), 5);
    assert_int_equal(eki_reorder(plain, from, result, to, d->spatial + 2, dims, 1, NULL), EK_OK);
    return result;
}

/* Copies back to plain and checks that padded channels are zero. */
static void from_layout(const eki_conv_desc *d, bool source, const float *data, float *plain) {
    ek_layout layout = source ? d->src_layout : d->dst_layout;
    int64_t dims[5] = {d->n, source ? d->c : d->o};
    for (int i = 0; i < d->spatial; i++) dims[i + 2] = source ? d->in[i] : d->out[i];
    const eki_dnnl_form from = {type_of(d), layout}, to = {EK_F32, EK_LAYOUT_NCHW};
    assert_int_equal(eki_reorder(data, from, plain, to, d->spatial + 2, dims, 1, NULL), EK_OK);
    float *again = to_layout(d, source, plain);
    if (memcmp(again, data, (size_t)stored(d, source, layout) * (d->bf16 ? 2 : 4)) != 0)
        fail_msg("padding of a blocked result is not zero");
    eki_free(again);
}

conv_result run_conv(const conv_data *data, bool layouts) {
    eki_conv_desc d = data->desc;
    ek_error err = {.text = ""};
    eki_conv *conv = NULL;
    if (layouts) eki_conv_choose_layouts(&d, EK_LAYOUT_NCHW, eki_dnnl_block());
    if (eki_conv_create(&d, &conv, &err) != EK_OK) fail_msg("%s", err.text);
    conv_result result = new_result(data);
    void *scratch = eki_alloc(eki_sized(eki_conv_scratch_bytes(conv)));
    float *src = to_layout(&d, true, data->src), *ddst = to_layout(&d, false, data->ddst);
    float *dst = random_floats(stored(&d, false, d.dst_layout), 7);
    float *dsrc = random_floats(stored(&d, true, d.src_layout), 7);
    memset(scratch, 0xff, eki_conv_scratch_bytes(conv));
    const float *bias = d.bias ? data->bias : NULL;
    float *residual = d.residual ? to_layout(&d, false, data->ddst) : NULL; /* any tensor of that shape */
    eki_conv_data call = {.src = src,
                          .weights = data->weights,
                          .bias = bias,
                          .residual = residual,
                          .finite = data->finite,
                          .dst = dst,
                          .scratch = scratch};
    if (eki_conv_forward(conv, &call, &err) != EK_OK) fail_msg("%s", err.text);
    from_layout(&d, false, dst, result.dst);
    void *prepared = eki_alloc(eki_sized(eki_conv_prepared_bytes(conv)));
    assert_int_equal(eki_conv_prepare_weights(conv, data->weights, prepared, &err), EK_OK);
    memset(dst, 0xff, (size_t)stored(&d, false, d.dst_layout) * sizeof(float));
    call.prepared = prepared;
    assert_int_equal(eki_conv_forward(conv, &call, &err), EK_OK);
    float *again = random_floats(data->dst_count, 1);
    from_layout(&d, false, dst, again);
    assert_bits(again, result.dst, data->dst_count, "prepared weights give other bits");
    if (eki_conv_adds_in_place(conv)) {
        memcpy(dst, residual, (size_t)stored(&d, false, d.dst_layout) * sizeof(float));
        call.residual = dst;
        assert_int_equal(eki_conv_forward(conv, &call, &err), EK_OK);
        from_layout(&d, false, dst, again);
        assert_bits(again, result.dst, data->dst_count, "a residual in place gives other bits");
    }
    if (d.want_dx) {
        if (eki_conv_backward_data(conv, ddst, data->weights, dsrc, scratch, &err) != EK_OK) fail_msg("%s", err.text);
        from_layout(&d, true, dsrc, result.dsrc);
    }
    if (d.want_dw && eki_conv_backward_weights(conv, src, ddst, result.dweights, d.bias ? result.dbias : NULL, scratch,
                                               &err) != EK_OK) {
        fail_msg("%s", err.text);
    }
    eki_free(again);
    eki_free(residual);
    eki_free(prepared);
    eki_free(scratch);
    eki_free(src);
    eki_free(ddst);
    eki_free(dst);
    eki_free(dsrc);
    eki_conv_destroy(conv);
    return result;
}

void assert_close(const float *a, const float *b, int64_t count, double bound, const char *what) {
    for (int64_t i = 0; i < count; i++) {
        double distance = fabs((double)a[i] - (double)b[i]);
        if (!(distance <= bound * (1.0 + fabs((double)b[i])))) {
            fail_msg("%s: element %lld is %.9g, expected %.9g", what, (long long)i, (double)a[i], (double)b[i]);
        }
    }
}

void assert_bits(const float *a, const float *b, int64_t count, const char *what) {
    for (int64_t i = 0; i < count; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) != 0) {
            fail_msg("%s: element %lld is %.9g, expected %.9g", what, (long long)i, (double)a[i], (double)b[i]);
        }
    }
}
