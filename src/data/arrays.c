/* arrays.c: arrays as a set of examples, or beside the images of one: example i is row i of each.
 *
 * A file is mapped, so that it may be larger than memory, and read row by row as batches need it. Rows may also come
 * from a function of the caller.
 */
#include "data/dataset.h"

#include "data/npy_header.h"

#include <string.h>

static ek_status map_file(eki_field *field, ek_error *err) {
    ek_npy npy;
    size_t offset;
    EKI_TRY(eki_npy_locate(field->shown, &npy, &offset, err));
    EKI_TRY(eki_map_open_sparing(field->shown, &field->map, err));
    if (field->map.size < offset || field->map.size - offset != npy.bytes) {
        return eki_fail(err, EK_ERR_IO, "%s: changed while it was opened", field->shown);
    }
    field->data = field->map.data + offset;
    field->dtype = npy.dtype;
    field->rank = npy.rank;
    memcpy(field->dims, npy.dims, sizeof npy.dims);
    return EK_OK;
}

static ek_status take_source(eki_field *field, const ek_array_source *source, ek_error *err) {
    if ((source->path != NULL) + (source->data != NULL) + (source->read != NULL) != 1) {
        return eki_fail(err, EK_ERR_ARG, "array '%s': give one of path, data and read", source->name);
    }
    if (source->path != NULL) return map_file(field, err);
    field->data = source->data;
    field->read = source->read;
    field->context = source->context;
    field->dtype = source->dtype;
    field->rank = source->rank;
    bool fits = source->rank >= 1 && source->rank <= EK_NPY_MAX_RANK;
    for (int i = 0; fits && i < source->rank; i++) {
        field->dims[i] = source->dims[i];
        fits = source->dims[i] >= 0;
    }
    if (fits && eki_npy_descr(source->dtype) != NULL) return EK_OK;
    return eki_fail(err, EK_ERR_ARG,
                    "array '%s': element type %d and %d extents; expected a type that .npy has and 1 to %d "
                    "extents of 0 or more",
                    source->name, (int)source->dtype, source->rank, EK_NPY_MAX_RANK);
}

static ek_status measure(eki_field *field, ek_error *err) {
    const char *name = field->shown;
    if (field->rank < 1) {
        return eki_fail(err, EK_ERR_SHAPE, "%s: is a single number, expected an array with the examples first", name);
    }
    if (field->dims[0] < 1) return eki_fail(err, EK_ERR_FORMAT, "%s: holds no examples, expected at least 1", name);
    field->row_bytes = eki_npy_item_bytes(field->dtype);
    for (int i = 1; i < field->rank; i++) {
        if (eki_mul_size(field->row_bytes, (size_t)field->dims[i], &field->row_bytes)) continue;
        return eki_fail(err, EK_ERR_LIMIT, "%s: an example has more bytes than memory can hold", name);
    }
    size_t whole; /* of what is in memory or mapped, which rows are found in */
    if (field->data == NULL || eki_mul_size(field->row_bytes, (size_t)field->dims[0], &whole)) return EK_OK;
    return eki_fail(err, EK_ERR_LIMIT, "%s: its examples have more bytes than memory can hold", name);
}

static ek_status check_against(const ek_dataset *d, const eki_field *field, int64_t count, ek_error *err) {
    for (size_t i = 0; i < d->n_fields && &d->fields[i] != field; i++) {
        if (strcmp(d->fields[i].name, field->name) != 0) continue;
        return eki_fail(err, EK_ERR_ARG, "%s and %s are both '%s'; give each a name of its own", d->fields[i].shown,
                        field->shown, field->name);
    }
    if (count == 0 || field->dims[0] == count) return EK_OK;
    const char *other = d->fields != NULL && &d->fields[0] != field ? d->fields[0].shown : d->image_name;
    return eki_fail(err, EK_ERR_SHAPE, "%s has %lld examples, but %s has %lld; they do not belong together",
                    field->shown, (long long)field->dims[0], other, (long long)count);
}

static ek_status add(ek_dataset *d, const ek_array_source *source, int64_t *count, ek_error *err) {
    eki_field *field = &d->fields[d->n_fields];
    if (source->name == NULL || source->name[0] == '\0') return eki_fail(err, EK_ERR_ARG, "an array has no name");
    const char *where = source->path != NULL ? source->path : source->name;
    *field =
        (eki_field){.name = eki_arena_strdup(&d->arena, source->name), .shown = eki_arena_strdup(&d->arena, where)};
    d->n_fields++; /* from here on it is closed with the set */
    if (field->name == NULL || field->shown == NULL) return eki_fail_nomem(err, strlen(where));
    EKI_TRY(take_source(field, source, err));
    EKI_TRY(measure(field, err));
    EKI_TRY(check_against(d, field, *count, err));
    *count = field->dims[0];
    return EK_OK;
}

