/* examples.c: one example of a set, wherever it lies. */
#include "data/image_files.h"

#include <string.h>

ek_status eki_dataset_room(const ek_dataset *d, unsigned char **room, ek_error *err) {
    *room = NULL;
    if (d->files == NULL) return EK_OK;
    *room = eki_alloc(eki_sized(d->example_values));
    return *room != NULL ? EK_OK : eki_fail_nomem(err, d->example_values);
}

ek_status eki_dataset_bytes(const ek_dataset *d, size_t index, unsigned char *room, const unsigned char **bytes,
                            ek_error *err) {
    if (d->files != NULL) {
        size_t file = d->members != NULL ? (size_t)d->members[index] : index;
        return eki_image_files_get(d->files, file, room, bytes, err);
    }
    *bytes = d->pixels + index * d->example_values;
    return EK_OK;
}

static ek_status read_bytes(const ek_dataset *d, size_t index, float *image, ek_error *err) {
    unsigned char *room;
    const unsigned char *bytes;
    EKI_TRY(eki_dataset_room(d, &room, err));
    ek_status status = eki_dataset_bytes(d, index, room, &bytes, err);
    for (size_t i = 0; status == EK_OK && i < d->example_values; i++) image[i] = d->of_byte[bytes[i]];
    eki_free(room);
    return status;
}

ek_status ek_dataset_read(const ek_dataset *dataset, int64_t index, float *image, int32_t *label, ek_error *err) {
    EKI_GIVEN(dataset, err);
    if (index < 0 || index >= dataset->info.count) {
        return eki_fail(err, EK_ERR_ARG, "%s: example %lld does not exist, there are %lld", dataset->image_name,
                        (long long)index, (long long)dataset->info.count);
    }
    size_t n = dataset->example_values;
    EKI_TRY(eki_needs_images(dataset, err));
    if (image != NULL && dataset->dtype == EK_U8) {
        EKI_TRY(read_bytes(dataset, (size_t)index, image, err));
    } else if (image != NULL) {
        memcpy(image, dataset->values + (size_t)index * n, n * sizeof *image);
    }
    if (label != NULL) *label = dataset->labels[index];
    return EK_OK;
}
