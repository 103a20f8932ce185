/* turn.c: images upright. EXIF's eight orientations are mirrorings, five to eight with rows and columns exchanged. */
#include "base/memory.h"
#include "data/image.h"

#include <string.h>

ek_status eki_image_turn(eki_image *image, int orientation, ek_error *err) {
    if (orientation == 1) return EK_OK;
    static const bool up_down[9] = {[3] = true, [4] = true, [6] = true, [7] = true};
    static const bool left_right[9] = {[2] = true, [3] = true, [7] = true, [8] = true};
    bool swap = orientation >= 5;
    ptrdiff_t width = image->width, height = image->height, bytes = image->channels;
    ptrdiff_t down = (up_down[orientation] ? -width : width) * bytes, right = left_right[orientation] ? -bytes : bytes;
    ptrdiff_t row_step = swap ? right : down, step = swap ? down : right;
    unsigned char *turned = eki_alloc(eki_image_bytes(image->channels, image->height, image->width));
    if (turned == NULL) return eki_fail_nomem(err, (unsigned long long)(width * height * bytes));
    const unsigned char *first = image->pixels + (up_down[orientation] ? (height - 1) * width * bytes : 0) +
                                 (left_right[orientation] ? (width - 1) * bytes : 0);
    image->width = (int)(swap ? height : width);
    image->height = (int)(swap ? width : height);
    unsigned char *to = turned;
    for (ptrdiff_t y = 0; y < image->height; y++) {
        for (ptrdiff_t x = 0; x < image->width; x++, to += bytes) {
            memcpy(to, first + y * row_step + x * step, (size_t)bytes);
        }
    }
    eki_free(image->pixels);
    image->pixels = turned;
    return EK_OK;
}
