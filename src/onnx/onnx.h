/* onnx.h: ONNX files to graphs and back.
 *
 * A load maps the file, checks every byte of its structure and fills a graph whose tensors point into the mapping. Any
 * bytes give a valid graph or an error that names the file, the place, what was found and what to do. A save writes
 * the graph beside the target and renames it over, so that a file is never half-written. What nobody changed is
 * written back byte for byte, what is not modelled included.
 *
 *     eki_graph *graph;
 *     EKI_TRY(eki_onnx_load("model.onnx", NULL, &graph, err));
 *     ek_status status = eki_onnx_save(graph, "copy.onnx", err);
 *     eki_graph_destroy(graph);
 */
#ifndef EKI_ONNX_H
#define EKI_ONNX_H

#include "onnx/graph.h"

typedef struct eki_onnx_load_options {
    size_t budget; /* bytes of memory a load may use beside the mapped file; 0 = 4 x file + 64 MiB */
} eki_onnx_load_options;

/* Statuses: EK_ERR_IO (not readable), EK_ERR_FORMAT (damaged, or not ONNX), EK_ERR_LIMIT (nesting, size or budget),
 * EK_ERR_UNSUPPORTED (data in another file than bytes in memory), EK_ERR_NOMEM. *graph is NULL after a failure.
 * Tensor data borrowed from the file need not be aligned to its element type: memcpy it, or eki_tensor_own first. */
ek_status eki_onnx_load(const char *path, const eki_onnx_load_options *options, eki_graph **graph, ek_error *err);

/* The same from memory, which is copied; `name` stands for the file in messages. */
ek_status eki_onnx_load_bytes(const void *data, size_t size, const char *name, const eki_onnx_load_options *options,
                              eki_graph **graph, ek_error *err);

/* The bytes of a file that has passed the scan, for readers of the wire format. No more is checked than that; statuses
 * as of a load. Close with eki_map_close. */
ek_status eki_onnx_map(const char *path, eki_map *map, ek_error *err);

/* Writes a ModelProto with all data in it. The same graph always gives the same bytes. EK_ERR_LIMIT above 2 GiB,
 * protobuf's limit, before anything is written. */
ek_status eki_onnx_write(const eki_graph *graph, eki_writer *writer, ek_error *err);

/* Replaces the file at `path`, which may be the one the graph was loaded from. Tensors that are stored beside the
 * model's file stay so: where `path` is in the same folder, unchanged ones keep their place and changed ones go to
 * NAME.data; elsewhere all go to NAME.data, which is replaced before the model. */
ek_status eki_onnx_save(const eki_graph *graph, const char *path, ek_error *err);

/* The declaration of an input or output (its ValueInfoProto) as a save would write it; in the graph's arena. */
ek_status eki_onnx_declaration(eki_graph *graph, const eki_value *value, eki_bytes *bytes, ek_error *err);
/* The reverse: a value of the graph is declared by these bytes, which must live as long as it. EK_ERR_FORMAT: they are
 * no declaration, or of no value of the graph that has a producer. */
ek_status eki_onnx_declare(eki_graph *graph, eki_bytes bytes, eki_value **value, ek_error *err);

#endif
