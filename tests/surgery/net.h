/* net.h: small graphs for the tests of surgery, a layer a call. Any failure ends the test. */
#ifndef SURGERY_NET_H
#define SURGERY_NET_H

#include "surgery/surgery.h"
#include "train/train_fixture.h"

typedef struct net {
    eki_graph *graph;
    eki_value *x; /* current value */
    int rank;     /* of the images */
    int made;     /* numbers values and seeds their data */
} net;

/* A graph at this opset with one f32 input; an extent of -1 is open. */
net net_start(int64_t opset, int rank, const int64_t *dims);
net net_image(int64_t opset, int64_t channels, int64_t extent); /* [N,channels,extent,extent] */
/* An initializer with values uniform in [low, high]. */
eki_value *net_constant(net *n, const char *name, int rank, const int64_t *dims, double low, double high);
eki_value *net_vector(net *n, const char *name, int64_t count, double low, double high);
/* A node on `in` (NULL-terminated is not needed: n_in counts); its output becomes x. */
eki_node *net_node(net *n, const char *op_type, const char *name, eki_value *const *in, int n_in);
eki_node *net_one(net *n, const char *op_type, const char *name);                   /* of x alone */
eki_node *net_two(net *n, const char *op_type, const char *name, eki_value *other); /* x and another */

typedef struct conv_shape {
    int64_t in, out, kernel, pad, group;
} conv_shape;
eki_node *net_conv(net *n, const char *name, conv_shape shape, bool bias);
eki_node *net_deconv(net *n, const char *name, conv_shape shape, bool bias); /* ConvTranspose */
/* An initializer becomes the result of a Constant node; sort the graph when done. */
void net_to_node(net *n, eki_value *value);
/* [in,out] weights, [out,in] with transB. */
eki_node *net_gemm(net *n, const char *name, int64_t in, int64_t out, bool transposed, bool bias);
eki_node *net_matmul(net *n, const char *name, int64_t in, int64_t out);
eki_node *net_bn(net *n, const char *name, int64_t channels);
void net_output(net *n, eki_value *value);
/* x becomes the output; the graph becomes a model. */
ek_model *net_finish(net *n);

#endif
