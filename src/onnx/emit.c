/* emit.c: the wire format, outwards. Varints are minimal and fields come in the order of the calls, so the bytes are a
 * function of the graph alone. A nested message is counted before it is written: work grows with the nesting, memory
 * does not grow at all, and tensor data is never copied.
 */
#include "onnx/emit.h"

#include "base/half.h"
#include "onnx/wire.h"

#include <string.h>

enum { AT_ONCE = 1 << 22, WORTH = 1 << 16 };

/* A large range goes through memory in parts: its pages, where it is a mapped file, are given back at once. */
static ek_status put(eki_emit *emit, const unsigned char *data, size_t size) {
    for (size_t n; size > 0; size -= n, data += n) {
        n = size < AT_ONCE ? size : AT_ONCE;
        EKI_TRY(eki_writer_put(emit->writer, data, n, emit->err));
        if (n >= WORTH && emit->graph != NULL) eki_graph_forget(emit->graph, data, n);
    }
    return EK_OK;
}

void eki_emit_raw(eki_emit *emit, const void *data, size_t size) {
    if (emit->memory != NULL && size > 0) memcpy(emit->memory + emit->size, data, size);
    emit->size += size;
    if (emit->writer == NULL || emit->status != EK_OK || size == 0) return;
    emit->status = put(emit, data, size);
}

static void put_varint(eki_emit *emit, uint64_t value) {
    unsigned char bytes[10];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) bytes[size++] = (unsigned char)(value | 0x80);
    bytes[size++] = (unsigned char)value;
    eki_emit_raw(emit, bytes, size);
}

static void put_tag(eki_emit *emit, uint32_t number, eki_wire_type type) {
    emit->changed = true;
    put_varint(emit, (uint64_t)number << 3 | (uint64_t)type);
}

void eki_emit_varint(eki_emit *emit, uint32_t number, uint64_t value) {
    put_tag(emit, number, EKI_WIRE_VARINT);
    put_varint(emit, value);
}

void eki_emit_float(eki_emit *emit, uint32_t number, float value) {
    put_tag(emit, number, EKI_WIRE_32);
    eki_emit_raw(emit, &value, sizeof value);
}

void eki_emit_bytes(eki_emit *emit, uint32_t number, const void *data, size_t size) {
    put_tag(emit, number, EKI_WIRE_BYTES);
    put_varint(emit, size);
    eki_emit_raw(emit, data, size);
}

void eki_emit_narrowed(eki_emit *emit, ek_dtype dtype, const float *floats, size_t count) {
    enum { HALVES = 2048 };
    uint16_t halves[HALVES];
    for (size_t i = 0, n; i < count; i += n) {
        n = count - i < HALVES ? count - i : HALVES;
        if (emit->writer != NULL) eki_half_narrow(dtype, floats + i, halves, n);
        eki_emit_raw(emit, halves, 2 * n);
    }
}

void eki_emit_halves(eki_emit *emit, uint32_t number, ek_dtype dtype, const float *floats, size_t count) {
    put_tag(emit, number, EKI_WIRE_BYTES);
    put_varint(emit, 2 * (uint64_t)count);
    eki_emit_narrowed(emit, dtype, floats, count);
}

void eki_emit_text(eki_emit *emit, uint32_t number, const char *text) {
    eki_emit_bytes(emit, number, text, strlen(text));
}

void eki_emit_message(eki_emit *emit, uint32_t number, eki_emit_fn body, const eki_graph *graph, const void *item) {
    eki_emit count = eki_emit_counting(emit);
    body(&count, graph, item);
    put_tag(emit, number, EKI_WIRE_BYTES);
    eki_emit_counted(emit, &count, body, graph, item);
}

eki_emit eki_emit_counting(const eki_emit *emit) {
    return (eki_emit){.writer = NULL, .status = EK_OK, .graph = emit->graph, .places = emit->places};
}

void eki_emit_counted(eki_emit *emit, const eki_emit *count, eki_emit_fn body, const eki_graph *graph,
                      const void *item) {
    put_varint(emit, count->size);
    if (emit->writer == NULL && emit->memory == NULL) {
        emit->size += count->size;
    } else if (emit->status == EK_OK) {
        body(emit, graph, item);
    }
}
