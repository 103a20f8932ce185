/* net_file.c: see net_file.h. */
#include "net_file.h"

#include "drawn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(bytes *b, const void *data, size_t size) {
    if (b->size + size > b->room) {
        b->room = 2 * (b->size + size);
        b->data = realloc(b->data, b->room);
        if (b->data == NULL) abort();
    }
    if (size > 0) memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_number(bytes *b, unsigned long long n) {
    for (; n >= 128; n >>= 7) put(b, &(unsigned char){(unsigned char)(n | 128)}, 1);
    put(b, &(unsigned char){(unsigned char)n}, 1);
}

static void put_int(bytes *b, unsigned field, unsigned long long n) {
    put_number(b, field * 8);
    put_number(b, n);
}

static void put_bytes(bytes *b, unsigned field, const void *data, size_t size) {
    put_number(b, field * 8 + 2);
    put_number(b, size);
    put(b, data, size);
}

static void put_text(bytes *b, unsigned field, const char *text) { put_bytes(b, field, text, strlen(text)); }

/* Takes the inner message. */
static void put_inner(bytes *b, unsigned field, bytes *inner) {
    put_bytes(b, field, inner->data, inner->size);
    free(inner->data);
    *inner = (bytes){.size = 0};
}

static void put_value(bytes *graph, unsigned field, const char *name, int rank, const int *dims) {
    bytes shape = {0}, tensor = {0}, type = {0}, value = {0};
    for (int i = 0; i < rank; i++) {
        bytes dim = {0};
        if (dims[i] > 0)
            put_int(&dim, 1, (unsigned long long)dims[i]);
        else
            put_text(&dim, 2, i == 0 ? "N" : i == 2 ? "H" : "W");
        put_inner(&shape, 1, &dim);
    }
    put_int(&tensor, 1, 1);
    put_inner(&tensor, 2, &shape);
    put_inner(&type, 1, &tensor);
    put_text(&value, 1, name);
    put_inner(&value, 2, &type);
    put_inner(graph, field, &value);
}

net_file net_file_begin(int channels, int side, int rank) {
    net_file n = {.x = "x", .channels = channels, .rank = rank, .stream = 12345};
    const int dims[4] = {0, channels, side, side};
    put_value(&n.graph, 11, "x", 2 + rank, dims);
    return n;
}

/* An initializer: normal numbers of this deviation, or, with 0, all the same. */
static void weights(net_file *n, const char *name, int rank, const int *dims, double deviation, float same) {
    bytes t = {0}, raw = {0};
    int count = 1;
    for (int i = 0; i < rank; i++) {
        put_int(&t, 1, (unsigned long long)dims[i]);
        count *= dims[i];
    }
    for (int i = 0; i < count; i++) {
        double sum = 0;
        for (int k = 0; k < 12; k++) sum += drawn_between(&n->stream, -0.5, 0.5);
        float value = deviation > 0 ? (float)(deviation * sum) : same;
        put(&raw, &value, sizeof value);
    }
    put_int(&t, 2, 1);
    put_text(&t, 8, name);
    put_inner(&t, 9, &raw);
    put_inner(&n->graph, 5, &t);
}

static void attribute(bytes *node, const char *name, int count, const int *values) {
    bytes a = {0};
    put_text(&a, 1, name);
    for (int i = 0; i < count; i++) put_int(&a, count == 1 ? 3 : 8, (unsigned long long)values[i]);
    put_int(&a, 20, count == 1 ? 2 : 7);
    put_inner(node, 5, &a);
}

/* A node on x and, where given, others; its output is the next x. */
static void add(net_file *n, const char *op, const char *const *others, int count, bytes *attributes) {
    bytes node = {0};
    put_text(&node, 1, n->x);
    for (int i = 0; i < count; i++) put_text(&node, 1, others[i]);
    snprintf(n->x, sizeof n->x, "v%d", ++n->made);
    put_text(&node, 2, n->x);
    put_text(&node, 4, op);
    if (attributes != NULL) put(&node, attributes->data, attributes->size);
    if (attributes != NULL) free(attributes->data);
    put_inner(&n->graph, 1, &node);
}

