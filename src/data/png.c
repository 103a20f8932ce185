/* png.c: PNG files through libpng, reading from memory.
 *
 * libpng reports errors by longjmp; its messages are caught in `job` and never printed. Every variable that lives
 * across the jump is in that struct. Damaged checksums of critical chunks are errors; warnings are silent.
 */
#include "base/memory.h"
#include "data/image.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct png_job {
    const eki_encoded *file;
    eki_image *image;
    size_t position;
    png_structp png;
    png_infop info;
    png_bytep *rows;
    bool mask;
    char message[128];
} png_job;

static void on_error(png_structp png, png_const_charp text) {
    png_job *job = png_get_error_ptr(png);
    (void)snprintf(job->message, sizeof job->message, "%s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t bytes) {
    png_job *job = png_get_io_ptr(png);
    if (bytes > job->file->size - job->position) png_error(png, "the file ends too early");
    memcpy(to, job->file->data + job->position, bytes);
    job->position += bytes;
}

static uint32_t big_endian(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Signature (8), length (4), "IHDR" (4), width (4), height (4), depth, colour type. */
ek_status eki_png_probe(const eki_encoded *file, eki_image *image, ek_error *err) {
    if (file->size < 26 || memcmp(file->data + 12, "IHDR", 4) != 0) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: damaged PNG: no header chunk; replace or remove it", file->path);
    }
    uint32_t width = big_endian(file->data + 16), height = big_endian(file->data + 20);
    image->width = width > INT32_MAX ? INT32_MAX : (int)width;
    image->height = height > INT32_MAX ? INT32_MAX : (int)height;
    image->channels = file->data[25] == PNG_COLOR_TYPE_GRAY || file->data[25] == PNG_COLOR_TYPE_GRAY_ALPHA ? 1 : 3;
    return EK_OK;
}

static void set_transforms(png_structp png, bool mask) {
    (void)png_set_interlace_handling(png);
    if (mask) {
        png_set_packing(png);
        return;
    }
    png_set_scale_16(png);
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_palette_to_rgb(png);
    png_set_strip_alpha(png);
}

/* The part that may jump. */
static void decode(png_job *job) {
    png_structp png = job->png;
    size_t row = (size_t)job->image->width * (size_t)job->image->channels;
    png_set_user_limits(png, EKI_IMAGE_MAX_SIDE, EKI_IMAGE_MAX_SIDE);
    png_set_chunk_malloc_max(png, 1 << 20);
    png_set_chunk_cache_max(png, 64);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* a length that eXIf claims is believed */
    png_set_read_fn(png, job, on_read);
    png_read_info(png, job->info);
    set_transforms(png, job->mask);
    png_read_update_info(png, job->info);
    if (png_get_rowbytes(png, job->info) != row ||
        png_get_image_height(png, job->info) != (png_uint_32)job->image->height) {
        png_error(png, "header and pixels disagree");
    }
    for (int y = 0; y < job->image->height; y++) job->rows[y] = job->image->pixels + (size_t)y * row;
    png_read_image(png, job->rows);
    png_read_end(png, NULL);
}

static int run(png_job *job) {
    job->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, job, on_error, on_warning);
    job->info = job->png != NULL ? png_create_info_struct(job->png) : NULL;
    if (job->info == NULL) return -1;
    if (setjmp(png_jmpbuf(job->png)) != 0) return 1;
    decode(job);
    return 0;
}

static ek_status decode_all(png_job job, ek_error *err) {
    const eki_image *image = job.image;
    eki_size size = eki_size_of((size_t)image->height, sizeof *job.rows);
    job.rows = eki_alloc(size);
    int result = job.rows != NULL ? run(&job) : -1;
    if (job.png != NULL) png_destroy_read_struct(&job.png, &job.info, NULL);
    eki_free(job.rows);
    if (result == 0) return EK_OK;
    if (result < 0) return eki_fail_nomem(err, size.bytes);
    return eki_fail(err, EK_ERR_FORMAT, "%s: damaged PNG (%s); replace or remove it", job.file->path, job.message);
}

ek_status eki_png_decode(const eki_encoded *file, eki_image *image, ek_error *err) {
    return decode_all((png_job){.file = file, .image = image}, err);
}

ek_status eki_png_mask(const eki_encoded *file, eki_image *image, ek_error *err) {
    unsigned char depth = file->data[24], type = file->data[25];
    bool values = type == PNG_COLOR_TYPE_GRAY || type == PNG_COLOR_TYPE_PALETTE;
    const char *is = (type & PNG_COLOR_MASK_COLOR) != 0 ? "a colour image" : "gray with an alpha channel";
    if (values && depth <= 8) return decode_all((png_job){.file = file, .image = image, .mask = true}, err);
    return eki_fail(err, EK_ERR_FORMAT,
                    "%s: is %s; a mask has a palette or is gray, with up to 8 bits a pixel, whose values are the "
                    "classes",
                    file->path, values ? "of 16 bits" : is);
}
