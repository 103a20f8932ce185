/* raw_images.c: image files as another program would hand them on: bytes, height x width x channels.
 *
 *     raw_images CHANNELS FILE... > OUT     per file: height and width as uint32, then the bytes
 */
#include <evenkeel/image.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int put(const char *path, int channels) {
    ek_image_options options = {.struct_size = sizeof options, .channels = channels};
    ek_image image;
    ek_error err;
    if (ek_image_read(path, &options, &image, &err) != EK_OK) {
        fprintf(stderr, "raw_images: %s\n", err.text);
        return 1;
    }
    uint32_t extents[2] = {(uint32_t)image.height, (uint32_t)image.width};
    size_t plane = (size_t)image.height * (size_t)image.width;
    fwrite(extents, sizeof extents, 1, stdout);
    for (size_t i = 0; i < plane; i++)
        for (size_t c = 0; c < (size_t)image.channels; c++) putchar(image.pixels[c * plane + i]);
    ek_image_free(&image);
    return ferror(stdout) != 0;
}

int main(int argc, char **argv) {
    int failed = argc < 3;
    for (int i = 2; i < argc && !failed; i++) failed = put(argv[i], atoi(argv[1]));
    return failed;
}
