/* external.c: external tensor data, read but never trusted.
 *
 * The location is walked folder by folder from the model's own, links refused at every step, and what is open then is
 * examined, so that nothing can be exchanged between check and use (the ways out that files have taken: `..`, absolute
 * names, symbolic and hard links, pipes). Ranges are compared without sums that could wrap.
 */
#include "onnx/external.h"

#include "base/file.h"
#include "onnx/schema.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_LOCATION = 1024, MAX_FILES = 4096 };

static bool is_text(const eki_field *field, const char *text) {
    return field->size == strlen(text) && memcmp(field->data, text, field->size) == 0;
}

ek_status eki_external_entry(eki_external *external, eki_wire wire, ek_error *err) {
    eki_field key = {0}, value = {0}, field;
    bool more = true;
    for (;;) {
        EKI_TRY(eki_wire_next(&wire, &field, &more, err));
        if (!more) break;
        if (field.number == ENTRY_KEY) key = field;
        if (field.number == ENTRY_VALUE) value = field;
    }
    external->present = true;
    if (is_text(&key, "checksum") || is_text(&key, "basepath")) return EK_OK;
    eki_bytes *slot = is_text(&key, "location") ? &external->location
                      : is_text(&key, "offset") ? &external->offset
                      : is_text(&key, "length") ? &external->length
                                                : NULL;
    int shown = key.size < 80 ? (int)key.size : 80;
    const char *name = key.size > 0 ? (const char *)key.data : "";
    if (slot == NULL) {
        return eki_fail(err, EK_ERR_FORMAT, "external_data has the key '%.*s', expected location, offset, length",
                        shown, name);
    }
    if (slot->data != NULL) {
        return eki_fail(err, EK_ERR_FORMAT, "external_data has the key '%.*s' twice, expected once", shown, name);
    }
    *slot = (eki_bytes){.data = value.size > 0 ? value.data : (const unsigned char *)"", .size = value.size};
    return EK_OK;
}

/* Decimal digits, nothing else. */
ek_status eki_external_number(eki_bytes text, const char *what, uint64_t fallback, uint64_t *number, ek_error *err) {
    const char *digits = text.data;
    *number = fallback;
    if (text.data == NULL) return EK_OK;
    bool fits = text.size > 0;
    *number = 0;
    for (size_t i = 0; fits && i < text.size; i++) {
        fits = digits[i] >= '0' && digits[i] <= '9' && !__builtin_mul_overflow(*number, 10u, number) &&
               !__builtin_add_overflow(*number, (uint64_t)(digits[i] - '0'), number);
    }
    if (fits) return EK_OK;
    return eki_fail(err, EK_ERR_FORMAT, "external_data has %s '%.*s', expected a number of bytes", what,
                    text.size < 80 ? (int)text.size : 80, digits);
}

static ek_status fail_location(const eki_bytes *location, const char *why, ek_error *err) {
    return eki_fail(err, EK_ERR_FORMAT,
                    "its data lies in '%.*s', %s; expected a file in the model's folder or below it",
                    location->size < 200 ? (int)location->size : 200, (const char *)location->data, why);
}

/* One name between slashes. */
static const char *fault_of_part(const char *part, size_t size) {
    if (size == 0) return "which begins or ends with a slash, or has two together";
    if (size == 1 && part[0] == '.') return "which has a part '.'";
    if (size == 2 && part[0] == '.' && part[1] == '.') return "which leaves its folder by '..'";
    return NULL;
}

ek_status eki_external_location(const eki_bytes *location, ek_error *err) {
    const char *text = location->data;
    if (text == NULL || location->size == 0) {
        return eki_fail(err, EK_ERR_FORMAT, "external_data has no location, expected the name of a file");
    }
    if (location->size >= MAX_LOCATION) return fail_location(location, "which is too long for a file name", err);
    for (size_t i = 0; i < location->size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return fail_location(location, "no name of a file", err);
        if (text[i] == '\\' || text[i] == ':') return fail_location(location, "which has a '\\' or a ':'", err);
    }
    for (size_t begin = 0; begin <= location->size;) {
        const char *slash = memchr(text + begin, '/', location->size - begin);
        size_t end = slash != NULL ? (size_t)(slash - text) : location->size;
        const char *fault = fault_of_part(text + begin, end - begin);
        if (fault != NULL) return fail_location(location, fault, err);
        begin = end + 1;
    }
    return EK_OK;
}

/* The file, opened when it is new. */
static ek_status find_file(eki_import *import, const eki_bytes *location, const eki_graph_file **found, ek_error *err) {
    eki_import *root = import;
    while (root->outer != NULL) root = root->outer;
    eki_graph_file *file = root->graph->files;
    size_t count = 0;
    for (; file != NULL; file = file->next, count++) {
        if (strlen(file->name) == location->size && memcmp(file->name, location->data, location->size) == 0) {
            *found = file;
            return EK_OK;
        }
    }
    if (count >= MAX_FILES) return eki_fail(err, EK_ERR_LIMIT, "the model names more than %d data files", MAX_FILES);
    void *memory, *name;
    EKI_TRY(eki_import_alloc(import, sizeof *file, &memory, err));
    EKI_TRY(eki_import_alloc(import, location->size + 1, &name, err));
    memcpy(name, location->data, location->size);
    file = memory;
    *file = (eki_graph_file){.name = name, .next = root->graph->files};
    EKI_TRY(eki_map_open_below(import->folder, name, &file->map, err));
    root->graph->files = file;
    *found = file;
    return EK_OK;
}

ek_status eki_external_bytes(eki_import *import, const eki_external *external, size_t needed, eki_bytes *bytes,
                             const char **name, uint64_t *at, ek_error *err) {
    uint64_t offset, length;
    const eki_graph_file *file = NULL;
    EKI_TRY(eki_external_location(&external->location, err));
    EKI_TRY(eki_external_number(external->offset, "offset", 0, &offset, err));
    EKI_TRY(eki_external_number(external->length, "length", needed, &length, err));
    int shown = (int)external->location.size;
    const char *location = external->location.data;
    if (length != needed) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "its dimensions need %zu bytes, but external_data has length %" PRIu64 "; the file is damaged",
                        needed, length);
    }
    if (import->folder == NULL) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "its data lies in another file ('%.*s'), which a model from memory cannot have", shown,
                        location);
    }
    EKI_TRY(find_file(import, &external->location, &file, err));
    const eki_map *map = &file->map;
    if (length > map->size || offset > map->size - length) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "its data is %" PRIu64 " bytes at %" PRIu64 " of '%.*s', but that file has %zu bytes", length,
                        offset, shown, location, map->size);
    }
    *bytes = (eki_bytes){.data = map->data + offset, .size = (size_t)length};
    *name = file->name;
    *at = offset;
    return EK_OK;
}