ek_status eki_fields_add(ek_dataset *d, const ek_array_source *sources, size_t count, int64_t *rows, ek_error *err) {
    if (sources == NULL || count == 0 || d->n_fields > 0) {
        return eki_fail(err, EK_ERR_ARG, "arrays: at least one is expected, and all at once");
    }
    eki_free(d->fields); /* room that was not needed */
    d->fields = eki_alloc_zero(eki_size_of(count, sizeof *d->fields));
    if (d->fields == NULL) return eki_fail_nomem(err, count * sizeof *d->fields);
    for (size_t i = 0; i < count; i++) EKI_TRY(add(d, &sources[i], rows, err));
    return EK_OK;
}

ek_status eki_fields_reserve(ek_dataset *d, size_t count, ek_error *err) {
    d->fields = eki_alloc_zero(eki_size_of(count, sizeof *d->fields));
    return d->fields != NULL ? EK_OK : eki_fail_nomem(err, count * sizeof *d->fields);
}

ek_status eki_field_own(ek_dataset *d, const char *name, ek_dtype dtype, int rank, const int64_t *dims, void *data,
                        ek_error *err) {
    eki_field *field = &d->fields[d->n_fields];
    *field = (eki_field){.name = eki_arena_strdup(&d->arena, name), .dtype = dtype, .rank = rank, .owned = data};
    field->data = data;
    field->shown = field->name;
    d->n_fields++; /* from here on it is closed with the set */
    if (field->name == NULL) return eki_fail_nomem(err, strlen(name));
    memcpy(field->dims, dims, (size_t)rank * sizeof *dims);
    EKI_TRY(measure(field, err));
    return check_against(d, field, d->info.count, err);
}

void eki_fields_free(ek_dataset *d) {
    for (size_t i = 0; i < d->n_fields; i++) {
        eki_map_close(&d->fields[i].map);
        eki_free(d->fields[i].owned);
    }
    eki_free(d->fields);
    d->fields = NULL;
    d->n_fields = 0;
}

ek_status eki_needs_images(const ek_dataset *d, ek_error *err) {
    if (d->info.channels > 0) return EK_OK;
    return eki_fail(err, EK_ERR_UNSUPPORTED, "%s: the examples are arrays, and images are needed here", d->image_name);
}

ek_status eki_field_read(const eki_field *field, int64_t index, void *to, ek_error *err) {
    if (field->read != NULL) return field->read(field->context, index, to, err);
    if (field->row_bytes > 0) memcpy(to, field->data + (size_t)index * field->row_bytes, field->row_bytes);
    return EK_OK;
}

static ek_status open_arrays(ek_dataset *d, const ek_array_source *sources, size_t count, int64_t limit,
                             ek_error *err) {
    static const char *const none[] = {""};
    int64_t rows = 0;
    EKI_TRY(eki_fields_add(d, sources, count, &rows, err));
    d->split = EK_SPLIT_ALL;
    d->info = (ek_dataset_info){.kind = "arrays", .class_names = none};
    d->info.count = limit > 0 && limit < rows ? limit : rows;
    d->image_name = d->fields[0].shown;
    return EK_OK;
}

ek_status ek_dataset_open_arrays(const ek_array_source *sources, size_t count, int64_t limit, ek_dataset **out,
                                 ek_error *err) {
    EKI_GIVEN(out, err);
    *out = NULL;
    if (limit < 0) return eki_fail(err, EK_ERR_ARG, "limit is %lld, expected 0 (all) or more", (long long)limit);
    ek_dataset *d = eki_alloc_zero(eki_sized(sizeof *d));
    if (d == NULL) return eki_fail_nomem(err, sizeof *d);
    ek_status status = open_arrays(d, sources, count, limit, err);
    if (status != EK_OK) {
        ek_dataset_close(d);
        return status;
    }
    *out = d;
    return EK_OK;
}

ek_status ek_dataset_add_arrays(ek_dataset *d, const ek_array_source *sources, size_t count, ek_error *err) {
    EKI_GIVEN(d, err);
    int64_t rows = d->info.count;
    ek_status status = eki_fields_add(d, sources, count, &rows, err);
    if (status != EK_OK && d->info.channels > 0) eki_fields_free(d);
    return status;
}

size_t ek_dataset_array_count(const ek_dataset *d) { return d == NULL ? 0 : d->n_fields; }

ek_batch_array ek_dataset_array(const ek_dataset *d, size_t index) {
    if (d == NULL || index >= d->n_fields) return (ek_batch_array){.name = ""};
    const eki_field *field = &d->fields[index];
    ek_batch_array array = {.name = field->name, .dtype = field->dtype, .rank = field->rank, .data = field->data};
    memcpy(array.dims, field->dims, sizeof array.dims);
    array.dims[0] = d->info.count;
    return array;
}

ek_status ek_dataset_read_array(const ek_dataset *d, size_t array, int64_t index, void *example, ek_error *err) {
    EKI_GIVEN(d, err);
    EKI_GIVEN(example, err);
    if (array >= d->n_fields || index < 0 || index >= d->info.count) {
        return eki_fail(err, EK_ERR_ARG, "array %zu, example %lld: there are %zu arrays of %lld examples", array,
                        (long long)index, d->n_fields, (long long)d->info.count);
    }
    return eki_field_read(&d->fields[array], d->rows != NULL ? d->rows[index] : index, example, err);
}
