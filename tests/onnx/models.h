/* models.h: small models and broken files, made in code, shared by the tests and the fuzzer. */
#ifndef TEST_ONNX_MODELS_H
#define TEST_ONNX_MODELS_H

#include <evenkeel/status.h>

#include "protobuild.h"

/* Pieces. Every add_ function appends one field to a GraphProto. */
void add_info(pb *graph, unsigned field, const char *name, const char *dim); /* f32 [dim,4]; dim NULL = 2 */
void add_node(pb *graph, const char *op, const char *in, const char *out);
void add_tensor(pb *graph, const char *name, int64_t rows, int64_t columns, size_t floats); /* raw_data of floats */

/* x -> Relu -> y, for a case to spoil; and the model around a graph, which is freed. */
void relu_graph(pb *graph);
void finish_model(pb *model, pb *graph);

/* A model with something of everything: all attribute types, unknown fields, functions, kept documentation. */
void rich_model(pb *model);

/* A broken file: what it is, how it is built, and what a load must say. EK_OK = it must load. */
typedef struct broken_case {
    const char *name;
    void (*build)(pb *file);
    ek_status status;
    const char *text; /* part of the message */
} broken_case;

typedef struct broken_list {
    const broken_case *cases;
    size_t count;
} broken_list;

enum { BROKEN_LISTS = 4 };
broken_list broken_wire(void);
broken_list broken_graphs(void);
broken_list broken_tensors(void);
broken_list broken_bombs(void);
broken_list broken_cases(int list); /* 0 to BROKEN_LISTS - 1 */

#endif
