/* loader_fill.c: the examples of a batch, by several threads: rows of arrays, pixels found or decoded, then the recipe.
 */
#include "data/loader.h"

#include "base/threads.h"
#include "base/timer.h"
#include "data/masks.h"

static uint64_t id_at(const ek_loader *l, int64_t position) {
    return l->order != NULL ? l->order[position] : (uint64_t)position;
}

int64_t eki_loader_batch_count(const ek_loader *l, int64_t number) {
    int64_t rest = l->count - number * l->options.batch;
    return rest < l->options.batch ? rest : l->options.batch;
}

int64_t eki_loader_shard(const ek_loader *l, int64_t number, int64_t *first) {
    int64_t count;
    eki_shard(eki_loader_batch_count(l, number), l->options.chunk, l->options.ranks, l->options.rank, first, &count);
    return count;
}

static ek_status read_row(ek_loader *l, const eki_field *field, uint64_t id, void *to, ek_error *err) {
    const ek_dataset *d = l->recipe.dataset;
    int64_t row = d->rows != NULL ? d->rows[id] : (int64_t)id;
    if (field->read == NULL) return eki_field_read(field, row, to, err);
    pthread_mutex_lock(&l->readers);
    ek_status status = eki_field_read(field, row, to, err);
    pthread_mutex_unlock(&l->readers);
    return status;
}

static unsigned char *row_of(const ek_loader *l, const eki_slot *s, size_t array, int64_t row) {
    unsigned char *rows = (unsigned char *)(uintptr_t)s->arrays[array].data; /* of this slot's own memory */
    return rows + (size_t)row * l->recipe.dataset->fields[array].row_bytes;
}

static ek_status fill_arrays(ek_loader *l, const eki_slot *s, int64_t row, uint64_t id, ek_error *err) {
    const ek_dataset *d = l->recipe.dataset;
    const int16_t outside = EKI_MASK_IGNORED;
    const bool moves = l->recipe.crop != 0 || l->recipe.flip || l->recipe.rotate > 0;
    for (size_t k = 0; k < d->n_fields; k++) {
        const eki_field *field = &d->fields[k];
        unsigned char *to = row_of(l, s, k, row);
        if (field->mask && moves) {
            const unsigned char *mask = field->data + (d->rows != NULL ? (size_t)d->rows[id] : id) * field->row_bytes;
            eki_recipe_apply_mask(&l->recipe, (uint64_t)l->epoch, id, mask, sizeof outside, &outside, to);
        } else {
            EKI_TRY(read_row(l, field, id, to, err));
        }
    }
    return EK_OK;
}

static ek_status find_pixels(ek_loader *l, uint64_t id, unsigned char *room, const void **pixels, ek_error *err) {
    const ek_dataset *d = l->recipe.dataset;
    const unsigned char *bytes;
    *pixels = d->dtype == EK_F32 ? d->values + (size_t)id * d->example_values : NULL;
    if (*pixels != NULL) return EK_OK;
    double began = room != NULL ? eki_thread_seconds() : 0;
    EKI_TRY(eki_dataset_bytes(d, (size_t)id, room, &bytes, err));
    if (room != NULL && bytes == room) {
        atomic_fetch_add(&l->decoded, 1);
        atomic_fetch_add(&l->decoding, (long long)(1e9 * (eki_thread_seconds() - began)));
    }
    *pixels = bytes;
    return EK_OK;
}

static ek_status fill_image(ek_loader *l, uint64_t id, const eki_spare *spare, float *image, ek_error *err) {
    eki_making m = {.epoch = (uint64_t)l->epoch, .id = id, .scratch = spare->scratch};
    EKI_TRY(find_pixels(l, id, spare->room, &m.pixels, err));
    eki_recipe_apply(&l->recipe, &m, image);
    return EK_OK;
}

/* Mixes another example into the one that is made. */
static ek_status mix_in(ek_loader *l, const eki_slot *s, int64_t row, const eki_spare *spare, ek_error *err) {
    const ek_dataset *d = l->recipe.dataset;
    const eki_mix mix = eki_mix_draw(&l->recipe, (uint64_t)l->epoch, s->ids[row]);
    s->shares[row] = (float)mix.share;
    for (size_t k = 0; k < d->n_fields; k++) {
        EKI_TRY(read_row(l, &d->fields[k], mix.other, spare->row, err));
        eki_mix_row(mix.share, &d->fields[k], row_of(l, s, k, row), spare->row);
    }
    if (s->images == NULL) return EK_OK;
    s->others[row] = d->labels[mix.other];
    EKI_TRY(fill_image(l, mix.other, spare, spare->image, err));
    eki_mix_values(mix.share, s->images + (size_t)row * d->example_values, spare->image, d->example_values);
    return EK_OK;
}

static ek_status fill_example(ek_loader *l, const eki_slot *s, int64_t i, const eki_spare *spare, ek_error *err) {
    const ek_dataset *d = l->recipe.dataset;
    uint64_t id = s->ids[i];
    EKI_TRY(fill_arrays(l, s, i, id, err));
    if (s->images != NULL) {
        s->labels[i] = d->labels[id];
        EKI_TRY(fill_image(l, id, spare, s->images + (size_t)i * d->example_values, err));
    }
    return l->options.mixup > 0 ? mix_in(l, s, i, spare, err) : EK_OK;
}

ek_status eki_loader_fill(void *context, const eki_prefetch_part *part, ek_error *err) {
    ek_loader *l = context;
    const eki_slot *s = &l->slot[part->slot];
    double started = eki_thread_seconds();
    int64_t first, count = eki_loader_shard(l, part->number, &first), from = part->number * l->options.batch + first;
    size_t begin, end;
    eki_split((size_t)count, l->parts, part->part, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        s->ids[i] = id_at(l, from + (int64_t)i);
        EKI_TRY(fill_example(l, s, (int64_t)i, &l->spares[part->thread], err));
    }
    for (size_t k = 0; k < l->recipe.dataset->n_fields && part->part == 0; k++) s->arrays[k].dims[0] = count;
    atomic_fetch_add(&l->images, (long long)(end - begin));
    atomic_fetch_add(&l->making, (long long)(1e9 * (eki_thread_seconds() - started)));
    return EK_OK;
}

ek_loader_work ek_loader_report(const ek_loader *l) {
    if (l == NULL) return (ek_loader_work){0};
    return (ek_loader_work){.workers = l->workers,
                            .images = atomic_load(&l->images),
                            .decoded = atomic_load(&l->decoded),
                            .making = 1e-9 * (double)atomic_load(&l->making),
                            .decoding = 1e-9 * (double)atomic_load(&l->decoding)};
}
