/* bmp.c: uncompressed BMP files, of 1, 2, 4, 8, 16, 24 and 32 bits a pixel, with any of the headers since OS/2's.
 *
 * Rows are stored upside down unless the height is negative. An image whose palette is gray is gray. All offsets are
 * checked when the header is read, so that reading pixels stays inside the file.
 */
#include "data/image.h"

#include <stdint.h>
#include <string.h>

enum {
    FILE_HEADER = 14,
    CORE_HEADER = 12,
    MASKS = 54,
    PLAIN = 0,
    RLE8 = 1,
    RLE4 = 2,
    BIT_FIELDS = 3,
    ALPHA_FIELDS = 6
};

typedef struct bmp {
    const unsigned char *palette, *rows; /* the first row stored */
    size_t stride;
    int64_t height;                /* as written: negative = from the top */
    unsigned bits, colours, entry; /* of a pixel; entries of the palette; bytes of each */
    uint32_t masks[3];             /* red, green, blue */
} bmp;

static uint32_t little(const unsigned char *p, int bytes) {
    uint32_t value = 0;
    for (int i = bytes; i-- > 0;) value = value << 8 | p[i];
    return value;
}

static ek_status fail_damaged(const eki_encoded *file, const char *what, ek_error *err) {
    return eki_fail(err, EK_ERR_FORMAT, "%s: damaged BMP (%s); replace or remove it", file->path, what);
}

/* Red, green and blue in a pixel of 16 or 32 bits. */
static ek_status read_masks(const eki_encoded *file, uint32_t compression, bmp *b, ek_error *err) {
    static const uint32_t usual[2][3] = {{0x7c00, 0x3e0, 0x1f}, {0xff0000, 0xff00, 0xff}};
    memcpy(b->masks, usual[b->bits == 32], sizeof b->masks);
    if (compression == PLAIN) return EK_OK;
    if (file->size < MASKS + 12) return fail_damaged(file, "it ends too early", err);
    for (int c = 0; c < 3; c++) {
        uint32_t mask = b->masks[c] = little(file->data + MASKS + 4 * c, 4);
        uint32_t run = mask == 0 ? 0 : mask / (mask & -mask); /* to the right: 2^n - 1 where it is one run of bits */
        if (run == 0 || (run & (run + 1)) != 0) return fail_damaged(file, "bad colour masks", err);
    }
    return EK_OK;
}

static ek_status read_palette(const eki_encoded *file, uint32_t header, uint32_t used, bmp *b, ek_error *err) {
    b->entry = header == CORE_HEADER ? 3 : 4;
    b->colours = used == 0 ? 1u << b->bits : used;
    if (b->colours > 1u << b->bits) return fail_damaged(file, "more colours than its pixels can name", err);
    if (file->size - FILE_HEADER - header < (size_t)b->colours * b->entry) {
        return fail_damaged(file, "it ends too early", err);
    }
    b->palette = file->data + FILE_HEADER + header;
    return EK_OK;
}

static ek_status read_header(const eki_encoded *file, bmp *b, eki_image *image, ek_error *err) {
    const unsigned char *p = file->data;
    uint32_t header = file->size >= FILE_HEADER + 4 ? little(p + FILE_HEADER, 4) : 0;
    bool core = header == CORE_HEADER;
    if (file->size < FILE_HEADER + 4) return fail_damaged(file, "it ends too early", err);
    if (!core && (header < 40 || header > 124)) return fail_damaged(file, "no header that is known", err);
    if (file->size - FILE_HEADER < header) return fail_damaged(file, "it ends too early", err);
    int64_t width = core ? (int64_t)little(p + 18, 2) : (int32_t)little(p + 18, 4);
    b->height = core ? (int64_t)little(p + 20, 2) : (int32_t)little(p + 22, 4);
    b->bits = little(p + (core ? 24 : 28), 2);
    uint32_t compression = core ? PLAIN : little(p + 30, 4), used = core ? 0 : little(p + 46, 4);
    bool fields = compression == BIT_FIELDS || compression == ALPHA_FIELDS, wide = b->bits == 16 || b->bits == 32;
    if (compression != PLAIN && !(fields && wide)) {
        return eki_fail(err, EK_ERR_UNSUPPORTED,
                        "%s: is a BMP with compressed pixels (%s), and those are not read; convert it, for example by "
                        "ImageMagick's " EKI_IMAGE_CONVERT,
                        file->path, compression == RLE8 || compression == RLE4 ? "run lengths" : "of another kind");
    }
    if (b->bits != 1 && b->bits != 2 && b->bits != 4 && b->bits != 8 && b->bits != 24 && !wide) {
        return fail_damaged(file, "bits a pixel are not 1, 2, 4, 8, 16, 24 or 32", err);
    }
    int64_t height = b->height < 0 ? -b->height : b->height;
    image->width = width < 0 ? 0 : (int)width;
    image->height = height > INT32_MAX ? INT32_MAX : (int)height;
    image->channels = 3;
    if (wide) EKI_TRY(read_masks(file, compression, b, err));
    return b->bits <= 8 ? read_palette(file, header, used, b, err) : EK_OK;
}

