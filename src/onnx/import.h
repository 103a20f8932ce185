/* import.h: what the parts of the import share. By then the scan has found every range well formed. */
#ifndef EKI_ONNX_IMPORT_H
#define EKI_ONNX_IMPORT_H

#include "onnx/graph.h"
#include "onnx/wire.h"

typedef struct eki_symbol_slot {
    int64_t dim; /* negative, as in a shape; 0 = free */
} eki_symbol_slot;

typedef struct eki_import {
    eki_graph *graph;
    const char *folder; /* where external data may lie; NULL = nowhere */
    size_t budget;      /* bytes the load may use */
    size_t free_used;   /* bytes of the graph's arena that do not count (a copy of the file) */
    char *name;         /* scratch: a name with its NUL */
    size_t cap_name;
    eki_value **refs; /* scratch: inputs and outputs of one node */
    size_t cap_refs;
    eki_symbol_slot *symbols; /* hash table of named dimensions; the size is a power of two */
    size_t cap_symbols, n_symbols;
    struct eki_import *outer; /* of a nested graph: the import of the one around it */
    size_t nested_used;       /* bytes of those nested in it that are done */
    size_t widened;           /* bytes of half precision that became f32 while loading */
    bool may_sleep;           /* the tensor at hand may stay as it lies in the file */
} eki_import;

/* Its scratch memory. */
void eki_import_free(eki_import *import);

/* Bytes that this graph uses, without those around it. */
size_t eki_import_used(const eki_import *import);

/* EK_ERR_LIMIT when `bytes` more would exceed the budget. */
ek_status eki_import_charge(eki_import *import, size_t bytes, ek_error *err);

/* Zeroed memory of the graph, within the budget. */
ek_status eki_import_alloc(eki_import *import, size_t bytes, void **out, ek_error *err);

/* The payload as a NUL-terminated string of the graph. */
ek_status eki_import_text(eki_import *import, const eki_field *field, const char **text, ek_error *err);

/* The value of that name, added when new. */
ek_status eki_import_value(eki_import *import, const void *name, size_t size, eki_value **value, ek_error *err);

/* The value of that name, NULL when the graph has none. */
ek_status eki_import_find(eki_import *import, const void *name, size_t size, eki_value **value, ek_error *err);

/* The bytes of a message. */
eki_bytes eki_import_origin(const eki_wire *wire);

/* The dimension of a dim_param. The empty name gives a fresh one. */
ek_status eki_import_symbol(eki_import *import, const void *name, size_t size, int64_t *dim, ek_error *err);

/* GraphProto, NodeProto, TensorProto, FunctionProto, OperatorSetIdProto. A tensor of a kind that is not read (strings,
 * a type of the future, more than EKI_MAX_RANK dimensions) gives *tensor = NULL. */
ek_status eki_import_graph(eki_import *import, eki_wire wire, ek_error *err);
typedef ek_status (*eki_import_body)(eki_import *import, eki_wire wire, ek_error *err);
/* A graph inside this one: nested where the body is eki_import_graph, else one that stands for itself. */
ek_status eki_import_inner(eki_import *import, eki_wire wire, eki_import_body body, eki_graph **graph, ek_error *err);
ek_status eki_import_nested(eki_import *import, eki_wire wire, eki_graph **graph, ek_error *err);
ek_status eki_import_functions(eki_import *import, eki_wire model, ek_error *err);
ek_status eki_import_opset(eki_import *import, eki_wire wire, ek_error *err);
/* All fields of that number, one after the other. */
typedef ek_status (*eki_import_item)(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err);
ek_status eki_import_all(eki_import *import, eki_wire wire, uint32_t number, eki_import_item each, ek_error *err);
/* The node list of a graph or function: the fields of that number. */
ek_status eki_import_nodes(eki_import *import, eki_wire wire, uint32_t number, ek_error *err);
ek_status eki_import_node(eki_import *import, eki_wire wire, uint32_t number, size_t index, ek_error *err);
ek_status eki_import_attr(eki_import *import, eki_wire wire, eki_attr *attr, ek_error *err);
ek_status eki_import_tensor(eki_import *import, eki_wire wire, eki_tensor **tensor, eki_bytes *name, ek_error *err);

#endif
