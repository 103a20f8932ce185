/* doctor_kinds.h: models made by real training, some of them broken on purpose. */
#ifndef DOCTOR_KINDS_H
#define DOCTOR_KINDS_H

#include "train/train_fixture.h"

#include <evenkeel/doctor.h>

typedef struct setup {
    const char *data, *other; /* SPEC of the images to train on, and of another domain */
    const char *architecture;
    uint64_t seed;
    int64_t images; /* to train on */
    double lr;
} setup;

/* One way to train, or to feed. */
typedef struct way {
    int64_t images, batch, steps;
    double lr, momentum;
    ek_schedule schedule;
    ek_optimizer optimizer;
    ek_norm_kind norm;
    double gain, offset; /* of the pixels; gain 0 = 1 */
    int raw;             /* no mean and deviation */
    double glitch;       /* the first image of each batch is so many times as bright */
} way;

typedef struct kind {
    const char *name, *code;                   /* "none" = healthy: no finding either */
    ek_model *(*make)(const setup *s, way *w); /* *w: how it is then fed */
    ek_split split;
    int other; /* fed with the other domain */
} kind;

extern const kind doctor_kinds[];
extern const size_t doctor_kind_count;

way usual_way(const setup *s);
ek_dataset *open_images(const char *spec, ek_split split, const way *w);

#endif
