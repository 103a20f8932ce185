/* dnnl_cases.h: random data, naive f64 loops and one whole run of a convolution, for the tests of this folder. */
#ifndef TESTS_DNNL_CASES_H
#define TESTS_DNNL_CASES_H

#include "dnnl/adapter.h"

/* A convolution's plain data: src [n,c,in], weights [o,c/groups,kernel], bias [o], ddst [n,o,out]. */
typedef struct conv_data {
    eki_conv_desc desc;
    int64_t src_count, dst_count, weight_count;
    float *src, *ddst, *weights, *bias;
    bool finite; /* what forward is told */
} conv_data;

/* Results in plain layout. */
typedef struct conv_result {
    float *dst, *dsrc, *dweights, *dbias;
} conv_result;

float *random_floats(int64_t count, uint64_t seed);

/* `code`: "n c o g | in | kernel | stride | dilation | begin | end", extents separated by 'x'. */
eki_conv_desc parse_conv(const char *code);
conv_data make_conv(const eki_conv_desc *desc, uint64_t seed);
void free_conv(conv_data *data);
void free_result(conv_result *result);

/* Naive loops in f64. */
conv_result naive_conv(const conv_data *data);
/* The adapter, in the layouts of data->desc or (layouts = true) those it chooses. */
conv_result run_conv(const conv_data *data, bool layouts);

/* Fails with the case's name when |a - b| > bound * (1 + |b|) anywhere. */
void assert_close(const float *a, const float *b, int64_t count, double bound, const char *what);
void assert_bits(const float *a, const float *b, int64_t count, const char *what);

#endif
