/* emit.h: writing the protobuf wire format without building messages in memory.
 *
 * The same functions run twice: once to count (for the length in front of a message), once to write. An error sticks;
 * it is looked at once, at the end. What is given to eki_emit_raw are fields of the file as they stand there; all else
 * is new, which `changed` notes.
 */
#ifndef EKI_ONNX_EMIT_H
#define EKI_ONNX_EMIT_H

#include "onnx/graph.h"

typedef struct eki_emit {
    eki_writer *writer;    /* NULL = only count */
    unsigned char *memory; /* with room for all: the bytes go there too; else NULL */
    uint64_t size;
    bool changed; /* anything but whole fields of the file was put, or one of those left out */
    ek_status status;
    ek_error *err;
    const eki_graph *graph;          /* the document, whose mapped pages are given back once written */
    const struct eki_places *places; /* where tensors stored outside the file will lie; NULL = all are in it */
} eki_emit;

/* A message's fields: calls the functions below. */
typedef void (*eki_emit_fn)(eki_emit *emit, const eki_graph *graph, const void *item);

void eki_emit_raw(eki_emit *emit, const void *data, size_t size); /* complete fields */
void eki_emit_varint(eki_emit *emit, uint32_t number, uint64_t value);
void eki_emit_float(eki_emit *emit, uint32_t number, float value);
void eki_emit_bytes(eki_emit *emit, uint32_t number, const void *data, size_t size);
/* The numbers in half precision, alone or as a field. */
void eki_emit_narrowed(eki_emit *emit, ek_dtype dtype, const float *floats, size_t count);
void eki_emit_halves(eki_emit *emit, uint32_t number, ek_dtype dtype, const float *floats, size_t count);
void eki_emit_text(eki_emit *emit, uint32_t number, const char *text);
void eki_emit_message(eki_emit *emit, uint32_t number, eki_emit_fn body, const eki_graph *graph, const void *item);

/* The two halves of eki_emit_message: an emit that only counts, and length and body behind a tag. */
eki_emit eki_emit_counting(const eki_emit *emit);
void eki_emit_counted(eki_emit *emit, const eki_emit *count, eki_emit_fn body, const eki_graph *graph,
                      const void *item);

#endif