/* Where the rows are: all inside the file. Sizes are at most 2^31 each. */
static ek_status find_rows(const eki_encoded *file, const eki_image *image, bmp *b, ek_error *err) {
    uint64_t start = little(file->data + 10, 4), stride = ((uint64_t)image->width * b->bits + 31) / 32 * 4;
    if (start > file->size || stride * (uint64_t)image->height > file->size - start) {
        return fail_damaged(file, "it ends too early", err);
    }
    b->rows = file->data + start;
    b->stride = (size_t)stride;
    return EK_OK;
}

static bool gray_palette(const bmp *b) {
    const unsigned char *p = b->palette;
    for (unsigned i = 0; i < b->colours; i++, p += b->entry) {
        if (p[0] != p[1] || p[1] != p[2]) return false;
    }
    return b->palette != NULL;
}

ek_status eki_bmp_probe(const eki_encoded *file, eki_image *image, ek_error *err) {
    bmp b = {0};
    EKI_TRY(read_header(file, &b, image, err));
    if (gray_palette(&b)) image->channels = 1;
    return EK_OK;
}

/* One pixel, blue first as everything here; false when it names no colour of the palette. */
static bool indexed(const bmp *b, const unsigned char *row, size_t x, unsigned char bgr[3]) {
    unsigned shift = 8 - b->bits - (unsigned)(x * b->bits % 8), value = row[x * b->bits / 8] >> shift;
    value &= (1u << b->bits) - 1;
    if (value >= b->colours) return false;
    memcpy(bgr, b->palette + (size_t)value * b->entry, 3);
    return true;
}

static void masked(const bmp *b, const unsigned char *pixel, unsigned char bgr[3]) {
    uint32_t value = little(pixel, (int)b->bits / 8);
    for (int c = 0; c < 3; c++) {
        uint32_t lowest = b->masks[c] & -b->masks[c], most = b->masks[c] / lowest;
        bgr[2 - c] = (unsigned char)(((uint64_t)((value & b->masks[c]) / lowest) * 255 + most / 2) / most);
    }
}

static bool decode_row(const bmp *b, const unsigned char *row, const eki_image *image, unsigned char *to) {
    for (size_t x = 0; x < (size_t)image->width; x++, to += image->channels) {
        unsigned char bgr[3];
        if (b->bits <= 8) {
            if (!indexed(b, row, x, bgr)) return false;
        } else if (b->bits == 24) {
            memcpy(bgr, row + 3 * x, 3);
        } else {
            masked(b, row + x * b->bits / 8, bgr);
        }
        for (int c = 0; c < image->channels; c++) to[c] = bgr[2 - c];
    }
    return true;
}

ek_status eki_bmp_decode(const eki_encoded *file, eki_image *image, ek_error *err) {
    bmp b = {0};
    eki_image header = {0};
    EKI_TRY(read_header(file, &b, &header, err));
    EKI_TRY(find_rows(file, image, &b, err));
    size_t row = (size_t)image->width * (size_t)image->channels, last = (size_t)image->height - 1;
    for (size_t y = 0; y <= last; y++) {
        const unsigned char *from = b.rows + (b.height < 0 ? y : last - y) * b.stride;
        if (!decode_row(&b, from, image, image->pixels + y * row)) {
            return fail_damaged(file, "a pixel names a colour that its palette has not", err);
        }
    }
    return EK_OK;
}
