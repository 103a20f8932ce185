/* patch.h: writing a message anew from the bytes it came from.
 *
 * A body walks the fields of the origin and, for each, says what is there now; what still says the same is copied as it
 * stands, whatever its encoding. Behind the walk it puts what the origin did not have. For a message that is new the
 * walk is empty.
 *
 *     eki_patch p = eki_patch_of(emit, node->origin);
 *     for (eki_field f; eki_patch_next(&p, &f);) {
 *         if (f.number == NODE_NAME) eki_patch_text(&p, &f, node->name);
 *         else eki_patch_copy(&p, &f);
 *     }
 *     if (!eki_patch_seen(&p, NODE_NAME)) eki_emit_text(emit, NODE_NAME, node->name);
 */
#ifndef EKI_ONNX_PATCH_H
#define EKI_ONNX_PATCH_H

#include "onnx/emit.h"
#include "onnx/wire.h"

typedef struct eki_patch {
    eki_emit *emit;
    eki_wire wire;
    uint64_t seen; /* field numbers below 64 */
    bool first;    /* whether the current field is the first of its number */
} eki_patch;

eki_patch eki_patch_of(eki_emit *emit, eki_bytes origin);
bool eki_patch_next(eki_patch *patch, eki_field *field);
bool eki_patch_seen(const eki_patch *patch, uint32_t number);

/* What becomes of the field: it stands; it is left out; it holds this now. */
void eki_patch_copy(eki_patch *patch, const eki_field *field);
void eki_patch_drop(eki_patch *patch);
void eki_patch_text(eki_patch *patch, const eki_field *field, const char *text);
void eki_patch_varint(eki_patch *patch, const eki_field *field, uint64_t value);
/* A message whose body knows its own origin, which is this field. */
void eki_patch_message(eki_patch *patch, const eki_field *field, eki_emit_fn body, const eki_graph *graph,
                       const void *item);

/* The same as a body: the fields as they are. */
void eki_patch_rest(eki_patch *patch);

#endif
