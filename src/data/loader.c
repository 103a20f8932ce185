/* loader.c: batches of a set, in an order that depends on seed and epoch alone.
 *
 * An epoch's order is a permutation drawn once at its start; batch k is positions k*batch onward. So any batch of any
 * epoch can be made directly, which is what resuming and prefetching are.
 */
#include "data/loader.h"

#include "base/options.h"
#include "base/random.h"
#include "base/threads.h"
#include "base/timer.h"

#include <math.h>
#include <string.h>

enum { MAX_WORKERS = 1024, PARTS = 8 /* of a batch, for each thread */ };

ek_loader_options ek_loader_options_default(void) {
    ek_loader_options o = {.struct_size = sizeof o, .batch = 64, .seed = 1, .prefetch = 2};
    for (int c = 0; c < EK_MAX_CHANNELS; c++) o.std[c] = 1;
    return o;
}

static ek_status check_numbers(const ek_loader_options *o, const ek_dataset_info *info, ek_error *err) {
    for (int c = 0; c < info->channels; c++) {
        if (!isfinite(o->mean[c]) || !isfinite(o->std[c]) || o->std[c] <= 0) {
            return eki_fail(err, EK_ERR_ARG,
                            "loader: channel %d has mean %g and deviation %g; expected finite numbers and a deviation "
                            "above 0 (1 for a constant channel)",
                            c, (double)o->mean[c], (double)o->std[c]);
        }
    }
    return EK_OK;
}

static ek_status check_range(const char *name, float value, float most, ek_error *err) {
    if (value >= 0 && value <= most) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "loader: %s is %g, expected 0 to %g", name, (double)value, (double)most);
}

static ek_status check_augmentation(const ek_loader_options *o, const ek_dataset_info *info, ek_error *err) {
    int side = info->height < info->width ? info->height : info->width;
    bool moves = o->crop != 0 || o->flip || o->rotate > 0;
    bool changes = o->erase > 0 || o->jitter[0] > 0 || o->jitter[1] > 0 || o->jitter[2] > 0;
    EKI_TRY(check_range("erase", o->erase, 1, err));
    for (int i = 0; i < 3; i++) EKI_TRY(check_range("jitter", o->jitter[i], 100, err));
    EKI_TRY(check_range("rotate", o->rotate, 180, err));
    EKI_TRY(check_range("mixup", o->mixup, 1e6f, err));
    if (info->channels == 0 && (moves || changes)) {
        return eki_fail(err, EK_ERR_ARG, "loader: %s images, and these examples are arrays",
                        moves ? "crop, flip and rotate move" : "erase and jitter change");
    }
    if (info->channels == 0 || (o->crop >= 0 && o->crop < side)) return EK_OK;
    return eki_fail(err, EK_ERR_ARG, "loader: crop is %d, expected 0 to %d for images of %d x %d", o->crop, side - 1,
                    info->height, info->width);
}

static ek_status check_options(const ek_loader_options *o, const ek_dataset_info *info, ek_error *err) {
    if (o->batch < 1)
        return eki_fail(err, EK_ERR_ARG, "loader: batch is %lld, expected 1 or more", (long long)o->batch);
    if (o->drop_last && o->batch > info->count) {
        return eki_fail(err, EK_ERR_ARG,
                        "loader: a batch of %lld is more than the %lld examples there are, and the short last batch is "
                        "dropped; use a smaller batch or keep the last one",
                        (long long)o->batch, (long long)info->count);
    }
    EKI_TRY(check_augmentation(o, info, err));
    if (o->prefetch < 0 || o->prefetch > EKI_MAX_PREFETCH) {
        return eki_fail(err, EK_ERR_ARG, "loader: prefetch is %d, expected 0 to %d", o->prefetch, EKI_MAX_PREFETCH);
    }
    if (o->workers < 0 || o->workers > MAX_WORKERS) {
        return eki_fail(err, EK_ERR_ARG, "loader: workers is %d, expected 0 to %d", o->workers, MAX_WORKERS);
    }
    if (o->ranks < 1 || o->rank < 0 || o->rank >= o->ranks || o->chunk < 1) {
        return eki_fail(err, EK_ERR_ARG,
                        "loader: rank %d of %d with chunks of %lld; expected a rank below the number "
                        "of ranks, and chunks of 1 or more",
                        o->rank, o->ranks, (long long)o->chunk);
    }
    return check_numbers(o, info, err);
}

/* One piece of memory for the rows of all arrays. */
static ek_status allocate_arrays(const ek_dataset *d, eki_slot *s, size_t n, ek_error *err) {
    eki_size all = eki_sized(64);
    for (size_t k = 0; k < d->n_fields; k++) {
        all = eki_size_sum(all, eki_sized(64));
        all = eki_size_sum(all, eki_size_of(n, d->fields[k].row_bytes));
    }
    s->arrays = eki_alloc_zero(eki_size_of(d->n_fields + 1, sizeof *s->arrays));
    s->rows = eki_alloc(all);
    if (s->arrays == NULL || s->rows == NULL) return eki_fail_nomem(err, all.bytes);
    size_t at = 0;
    for (size_t k = 0; k < d->n_fields; k++) {
        s->arrays[k] = ek_dataset_array(d, k);
        s->arrays[k].data = s->rows + at;
        at += (n * d->fields[k].row_bytes + 63) / 64 * 64; /* every type is aligned */
    }
    return EK_OK;
}

