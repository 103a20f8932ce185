/* exif.h: the one thing wanted of an image's EXIF data: which way is up. Any bytes may come. */
#ifndef EKI_EXIF_H
#define EKI_EXIF_H

#include <stddef.h>

/* A TIFF block inside an image file; NULL when there is none. */
typedef struct eki_exif {
    const unsigned char *data;
    size_t size;
} eki_exif;

eki_exif eki_exif_in_jpeg(const unsigned char *data, size_t size);
eki_exif eki_exif_in_png(const unsigned char *data, size_t size);
eki_exif eki_exif_in_webp(const unsigned char *data, size_t size);

/* 1 (upright) to 8; 1 for anything missing, damaged or out of range. */
int eki_exif_orientation(eki_exif exif);

#endif
