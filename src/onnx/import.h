/* import.h: what the parts of the import share. By then the scan has found every range well formed. */
#ifndef EKI_ONNX_IMPORT_H
#define EKI_ONNX_IMPORT_H

#include "graph/graph.h"
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
} eki_import;

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

/* The fields of `wire` whose numbers are not in the set `modelled` (and that `also` wants, if given): borrowed from the
 * file when they lie together, else copied. */
typedef bool (*eki_import_filter)(eki_import *import, const eki_wire *wire, const eki_field *field, bool unmodelled);
ek_status eki_import_keep(eki_import *import, eki_wire wire, uint64_t modelled, eki_import_filter filter,
                          eki_bytes *keep, ek_error *err);

/* The dimension of a dim_param. The empty name gives a fresh one. */
ek_status eki_import_symbol(eki_import *import, const void *name, size_t size, int64_t *dim, ek_error *err);

/* GraphProto, NodeProto, TensorProto. A tensor whose data the engine cannot hold (strings) gives *tensor = NULL when
 * it belongs to an attribute, and EK_ERR_UNSUPPORTED when it is an initializer. */
ek_status eki_import_graph(eki_import *import, eki_wire wire, ek_error *err);
ek_status eki_import_node(eki_import *import, eki_wire wire, size_t index, ek_error *err);
ek_status eki_import_attr(eki_import *import, eki_wire wire, eki_attr *attr, ek_error *err);
ek_status eki_import_tensor(eki_import *import, eki_wire wire, bool initializer, eki_tensor **tensor, eki_bytes *name,
                            ek_error *err);

#endif