static ek_status allocate_shares(eki_slot *s, size_t n, ek_error *err) {
    s->others = eki_alloc_zero(eki_size_of(n, sizeof *s->others));
    s->shares = eki_alloc(eki_size_of(n, sizeof *s->shares));
    return s->others == NULL || s->shares == NULL ? eki_fail_nomem(err, n * sizeof *s->shares) : EK_OK;
}

/* What the making of one example takes beside its place. */
static ek_status allocate_spare(const ek_loader *l, eki_spare *spare, ek_error *err) {
    const ek_dataset *d = l->recipe.dataset;
    eki_size values = eki_size_of(d->example_values, sizeof(float));
    size_t widest = 1;
    bool mixes = l->options.mixup > 0, scratch = eki_recipe_needs_scratch(&l->recipe);
    for (size_t k = 0; k < d->n_fields; k++) widest = d->fields[k].row_bytes > widest ? d->fields[k].row_bytes : widest;
    EKI_TRY(eki_dataset_room(d, &spare->room, err));
    if (scratch) spare->scratch = eki_alloc(values);
    if (mixes) spare->row = eki_alloc(eki_sized(widest));
    if (mixes) spare->image = eki_alloc(values);
    bool lacks = (scratch && spare->scratch == NULL) || (mixes && (spare->row == NULL || spare->image == NULL));
    return lacks ? eki_fail_nomem(err, values.bytes) : EK_OK;
}

static ek_status allocate_spares(ek_loader *l, ek_error *err) {
    l->spares = eki_alloc_zero(eki_size_of((size_t)l->workers, sizeof *l->spares));
    if (l->spares == NULL) return eki_fail_nomem(err, (size_t)l->workers * sizeof *l->spares);
    for (int i = 0; i < l->workers; i++) EKI_TRY(allocate_spare(l, &l->spares[i], err));
    return EK_OK;
}

static ek_status allocate(ek_loader *l, ek_error *err) {
    size_t n = (size_t)(l->options.batch < l->count ? l->options.batch : l->count), bytes, order;
    if (!eki_mul_size(n, l->recipe.dataset->example_values * sizeof(float), &bytes) ||
        !eki_mul_size((size_t)l->count, sizeof *l->order, &order)) {
        return eki_fail(err, EK_ERR_LIMIT, "loader: a batch of %zu images does not fit memory; use a smaller batch", n);
    }
    for (size_t i = 0; i < l->slots; i++) {
        eki_slot *s = &l->slot[i];
        s->ids = eki_alloc(eki_size_of(n, sizeof *s->ids));
        if (s->ids == NULL) return eki_fail_nomem(err, n * sizeof *s->ids);
        if (l->recipe.dataset->n_fields > 0) EKI_TRY(allocate_arrays(l->recipe.dataset, s, n, err));
        if (l->options.mixup > 0) EKI_TRY(allocate_shares(s, n, err));
        if (l->recipe.dataset->info.channels == 0) continue;
        s->images = eki_alloc(eki_sized(bytes));
        s->labels = eki_alloc(eki_size_of(n, sizeof *s->labels));
        if (s->images == NULL || s->labels == NULL) return eki_fail_nomem(err, bytes);
    }
    EKI_TRY(allocate_spares(l, err));
    if (l->options.shuffle) {
        l->order = eki_alloc(eki_sized(order));
        if (l->order == NULL) return eki_fail_nomem(err, order);
    }
    return EK_OK;
}

static void prepare(ek_loader *l, const ek_dataset *dataset) {
    const ek_loader_options *o = &l->options;
    l->count = dataset->info.count;
    l->batches = l->count / o->batch + (!o->drop_last && l->count % o->batch != 0 ? 1 : 0);
    l->slots = (size_t)o->prefetch + 1;
    l->workers = o->prefetch == 0 ? 1 : o->workers > 0 ? o->workers : dataset->files != NULL ? eki_threads_get() : 1;
    if (l->workers > MAX_WORKERS) l->workers = MAX_WORKERS;
    l->parts = l->workers > 1 ? PARTS * (size_t)l->workers : 1;
    l->recipe = (eki_recipe){.dataset = dataset,
                             .seed = o->seed,
                             .crop = o->crop,
                             .flip = o->flip != 0,
                             .erase = o->erase,
                             .jitter = {o->jitter[0], o->jitter[1], o->jitter[2]},
                             .rotate = o->rotate,
                             .mixup = o->mixup};
    if (dataset->info.channels != 3) l->recipe.jitter[2] = 0; /* no colours to saturate */
    for (int c = 0; c < EK_MAX_CHANNELS; c++) {
        bool used = c < dataset->info.channels;
        l->recipe.mean[c] = used ? o->mean[c] : 0;
        l->recipe.std[c] = used ? o->std[c] : 1;
    }
    eki_recipe_prepare(&l->recipe);
}

