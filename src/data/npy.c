/* npy.c: reading and writing numpy's .npy files, format versions 1.0 to 3.0.
 *
 * The header's claim is checked against the file's size before anything is allocated, and the size must fit exactly.
 * Written files are version 1.0 with the data at a multiple of 64 bytes, as numpy writes them.
 */
#include "base/file.h"
#include "base/memory.h"
#include "data/npy_header.h"
#include "data/source.h"

#include <stdio.h>
#include <string.h>

enum { MAGIC_BYTES = 8, MAX_HEADER = 65536, ALIGN = 64, HEADER_ROOM = 512 };

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* Length of the textual header, after magic, version and the length field itself. */
static ek_status read_length(eki_source *s, const char *path, size_t *length, ek_error *err) {
    unsigned char h[MAGIC_BYTES], n[4] = {0};
    if (eki_source_is_gzip(s)) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: is gzip data, expected an .npy file; unpack it first", path);
    }
    EKI_TRY(eki_source_need(s, h, sizeof h, err));
    if (memcmp(h, magic, sizeof magic) != 0) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: does not begin with \\x93NUMPY, expected an .npy file%s", path,
                        memcmp(h, "PK", 2) == 0 ? "; this is an .npz archive, unzip it first" : "");
    }
    if (h[6] < 1 || h[6] > 3 || h[7] != 0) {
        return eki_fail(err, EK_ERR_UNSUPPORTED, "%s: .npy format version %d.%d, expected 1.0, 2.0 or 3.0", path, h[6],
                        h[7]);
    }
    EKI_TRY(eki_source_need(s, n, h[6] == 1 ? 2 : 4, err));
    *length = (size_t)n[0] | (size_t)n[1] << 8 | (size_t)n[2] << 16 | (size_t)n[3] << 24;
    if (*length > MAX_HEADER) {
        return eki_fail(err, EK_ERR_LIMIT, "%s: an .npy header of %zu bytes, expected at most %d", path, *length,
                        MAX_HEADER);
    }
    return EK_OK;
}

static ek_status read_header(eki_source *s, const char *path, ek_npy *array, ek_error *err) {
    size_t length = 0;
    EKI_TRY(read_length(s, path, &length, err));
    char *text = eki_alloc(eki_sized(length));
    if (text == NULL) return eki_fail_nomem(err, length);
    ek_status status = eki_source_need(s, text, length, err);
    if (status == EK_OK) status = eki_npy_parse_header(path, text, length, array, err);
    eki_free(text);
    return status;
}

static bool count_bytes(ek_dtype dtype, int rank, const int64_t *dims, size_t *bytes) {
    *bytes = eki_npy_item_bytes(dtype);
    bool empty = false, fits = true;
    for (int i = 0; i < rank; i++) {
        empty = empty || dims[i] == 0;
        fits = fits && dims[i] >= 0 && eki_mul_size(*bytes, (size_t)dims[i], bytes);
    }
    if (empty) *bytes = 0;
    return fits || empty;
}

static ek_status locate(eki_source *s, const char *path, ek_npy *array, size_t *offset, ek_error *err) {
    EKI_TRY(read_header(s, path, array, err));
    if (!count_bytes(array->dtype, array->rank, array->dims, &array->bytes)) {
        return eki_fail(err, EK_ERR_LIMIT, "%s: the extents in 'shape' multiply to more than memory can hold", path);
    }
    EKI_TRY(eki_source_expect(s, array->bytes, err));
    *offset = (size_t)eki_source_file_size(s) - array->bytes;
    return EK_OK;
}

ek_status eki_npy_locate(const char *path, ek_npy *array, size_t *offset, ek_error *err) {
    memset(array, 0, sizeof *array);
    eki_source *s;
    EKI_TRY(eki_source_open(path, &s, err));
    ek_status status = locate(s, path, array, offset, err);
    eki_source_close(s);
    return status;
}

ek_status ek_npy_read(const char *path, ek_npy *array, ek_error *err) {
    EKI_GIVEN(path, err);
    EKI_GIVEN(array, err);
    return eki_npy_read_within(path, UINT64_MAX, array, err);
}

