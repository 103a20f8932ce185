/* exif.c: the orientation, of a TIFF block that is found in a JPEG, PNG or WebP file.
 *
 * Damage here is never an error: such a picture is shown as it is stored, as by every viewer. Every offset is compared
 * with what is left before it is used, and every loop goes forward.
 */
#include "data/exif.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static uint32_t number(const unsigned char *p, int bytes, bool big) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | p[big ? i : bytes - 1 - i];
    return value;
}

/* Without the "Exif\0\0" that JPEG, and some writers elsewhere, put in front. */
static eki_exif block(const unsigned char *data, size_t size) {
    bool named = size >= 6 && memcmp(data, "Exif\0\0", 6) == 0;
    return (eki_exif){named ? data + 6 : data, named ? size - 6 : size};
}

eki_exif eki_exif_in_jpeg(const unsigned char *data, size_t size) {
    size_t at = 2;
    while (size - at >= 4 && at < size && data[at] == 0xff) {
        unsigned marker = data[at + 1];
        if (marker == 0xff || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
            at += marker == 0xff ? 1 : 2;
            continue;
        }
        size_t length = number(data + at + 2, 2, true);
        if (marker == 0xda || marker == 0xd9 || length < 2 || length > size - at - 2) break;
        if (marker == 0xe1 && length >= 8 && memcmp(data + at + 4, "Exif\0\0", 6) == 0) {
            return block(data + at + 4, length - 2);
        }
        at += 2 + length;
    }
    return (eki_exif){NULL, 0};
}

eki_exif eki_exif_in_png(const unsigned char *data, size_t size) {
    for (size_t at = 8; at <= size && size - at >= 12;) {
        size_t length = number(data + at, 4, true);
        if (length > size - at - 12) break;
        if (memcmp(data + at + 4, "eXIf", 4) == 0) return block(data + at + 8, length);
        at += 12 + length;
    }
    return (eki_exif){NULL, 0};
}

eki_exif eki_exif_in_webp(const unsigned char *data, size_t size) {
    for (size_t at = 12; at <= size && size - at >= 8;) {
        size_t length = number(data + at + 4, 4, false);
        if (length > size - at - 8) break;
        if (memcmp(data + at, "EXIF", 4) == 0) return block(data + at + 8, length);
        at += 8 + length + (length & 1);
    }
    return (eki_exif){NULL, 0};
}

int eki_exif_orientation(eki_exif exif) {
    const unsigned char *p = exif.data;
    if (p == NULL || exif.size < 8) return 1;
    bool big = memcmp(p, "MM\0*", 4) == 0;
    if (!big && memcmp(p, "II*\0", 4) != 0) return 1;
    size_t at = number(p + 4, 4, big);
    if (at > exif.size || exif.size - at < 2) return 1;
    size_t entries = number(p + at, 2, big);
    at += 2;
    for (; entries > 0 && exif.size - at >= 12; entries--, at += 12) {
        if (number(p + at, 2, big) != 0x0112) continue;
        bool is_short = number(p + at + 2, 2, big) == 3 && number(p + at + 4, 4, big) == 1;
        uint32_t value = number(p + at + 8, 2, big);
        return is_short && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
