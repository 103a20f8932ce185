/* net_file.h: small ONNX files for tests, a layer a call; no library of ours has a part in them. */
#ifndef TESTS_NET_FILE_H
#define TESTS_NET_FILE_H

#include <stddef.h>

typedef struct bytes {
    unsigned char *data;
    size_t size, room;
} bytes;

/* A graph being written: the value that comes next is `x`, of `channels` channels. */
typedef struct net_file {
    bytes graph;
    char x[32];
    int channels, made, rank;  /* rank: of the places, 1 or 2 */
    unsigned long long stream; /* of the weights */
} net_file;

/* One f32 input "x" [N, channels, side (, side)]. */
net_file net_file_begin(int channels, int side, int rank);
void net_file_conv(net_file *n, int channels, int kernel);        /* same size, He's weights */
void net_file_norm(net_file *n);                                  /* batch norm and ReLU */
void net_file_pool(net_file *n);                                  /* the largest of 2 (x 2) */
void net_file_up(net_file *n, int channels);                      /* ConvTranspose, twice as large */
void net_file_join(net_file *n, const char *other, int channels); /* Concat */
void net_file_classes(net_file *n, int classes);                  /* global average, then a product */
/* The output "y" of this many extents; writes the file. */
void net_file_end(net_file *n, int rank, const char *path);

#endif
