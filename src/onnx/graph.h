/* graph.h: the document: an ONNX file in memory, the only model there is.
 *
 * Three kinds of things: values (the edges: inputs, initializers, results), nodes (the operators) and tensors (data).
 * All names and structs live in the graph's arena; tensor data is either borrowed from the mapped file or owned.
 * Each thing remembers its `origin`, the bytes of its message in the file. A save compares what is here with what the
 * origin says and copies every field that still holds, known or not; so what nobody changed keeps its bytes.
 * Graphs nest (the branches of If, the bodies of Loop and Scan), and functions have bodies: graphs of their own.
 */
#ifndef EKI_GRAPH_H
#define EKI_GRAPH_H

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "ops/ops.h"

#include <stdbool.h>
#include <stdint.h>

enum { EKI_MAX_RANK = 8 };

/* Extents. A dimension >= 0 is known. A negative one is symbolic: -1 - index into eki_graph.symbols; equal symbols are
 * equal extents. rank -1 = nothing known. */
typedef struct eki_shape {
    int rank;
    int64_t dims[EKI_MAX_RANK];
} eki_shape;

typedef struct eki_bytes {
    const void *data;
    size_t size;
} eki_bytes;

/* Half precision is for files: float16 and bfloat16 values and tensors are EK_F32 here, with the type of the file in
 * `stored` (else EK_DTYPE_NONE), in which they are written again. */

/* Data in row-major order. Typed ONNX fields (float_data, ...) are converted to raw bytes on load. */
typedef struct eki_tensor {
    ek_dtype dtype, stored;
    eki_shape shape; /* all dimensions known */
    void *data;      /* never written while `owned` is false: call eki_tensor_own first; borrowed data
                        may be unaligned: memcpy it, or own it */
    size_t bytes;
    bool owned;
    const void *narrow;   /* of a large one in half precision: its numbers as they lie in the file; `data` is NULL until
                             somebody needs them (eki_tensor_own, eki_graph_wake) */
    eki_bytes origin;     /* its TensorProto; data NULL = new */
    eki_bytes loaded;     /* its data as it was loaded; where `data` is another, it may have changed */
    const char *location; /* the file beside the model's that has it, NULL = the model's own; and where in it */
    uint64_t offset;
    struct eki_tensor *source; /* in a program: the document's tensor whose data this is; NULL = none */
} eki_tensor;

typedef struct eki_node eki_node;

typedef struct eki_graph eki_graph;
typedef struct eki_value eki_value;

enum eki_in_file { EKI_IN_INPUTS = 1, EKI_IN_OUTPUTS = 2, EKI_IN_VALUE_INFO = 4, EKI_IN_INITIALIZERS = 8 };

struct eki_value {
    const char *name; /* unique in the graph, never empty */
    int id;           /* index in eki_graph.values */
    ek_dtype dtype;   /* EK_DTYPE_NONE = unknown */
    ek_dtype stored;  /* as of a tensor */
    eki_shape shape;  /* as declared or inferred */
    eki_tensor *init; /* data of an initializer, else NULL */
    eki_node *producer;
    int producer_output;
    int input_index; /* position among graph inputs, or -1 (an initializer may also be an input: a default) */
    bool is_output;
    bool declared;         /* has a ValueInfoProto: input, output or value_info */
    bool opaque;           /* a constant of a kind that is not read: sparse, strings, a type of the future */
    uint8_t in_file;       /* set of eki_in_file: what the file says of it */
    eki_bytes origin;      /* the first ValueInfoProto of its name in the file */
    eki_value *replaces;   /* of an input or output: the one whose place in the file's list it takes; else NULL */
    eki_value *outer;      /* in a nested graph: the value of an outer one that it stands for */
    int captured;          /* how many values of nested graphs stand for this one */
    const eki_value *body; /* in a program: the value of a function's body that it is a copy of; else NULL */
};

typedef enum eki_attr_type {
    EKI_ATTR_OPAQUE = 0, /* a type not modelled (sparse tensor, type, ...): only its origin counts */
    EKI_ATTR_FLOAT,
    EKI_ATTR_INT,
    EKI_ATTR_STRING,
    EKI_ATTR_TENSOR,
    EKI_ATTR_FLOATS,
    EKI_ATTR_INTS,
    EKI_ATTR_STRINGS,
    EKI_ATTR_GRAPHS /* one graph or a list of them */
} eki_attr_type;

typedef struct eki_attr {
    const char *name;
    eki_attr_type type;
    float f;
    int64_t i;
    eki_bytes s;
    eki_tensor *t;
    size_t count; /* of floats, ints, strings, graphs */
    const float *floats;
    const int64_t *ints;
    const eki_bytes *strings;
    eki_graph **graphs;
    const char *ref;  /* in a function: the attribute of the caller that stands here; the rest is then not set */
    eki_bytes origin; /* its AttributeProto; data NULL = new */
} eki_attr;

