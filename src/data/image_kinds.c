/* image_kinds.c: names and first bytes of image files, those that are read and those that people have besides. */
#include "data/image.h"

#include <string.h>
#include <strings.h>

static const char *const read_names[] = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib"};
static const char *const unread_names[] = {".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jxl", ".jp2", ".psd",
                                           ".svg", ".ico", ".tga",  ".ppm",  ".pgm",  ".pbm",  ".pnm", ".dng", ".cr2",
                                           ".cr3", ".nef", ".arw",  ".raf",  ".orf",  ".rw2",  ".exr", ".hdr"};

static const char *find(const char *const *names, size_t count, const char *extension) {
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(names[i], extension) == 0) return names[i];
    }
    return NULL;
}

eki_image_name eki_image_classify(const char *name, const char **extension) {
    const char *dot = strrchr(name, '.');
    *extension = NULL;
    if (dot == NULL) return EKI_NAME_OTHER;
    *extension = find(read_names, sizeof read_names / sizeof read_names[0], dot);
    if (*extension != NULL) return EKI_NAME_READ;
    *extension = find(unread_names, sizeof unread_names / sizeof unread_names[0], dot);
    return *extension != NULL ? EKI_NAME_UNREAD : EKI_NAME_OTHER;
}

static const struct {
    const char *kind;
    size_t offset, length;
    const char *bytes;
} unread[] = {
    {"GIF", 0, 4, "GIF8"},       {"TIFF", 0, 4, "II*\0"},     {"TIFF", 0, 4, "MM\0*"},       {"AVIF", 4, 8, "ftypavif"},
    {"AVIF", 4, 8, "ftypavis"},  {"HEIC", 4, 8, "ftypheic"},  {"HEIC", 4, 8, "ftypheix"},    {"HEIC", 4, 8, "ftypmif1"},
    {"HEIC", 4, 8, "ftypmsf1"},  {"HEIC", 4, 8, "ftyphevc"},  {"JPEG XL", 0, 2, "\xff\x0a"}, {"JPEG XL", 4, 4, "JXL "},
    {"JPEG 2000", 4, 4, "jP  "}, {"Photoshop", 0, 4, "8BPS"}, {"SVG", 0, 4, "<svg"},         {"PDF", 0, 5, "%PDF-"},
    {"icon", 0, 4, "\0\0\1\0"},
};

const char *eki_image_unread_kind(const eki_encoded *file) {
    for (size_t i = 0; i < sizeof unread / sizeof unread[0]; i++) {
        if (file->size >= unread[i].offset + unread[i].length &&
            memcmp(file->data + unread[i].offset, unread[i].bytes, unread[i].length) == 0) {
            return unread[i].kind;
        }
    }
    return NULL;
}
