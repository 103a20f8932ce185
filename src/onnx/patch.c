/* patch.c: fields of the file copied or replaced, one by one.
 *
 * The file has been scanned, so the walk cannot fail. Whether a nested message changed is known when it has been
 * counted; only then is its length written anew, behind the tag as the file has it.
 */
#include "onnx/patch.h"

#include "onnx/schema.h"

#include <string.h>

eki_patch eki_patch_of(eki_emit *emit, eki_bytes origin) {
    return (eki_patch){.emit = emit, .wire = eki_wire_of(origin.data, 0, origin.size)};
}

bool eki_patch_next(eki_patch *patch, eki_field *field) {
    bool more = false;
    if (eki_wire_next(&patch->wire, field, &more, NULL) != EK_OK || !more) return false;
    uint64_t bit = field->number < 64 ? EKI_FIELD_BIT(field->number) : 0;
    patch->first = (patch->seen & bit) == 0;
    patch->seen |= bit;
    return true;
}

bool eki_patch_seen(const eki_patch *patch, uint32_t number) { return (patch->seen & EKI_FIELD_BIT(number)) != 0; }

void eki_patch_copy(eki_patch *patch, const eki_field *field) {
    eki_emit_raw(patch->emit, patch->wire.base + field->start, field->end - field->start);
}

void eki_patch_rest(eki_patch *patch) {
    for (eki_field field; eki_patch_next(patch, &field);) eki_patch_copy(patch, &field);
}

void eki_patch_drop(eki_patch *patch) { patch->emit->changed = true; }

void eki_patch_text(eki_patch *patch, const eki_field *field, const char *text) {
    size_t size = strlen(text);
    if (field->size == size && (size == 0 || memcmp(field->data, text, size) == 0)) {
        eki_patch_copy(patch, field);
    } else {
        eki_emit_bytes(patch->emit, field->number, text, size);
    }
}

void eki_patch_varint(eki_patch *patch, const eki_field *field, uint64_t value) {
    if (field->value == value) {
        eki_patch_copy(patch, field);
    } else {
        eki_emit_varint(patch->emit, field->number, value);
    }
}

void eki_patch_message(eki_patch *patch, const eki_field *field, eki_emit_fn body, const eki_graph *graph,
                       const void *item) {
    eki_emit *emit = patch->emit, count = eki_emit_counting(emit);
    size_t behind_tag = field->start;
    uint64_t tag;
    body(&count, graph, item);
    if (!count.changed) {
        eki_patch_copy(patch, field);
        return;
    }
    (void)eki_wire_varint(patch->wire.base, &behind_tag, field->end, &tag);
    eki_emit_raw(emit, patch->wire.base + field->start, behind_tag - field->start);
    emit->changed = true;
    eki_emit_counted(emit, &count, body, graph, item);
}