struct eki_node {
    const char *name;     /* may be "" */
    eki_opcode op;        /* EKI_OP_NONE: of another domain, not known, or removed */
    const char *op_type;  /* "Conv"; NULL = removed */
    const char *domain;   /* "" = ai.onnx */
    const char *overload; /* which of several functions of that name; "" = the one without */
    const char *why;      /* in a program: why this call of a function is still one; else NULL */
    int id;               /* index in eki_graph.nodes */
    int n_in, n_out, n_attr;
    eki_value **in;  /* NULL = an optional input that is absent */
    eki_value **out; /* NULL = an output nobody asked for */
    eki_attr *attrs;
    int n_captures; /* values of this graph that those nested in the node read */
    eki_value **captures;
    /* In a program: the opset that it is of, 0 = the graph's; and of a norm, the output of the document's norm that it
     * stands for, NULL = its own. */
    int64_t opset;
    const char *norm_of;
    eki_bytes origin; /* its NodeProto; data NULL = new */
};

typedef struct eki_opset {
    const char *domain; /* "" = ai.onnx */
    int64_t version;
    bool implied;     /* by the IR version; not written as long as the version is 1 */
    eki_bytes origin; /* the first of its domain */
} eki_opset;

typedef struct eki_meta {
    const char *key, *value; /* value NULL: removed; a new value finds the old place again */
    eki_bytes origin;        /* of several entries with this key, the last */
} eki_meta;

/* Another file with tensor data, mapped as long as the graph lives. */
typedef struct eki_graph_file {
    const char *name;
    eki_map map;
    struct eki_graph_file *next;
} eki_graph_file;

/* A function of the model: an operator by its body. */
typedef struct eki_function {
    const char *domain, *name, *overload;
    eki_graph *body;
    eki_attr *defaults; /* attributes that a caller may leave out */
    int n_defaults;
} eki_function;

struct eki_graph {
    eki_arena arena;
    const char *path; /* the file it came from, for messages; "" = built here */
    const char *name;
    eki_map map;           /* the mapped file that borrowed tensors point into */
    ek_dtype half;         /* the type that its largest f32 initializer is stored in, for new ones */
    eki_graph_file *files; /* and others, where tensors are stored outside it */
    int64_t ir_version;
    size_t n_nodes, cap_nodes, n_values, cap_values, n_symbols, cap_symbols, n_opsets, n_meta, cap_meta;
    eki_node **nodes; /* in file order; eki_graph_sort makes it topological */
    eki_value **values;
    const char **symbols; /* names of symbolic dimensions */
    eki_opset *opsets;
    eki_meta *meta;
    size_t n_inputs, cap_inputs, n_outputs, cap_outputs;
    eki_value **inputs; /* graph inputs, initializers with defaults included */
    eki_value **outputs;
    struct eki_name_table *names;
    eki_bytes model_origin; /* its ModelProto */
    eki_bytes origin;       /* its GraphProto, or FunctionProto of a body */
    eki_node **file_nodes;  /* the node of each node field there; removed ones have op_type NULL */
    size_t n_file_nodes;
    const eki_graph *original; /* of a view, whose files it reads */
    eki_graph *parent;         /* of a nested graph, else NULL */
    bool is_function;          /* the body of one: its constants are nodes, it has no initializers */
    eki_node *owner;           /* the parent's node that it nests in */
    eki_graph **children;      /* nested graphs and bodies of functions, owned */
    size_t n_children, cap_children;
    eki_function *functions; /* of the model */
    size_t n_functions;
};

/* Calls `visit` for the graph, then for those nested in it and the bodies of its functions, each with its own. Ends at
 * the first that is not EK_OK, and returns it. */
typedef ek_status (*eki_graph_visit)(void *context, eki_graph *graph, ek_error *err);
ek_status eki_graph_each(eki_graph *graph, eki_graph_visit visit, void *context, ek_error *err);

/* Gives back the memory of these bytes where they are of a mapped file; they can be read again. */
void eki_graph_forget(const eki_graph *graph, const void *data, size_t size);

/* Life. A created graph is empty, at ONNX opset `opset`. */
ek_status eki_graph_create(int64_t opset, eki_graph **graph, ek_error *err);
void eki_graph_destroy(eki_graph *graph);
/* An empty graph that lives as long as this one and has its opsets: for an attribute. The body of a function has none
 * of both: set parent to NULL. */
ek_status eki_graph_add_child(eki_graph *graph, eki_graph **child, ek_error *err);

