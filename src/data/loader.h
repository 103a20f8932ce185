/* loader.h: what a loader is, for the two files that make it. */
#ifndef EKI_LOADER_H
#define EKI_LOADER_H

#include "data/augment.h"
#include "data/prefetch.h"

#include <pthread.h>
#include <stdatomic.h>

enum { EKI_MAX_PREFETCH = 64 };

/* Memory of one batch. */
typedef struct eki_slot {
    float *images;
    int32_t *labels;
    uint64_t *ids;
    ek_batch_array *arrays;
    unsigned char *rows; /* of all arrays */
    int32_t *others;     /* with mixup: the labels of what is mixed in */
    float *shares;
} eki_slot;

/* What a worker needs for the example that it makes. */
typedef struct eki_spare {
    unsigned char *room; /* for a file that is decoded */
    float *scratch;      /* of the recipe */
    float *image;        /* with mixup: the example that is mixed in, and a row of it */
    unsigned char *row;
} eki_spare;

struct ek_loader {
    ek_loader_options options;
    eki_recipe recipe;
    int64_t count, batches, epoch;
    bool started;
    uint64_t *order; /* of this epoch; NULL = file order */
    size_t slots;
    eki_slot slot[EKI_MAX_PREFETCH + 1];
    eki_prefetch *prefetch;
    int workers;
    size_t parts;                                   /* of a batch */
    eki_spare *spares;                              /* of each worker */
    pthread_mutex_t readers;                        /* functions that give rows run one at a time */
    double waited;                                  /* seconds */
    atomic_llong images, decoded, making, decoding; /* examples, and nanoseconds */
};

/* Examples of batch `number`, and this rank's part of them. */
int64_t eki_loader_batch_count(const ek_loader *loader, int64_t number);
int64_t eki_loader_shard(const ek_loader *loader, int64_t number, int64_t *first);

/* Makes a part of a batch; the prefetcher's work, on its threads or the caller's. */
ek_status eki_loader_fill(void *loader, const eki_prefetch_part *part, ek_error *err);

#endif