static void convolve(net_file *n, const char *op, const int dims[4], int kernel, int step, int pad) {
    char w[32];
    bytes a = {0};
    const int kernels[2] = {kernel, kernel}, steps[2] = {step, step}, pads[4] = {pad, pad, pad, pad};
    snprintf(w, sizeof w, "w%d", n->made);
    weights(n, w, 2 + n->rank, dims, sqrt(2.0 / (n->channels * (n->rank == 2 ? kernel * kernel : kernel))), 0);
    const char *others[1] = {w};
    int one = n->rank == 1; /* a list of one number is no number */
    for (int k = 0; k < 3; k++) {
        static const char *const names[] = {"kernel_shape", "strides", "pads"};
        const int *values = k == 0 ? kernels : k == 1 ? steps : pads;
        if (!one || k == 2) {
            attribute(&a, names[k], k == 2 ? 2 * n->rank : 2, values);
        } else {
            bytes list = {0};
            put_text(&list, 1, names[k]);
            put_int(&list, 8, (unsigned long long)values[0]);
            put_int(&list, 20, 7);
            put_inner(&a, 5, &list);
        }
    }
    add(n, op, others, 1, &a);
}

void net_file_conv(net_file *n, int channels, int kernel) {
    const int dims[4] = {channels, n->channels, kernel, kernel};
    convolve(n, "Conv", dims, kernel, 1, kernel / 2);
    n->channels = channels;
}

void net_file_up(net_file *n, int channels) {
    const int dims[4] = {n->channels, channels, 2, 2};
    convolve(n, "ConvTranspose", dims, 2, 2, 0);
    n->channels = channels;
}

void net_file_norm(net_file *n) {
    static const char stems[4] = {'s', 'b', 'm', 'r'};
    char names[4][32];
    const char *others[4];
    for (int i = 0; i < 4; i++) {
        snprintf(names[i], sizeof names[i], "%c%d", stems[i], n->made);
        weights(n, names[i], 1, &n->channels, 0, i == 0 || i == 3);
        others[i] = names[i];
    }
    add(n, "BatchNormalization", others, 4, NULL);
    add(n, "Relu", NULL, 0, NULL);
}

void net_file_pool(net_file *n) {
    bytes a = {0};
    static const char *const names[] = {"kernel_shape", "strides"};
    for (int k = 0; k < 2; k++) {
        bytes list = {0};
        put_text(&list, 1, names[k]);
        for (int i = 0; i < n->rank; i++) put_int(&list, 8, 2);
        put_int(&list, 20, 7);
        put_inner(&a, 5, &list);
    }
    add(n, "MaxPool", NULL, 0, &a);
}

void net_file_join(net_file *n, const char *other, int channels) {
    bytes a = {0};
    attribute(&a, "axis", 1, (const int[]){1});
    add(n, "Concat", &other, 1, &a);
    n->channels += channels;
}

void net_file_classes(net_file *n, int classes) {
    const int dims[2] = {n->channels, classes};
    static const char *const others[] = {"product", "shift"};
    add(n, "GlobalAveragePool", NULL, 0, NULL);
    add(n, "Flatten", NULL, 0, NULL);
    weights(n, "product", 2, dims, sqrt(1.0 / n->channels), 0);
    weights(n, "shift", 1, &classes, 0, 0);
    add(n, "Gemm", others, 2, NULL);
    n->channels = classes;
}

void net_file_end(net_file *n, int rank, const char *path) {
    bytes model = {0}, opset = {0}, node = {0};
    const int dims[4] = {0, n->channels, 0, 0};
    put_text(&node, 1, n->x);
    put_text(&node, 2, "y");
    put_text(&node, 4, "Identity");
    put_inner(&n->graph, 1, &node);
    put_text(&n->graph, 2, "net");
    put_value(&n->graph, 12, "y", rank, dims);
    put_int(&model, 1, 8);
    put_int(&opset, 2, 17);
    put_inner(&model, 8, &opset);
    put_inner(&model, 7, &n->graph);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(model.data, 1, model.size, file) != model.size || fclose(file) != 0) abort();
    free(model.data);
}
