/* mutant.c: the same model in other bytes, as protobuf's rules allow (../onnx/mutate.h).
 *
 *     mutant IN.onnx OUT.onnx SEED
 */
#include "onnx/mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_file(const char *path, pb *out) {
    char buffer[1 << 16];
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) return 0;
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, stream)) > 0;) pb_raw(out, buffer, got);
    return fclose(stream) == 0;
}

static int write_file(const char *path, const pb *bytes) {
    FILE *stream = fopen(path, "wb");
    if (stream == NULL) return 0;
    size_t put = fwrite(bytes->data, 1, bytes->size, stream);
    return fclose(stream) == 0 && put == bytes->size;
}

int main(int argc, char **argv) {
    pb file = {0}, mutant = {0};
    if (argc != 4 || !read_file(argv[1], &file) || !mutate_can(file.data, file.size)) return 2;
    uint64_t random = strtoull(argv[3], NULL, 10);
    unsigned mutations = (unsigned)(mutate_random(&random) % MUTATE_SPLIT),
             rarity = 1u << 2 * (mutate_random(&random) % 4);
    mutate_model(file.data, file.size, mutations != 0 ? mutations : MUTATE_ORDER, rarity, mutate_random(&random),
                 &mutant);
    int done = write_file(argv[2], &mutant);
    pb_free(&file);
    pb_free(&mutant);
    return done ? 0 : 1;
}