ek_status ek_loader_create(const ek_dataset *dataset, const ek_loader_options *options, ek_loader **out,
                           ek_error *err) {
    EKI_GIVEN(dataset, err);
    EKI_GIVEN(out, err);
    *out = NULL;
    ek_loader_options o = ek_loader_options_default();
    EKI_TRY(eki_options_take(&o, sizeof o, options, "ek_loader_options", err));
    if (o.ranks == 0) o.ranks = 1;
    if (o.chunk == 0) o.chunk = 1;
    EKI_TRY(check_options(&o, &dataset->info, err));
    if (o.mixup > 0) EKI_TRY(eki_mix_check(dataset, err));
    ek_loader *l = eki_alloc_zero(eki_sized(sizeof *l));
    if (l == NULL) return eki_fail_nomem(err, sizeof *l);
    if (pthread_mutex_init(&l->readers, NULL) != 0) {
        eki_free(l);
        return eki_fail_nomem(err, sizeof l->readers);
    }
    l->options = o;
    prepare(l, dataset);
    eki_prefetch_work work = {l->slots, l->parts, l->workers, eki_loader_fill, l};
    ek_status status = allocate(l, err);
    if (status == EK_OK) status = eki_prefetch_create(&work, &l->prefetch, err);
    if (status != EK_OK) {
        ek_loader_destroy(l);
        return status;
    }
    *out = l;
    return EK_OK;
}

void ek_loader_destroy(ek_loader *l) {
    if (l == NULL) return;
    eki_prefetch_destroy(l->prefetch);
    for (size_t i = 0; i < l->slots; i++) {
        eki_free(l->slot[i].images);
        eki_free(l->slot[i].labels);
        eki_free(l->slot[i].ids);
        eki_free(l->slot[i].arrays);
        eki_free(l->slot[i].rows);
        eki_free(l->slot[i].others);
        eki_free(l->slot[i].shares);
    }
    for (int i = 0; l->spares != NULL && i < l->workers; i++) {
        eki_free(l->spares[i].room);
        eki_free(l->spares[i].scratch);
        eki_free(l->spares[i].row);
        eki_free(l->spares[i].image);
    }
    eki_free(l->spares);
    eki_free(l->order);
    pthread_mutex_destroy(&l->readers);
    eki_free(l);
}

int64_t ek_loader_batches(const ek_loader *l) { return l == NULL ? 0 : l->batches; }

double ek_loader_waited(const ek_loader *l) { return l == NULL ? 0 : l->waited; }

ek_status ek_loader_start_epoch(ek_loader *l, int64_t epoch, int64_t first, ek_error *err) {
    EKI_GIVEN(l, err);
    if (epoch < 0 || first < 0 || first > l->batches) {
        return eki_fail(err, EK_ERR_ARG,
                        "loader: epoch %lld, batch %lld; expected an epoch of 0 or more and a batch of 0 "
                        "to %lld",
                        (long long)epoch, (long long)first, (long long)l->batches);
    }
    eki_prefetch_stop(l->prefetch);
    bool known = l->started && l->epoch == epoch;
    if (l->order != NULL && !known) {
        eki_random_permutation(l->options.seed, "shuffle", (uint64_t)epoch, l->order, (size_t)l->count);
    }
    l->epoch = epoch;
    l->started = true;
    return eki_prefetch_start(l->prefetch, first, l->batches, err);
}

ek_status ek_loader_next(ek_loader *l, ek_batch *batch, ek_error *err) {
    EKI_GIVEN(l, err);
    EKI_GIVEN(batch, err);
    memset(batch, 0, sizeof *batch);
    if (!l->started) {
        return eki_fail(err, EK_ERR_STATE, "loader: ek_loader_next before ek_loader_start_epoch");
    }
    int64_t number;
    double began = eki_now();
    ek_status status = eki_prefetch_next(l->prefetch, &number, err);
    l->waited += eki_now() - began;
    EKI_TRY(status);
    batch->index = number < 0 ? l->batches : number;
    if (number < 0) return EK_OK;
    const eki_slot *s = &l->slot[(size_t)number % l->slots];
    *batch = (ek_batch){.index = number, .images = s->images, .labels = s->labels, .ids = s->ids};
    batch->arrays = s->arrays;
    batch->array_count = l->recipe.dataset->n_fields;
    batch->others = s->others;
    batch->shares = s->shares;
    batch->total = eki_loader_batch_count(l, number);
    batch->count = eki_loader_shard(l, number, &batch->first);
    return EK_OK;
}