/* Building. Strings are copied. A value of an existing name is returned as it is. */
ek_status eki_graph_value(eki_graph *graph, const char *name, eki_value **value, ek_error *err);
/* A new value "STEM/suffix", with a number behind it where that is taken. */
ek_status eki_graph_fresh(eki_graph *graph, const char *stem, const char *suffix, eki_value **value, ek_error *err);
eki_value *eki_graph_find(const eki_graph *graph, const char *name); /* NULL = none */
/* Whether the graph, one around it or one in it has a value of that name: those of a document share their names. */
bool eki_graph_has_name(const eki_graph *graph, const char *name);
eki_value *eki_graph_find_bytes(const eki_graph *graph, const void *name, size_t size);
ek_status eki_graph_add_input(eki_graph *graph, eki_value *value, ek_error *err);
ek_status eki_graph_add_output(eki_graph *graph, eki_value *value, ek_error *err);
/* A node; in/out are copied; outputs get it as producer. EK_ERR_FORMAT when an output already has one. */
ek_status eki_graph_add_node(eki_graph *graph, const char *op_type, const char *domain, const char *name,
                             eki_value *const *in, int n_in, eki_value *const *out, int n_out, eki_node **node,
                             ek_error *err);
/* The same of ONNX's own domain. */
ek_status eki_graph_add_op(eki_graph *graph, eki_opcode op, const char *name, eki_value *const *in, int n_in,
                           eki_value *const *out, int n_out, eki_node **node, ek_error *err);
/* Makes it a node of another operator; inputs and attributes are the caller's matter. */
void eki_node_become(eki_node *node, eki_opcode op);
/* Marks it for eki_graph_sweep. */
void eki_node_drop(eki_node *node);
/* Room for one more attribute of the node, by name; an existing one of that name is reset and returned. */
ek_status eki_node_attr_slot(eki_graph *graph, eki_node *node, const char *name, eki_attr **attr, ek_error *err);
ek_status eki_node_set_int(eki_graph *graph, eki_node *node, const char *name, int64_t value, ek_error *err);
ek_status eki_node_set_float(eki_graph *graph, eki_node *node, const char *name, float value, ek_error *err);
ek_status eki_node_set_ints(eki_graph *graph, eki_node *node, const char *name, const int64_t *values, size_t count,
                            ek_error *err);
ek_status eki_node_set_string(eki_graph *graph, eki_node *node, const char *name, const char *text, ek_error *err);
void eki_node_remove_attr(eki_node *node, const char *name);

/* In the list of inputs or outputs, and in that of the file, one value takes the place of another. */
void eki_graph_replace_input(eki_graph *graph, eki_value *old, eki_value *now);
void eki_graph_replace_output(eki_graph *graph, eki_value *old, eki_value *now);

/* A symbolic dimension by name (added when new), as the negative number that stands for it in a shape. "" gives a
 * fresh symbol, equal to no other. */
ek_status eki_graph_symbol(eki_graph *graph, const char *name, int64_t *dim, ek_error *err);

ek_status eki_graph_add_opset(eki_graph *graph, const char *domain, int64_t version, ek_error *err);
/* 0 = not imported; "" and "ai.onnx" are one. Nested graphs have the opsets of the model. */
int64_t eki_graph_opset(const eki_graph *graph, const char *domain);
/* That a node is of. */
int64_t eki_node_opset(const eki_graph *graph, const eki_node *node);

const char *eki_graph_meta(const eki_graph *graph, const char *key); /* NULL = none */
/* NULL removes the key. */
ek_status eki_graph_set_meta(eki_graph *graph, const char *key, const char *value, ek_error *err);

/* Takes what eki_node_drop marked out of `nodes`. */
void eki_graph_sweep(eki_graph *graph);

/* Finds, for the graph and all in it, what nested graphs read of outer ones; anew after they were changed. */
ek_status eki_graph_resolve(eki_graph *graph, ek_error *err);

/* Orders nodes so that producers come first. Nodes of the file keep its order where that is such an order already; each
 * other node comes right before the first that needs it. EK_ERR_FORMAT names a node on a cycle. */
ek_status eki_graph_sort(eki_graph *graph, ek_error *err);

/* Checks what every model must fulfil: used values have a source, no value has two, outputs exist. In nested graphs and
 * bodies of functions too. */
ek_status eki_graph_check(eki_graph *graph, ek_error *err);

/* Shapes and types as the file declares them, to be put back when inference has served. */
typedef struct eki_declared {
    size_t count;
    struct {
        ek_dtype dtype;
        eki_shape shape;
    } values[];
} eki_declared;
ek_status eki_declared_keep(const eki_graph *graph, eki_declared **declared, ek_error *err);
void eki_declared_restore(eki_graph *graph, eki_declared *declared); /* and frees */

