/* image.h: image files: one by its path, and those that lie under folders.
 *
 * PNG, JPEG, WebP and BMP are read. The content decides which, never the name; a stored orientation (EXIF) is applied;
 * alpha is dropped, 16 bits a channel are reduced to 8, palettes are expanded. docs/data.md has the rules.
 */
#ifndef EVENKEEL_IMAGE_H
#define EVENKEEL_IMAGE_H

#include <evenkeel/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ek_image_options {
    size_t struct_size;
    int height, width; /* the image is resized to this (antialiased bilinear); both 0 = as it is */
    int channels;      /* 1 = gray, Y = 0.299 R + 0.587 G + 0.114 B; 3 = RGB, gray three times; 0 = as it is */
    uint64_t reserved[4];
} ek_image_options;

/* Value / 255 is what a data set of the same file gives. */
typedef struct ek_image {
    int channels, height, width; /* upright */
    unsigned char *pixels;       /* channels x height x width; ek_image_free */
} ek_image;

/* Reads one file. EK_ERR_IO, EK_ERR_FORMAT (damaged, or no image), EK_ERR_UNSUPPORTED (an image of a kind that is not
 * read: GIF, TIFF, HEIC, CMYK, animations; the text says how to convert it), EK_ERR_LIMIT (more than 16384 pixels a
 * side or 2^26 in all, 256 MiB encoded). `options` may be NULL. */
EK_API EK_NODISCARD ek_status ek_image_read(const char *path, const ek_image_options *options, ek_image *image,
                                            ek_error *err);
EK_API void ek_image_free(ek_image *image);
/* Writes height x width classes as a PNG with a palette whose indices they are, as a mask is read (docs/data.md). The
 * file is either the old one or the whole one. EK_ERR_IO, EK_ERR_ARG. */
EK_API EK_NODISCARD ek_status ek_mask_write(const char *path, int height, int width, const unsigned char *classes,
                                            ek_error *err);

/* What was left out of a list or a data set, and why: one entry for each kind. */
typedef struct ek_skipped {
    const char *kind;   /* "hidden", "not images", ".gif", ...; reads well behind a number */
    const char *remedy; /* what can be done, or NULL: "not read; mogrify -format png *.gif converts them" */
    const char *first;  /* path of the first one */
    int64_t count;      /* files, or folders that were not entered */
} ek_skipped;

typedef struct ek_image_list ek_image_list;

/* The images of `count` paths, in their order: a file is taken as it is; of a folder, what is called like an image
 * (.png .jpg .jpeg .jpe .jfif .webp .bmp .dib, in any case), at any depth, sorted by the bytes of the path below it.
 * Hidden files and folders, and links back to a folder above, are left out. Nothing is opened. EK_ERR_IO. */
EK_API EK_NODISCARD ek_status ek_image_list_make(const char *const *paths, size_t count, ek_image_list **list,
                                                 ek_error *err);
EK_API size_t ek_image_list_count(const ek_image_list *list);
EK_API const char *ek_image_list_path(const ek_image_list *list, size_t index);
/* Returns the number of entries. */
EK_API size_t ek_image_list_skipped(const ek_image_list *list, const ek_skipped **skipped);
EK_API void ek_image_list_free(ek_image_list *list);

#ifdef __cplusplus
}
#endif
#endif