ek_status eki_npy_read_within(const char *path, uint64_t most, ek_npy *array, ek_error *err) {
    memset(array, 0, sizeof *array);
    ek_npy a = {.dtype = EK_DTYPE_NONE};
    eki_source *s;
    EKI_TRY(eki_source_open(path, &s, err));
    ek_status status;
    EKI_TRY_DONE(read_header(s, path, &a, err));
    if (!count_bytes(a.dtype, a.rank, a.dims, &a.bytes)) {
        status = eki_fail(err, EK_ERR_LIMIT, "%s: the extents in 'shape' multiply to more than memory can hold", path);
        goto done;
    }
    EKI_TRY_DONE(eki_source_expect(s, a.bytes, err));
    uint64_t left = eki_memory_left();
    if (most > left) most = left;
    if (a.bytes > most) {
        status = eki_fail(err, EK_ERR_LIMIT,
                          "%s: %zu bytes are more than the limit of %llu in memory; use a smaller file "
                          "or raise the limit",
                          path, a.bytes, (unsigned long long)most);
        goto done;
    }
    a.data = eki_alloc(eki_sized(a.bytes));
    if (a.data == NULL) {
        status = eki_fail_nomem(err, a.bytes);
        goto done;
    }
    EKI_TRY_DONE(eki_source_need(s, a.data, a.bytes, err));
    EKI_TRY_DONE(eki_source_finish(s, 0, err));
    *array = a;
done:
    eki_source_close(s);
    if (status != EK_OK) eki_free(a.data);
    return status;
}

void ek_npy_free(ek_npy *array) {
    if (array == NULL) return;
    eki_free(array->data);
    memset(array, 0, sizeof *array);
}

/* Magic, version 1.0, length and dictionary, padded with spaces and a newline to a multiple of 64. */
static size_t format_header(ek_dtype dtype, int rank, const int64_t *dims, unsigned char out[HEADER_ROOM]) {
    char text[HEADER_ROOM];
    size_t used =
        (size_t)snprintf(text, sizeof text, "{'descr': '%s', 'fortran_order': False, 'shape': (", eki_npy_descr(dtype));
    for (int i = 0; i < rank; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%lld%s", i > 0 ? " " : "", (long long)dims[i],
                                 i + 1 < rank || rank == 1 ? "," : "");
    }
    used += (size_t)snprintf(text + used, sizeof text - used, "), }");
    size_t prefix = MAGIC_BYTES + 2, total = (prefix + used + 1 + ALIGN - 1) / ALIGN * ALIGN, length = total - prefix;
    memcpy(out, magic, sizeof magic);
    out[6] = 1;
    out[7] = 0;
    out[8] = (unsigned char)(length & 255);
    out[9] = (unsigned char)(length >> 8);
    memcpy(out + prefix, text, used);
    memset(out + prefix + used, ' ', length - used - 1);
    out[total - 1] = '\n';
    return total;
}

ek_status ek_npy_write(const char *path, ek_dtype dtype, int rank, const int64_t *dims, const void *data,
                       ek_error *err) {
    EKI_GIVEN(path, err);
    if (eki_npy_descr(dtype) == NULL) {
        return eki_fail(err, EK_ERR_DTYPE, "%s: .npy has no element type for dtype %d; convert to f32 first", path,
                        (int)dtype);
    }
    size_t bytes;
    if (rank < 0 || rank > EK_NPY_MAX_RANK || !count_bytes(dtype, rank, dims, &bytes)) {
        return eki_fail(err, EK_ERR_SHAPE,
                        "%s: %d dimensions, or extents below 0 or beyond memory; expected 0 to %d "
                        "dimensions",
                        path, rank, EK_NPY_MAX_RANK);
    }
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0) return eki_fail(err, EK_ERR_SHAPE, "%s: extent %d is negative", path, i);
    }
    unsigned char header[HEADER_ROOM];
    size_t header_bytes = format_header(dtype, rank, dims, header);
    eki_writer *writer;
    EKI_TRY(eki_writer_open(path, &writer, err));
    ek_status status = eki_writer_put(writer, header, header_bytes, err);
    if (status == EK_OK) status = eki_writer_put(writer, data, bytes, err);
    if (status == EK_OK) return eki_writer_commit(writer, err);
    eki_writer_discard(writer);
    return status;
}