/* Attributes. The fallback is returned when the attribute is absent or of another type. */
const eki_attr *eki_node_attr(const eki_node *node, const char *name);
int64_t eki_node_int(const eki_node *node, const char *name, int64_t fallback);
float eki_node_float(const eki_node *node, const char *name, float fallback);
bool eki_node_ints(const eki_node *node, const char *name, const int64_t **values, size_t *count);
bool eki_node_string_is(const eki_node *node, const char *name, const char *text, bool fallback);

/* The name of an attribute whose value is the caller's, in a function; NULL = there is none. */
const char *eki_node_reference(const eki_node *node);

/* The name of its first output, or "" where it has none; its own name, or for want of one that. Never NULL. */
const char *eki_node_output(const eki_node *node);
const char *eki_node_name(const eki_node *node);

/* "node 'conv1' (Conv)", or by first output when the node has no name. Written into and returned as `text`. */
const char *eki_node_label(const eki_node *node, char text[192]);

/* Tensors. */
size_t eki_dtype_bytes(ek_dtype dtype); /* 0 = no fixed size */
const char *eki_dtype_name(ek_dtype dtype);
/* Bytes of an input that a file declares, or a caller asks for, as `shape`: no more than this process can hope for.
 * EK_ERR_LIMIT names the input, its shape and what there is. */
ek_status eki_input_bytes(const eki_graph *graph, const char *name, ek_dtype dtype, const eki_shape *shape,
                          size_t *bytes, ek_error *err);
/* Elements of a fully known shape; false on a symbolic dimension or where strides would overflow. */
bool eki_shape_count(const eki_shape *shape, int64_t *count);
/* Product of the known dimensions above 1: as far as any stride or offset can go, also in an empty tensor such as
 * [0, 2^62, 4]. false on overflow. */
bool eki_shape_reach(const eki_shape *shape, int64_t *reach);
/* What the engine works with. Every shape that inference lets through stays below it, so that sums and products of a
 * few extents cannot overflow. */
#define EKI_MAX_ELEMENTS ((int64_t)1 << 40)
bool eki_shape_known(const eki_shape *shape);
bool eki_shape_equal(const eki_shape *a, const eki_shape *b);
eki_shape eki_shape_of(int rank, const int64_t *dims);
/* "[2,3,N,8]"; symbols by name when graph is given. */
const char *eki_shape_text(const eki_graph *graph, const eki_shape *shape, char text[192]);
/* A zeroed tensor in the graph's arena (folded constants). */
ek_status eki_tensor_create(eki_graph *graph, ek_dtype dtype, const eki_shape *shape, eki_tensor **tensor,
                            ek_error *err);
/* Rounds the numbers of a tensor that is stored in half precision to what the file can hold. */
void eki_tensor_round(eki_tensor *tensor);
/* A zeroed initializer of that name: a value with data of its own. */
ek_status eki_graph_add_tensor(eki_graph *graph, const char *name, ek_dtype dtype, const eki_shape *shape,
                               eki_value **value, ek_error *err);
/* The same in whatever way the graph has constants: in a function's body, which has no initializers, as the result of a
 * Constant node. */
ek_status eki_graph_add_constant(eki_graph *graph, const char *name, ek_dtype dtype, const eki_shape *shape,
                                 eki_value **value, eki_tensor **tensor, ek_error *err);
/* Whether the data may be read as its element type where it lies; in a mapped file it need not be aligned. Never of one
 * that sleeps. */
bool eki_tensor_aligned(const eki_tensor *tensor);
/* Makes the data writable and aligned (copies it out of the mapped file). A tensor of a program then has the data of
 * the document's, which is made so: what is written is written there. */
ek_status eki_tensor_own(eki_tensor *tensor, ek_error *err);

/* Whether its numbers are those of the file alone, in half precision; and element `index` of a f32 tensor, asleep or
 * not, wherever it lies. */
bool eki_tensor_sleeps(const eki_tensor *tensor);
float eki_tensor_f32(const eki_tensor *tensor, int64_t index);
/* Wakes all initializers of the graph and of those in it. */
ek_status eki_graph_wake(eki_graph *graph, ek_error *err);

/* Gives it zeroed data of its own, of that shape. */
ek_status eki_tensor_replace(eki_tensor *tensor, const eki_shape *shape, ek_error *err);

/* i64/i32 tensors read as int64 (shapes, axes, pads). EK_ERR_DTYPE otherwise. Arena-owned result. */
ek_status eki_tensor_ints(eki_graph *graph, const eki_tensor *tensor, const int64_t **values, size_t *count,
                          ek_error *err);

#endif
