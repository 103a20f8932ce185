/* seam.h: the single seam between the experiments and the library, and everything a study run shares.
 *
 * Experiments never call a norm directly: they go through the uses below. A sabotage replaces one entry by a
 * deliberately wrong use, for one card; the card's verdict must then turn. See seam.c.
 */
#ifndef EKS_SEAM_H
#define EKS_SEAM_H

#include "study/card.h"

#include <evenkeel/norm.h>
#include <evenkeel/session.h>

/* One normalization of an array. Unused members are zero or NULL. */
typedef struct eks_norm {
    ek_norm_desc desc;
    ek_norm_stats stats;
    const float *x, *scale, *bias;
    float *y;
    const float *dy; /* with it the backward is run too, into dx, dscale and dbias */
    float *dx, *dscale, *dbias;
    float *mean, *var;                 /* optional, room for `sets` values */
    float *running_mean, *running_var; /* read with EK_STATS_RUNNING; updated when `update` is set */
    int update;
    int64_t sets; /* result: how many sets shared statistics */
} eks_norm;

typedef struct eks_uses {
    ek_status (*normalize)(eks_norm *call, ek_error *err);
    ek_mode evaluation; /* the mode in which a trained network is evaluated */
} eks_uses;

typedef struct eks_network eks_network;

struct eks_pool;

typedef enum eks_study_level { EKS_LEVEL_QUICK, EKS_LEVEL_DEFAULT, EKS_LEVEL_FULL } eks_study_level;

/* Texts read from a file, kept until the study ends. */
typedef struct eks_kept {
    struct eks_kept *next;
    char text[];
} eks_kept;

struct eks_study {
    eks_kept *kept;
    const ek_study_options *options;
    eks_study_level level;
    int sabotaged;              /* 1 = the card that runs is to be sabotaged */
    int blinded;                /* 1 = what it is about is to be taken away */
    struct eks_pool *pools[12]; /* see pool.h */
    int source_channels[2];     /* of the data sets given; 0 = not known yet */
    double done, share;         /* progress: cards done, and what the one that runs counts for */
    const char *current;        /* its question */
    eks_uses uses;              /* of the card that runs */
    eks_network *network;       /* trained when first wanted; see network.h */
    int ran[EKS_ALL];
    eks_evidence evidence[EKS_ALL]; /* by card number - 1 */
    eks_evidence forms[EKS_ALL];    /* closed forms computed for comparison with a file */
    int formed[EKS_ALL];
    const char *isa;        /* that measured */
    ek_study_options given; /* read from a file */
};

/* The convolutional network of the level: cnn6, or resnet20 at the full one. */
const char *eks_network_name(const eks_study *study);
const char *eks_level_text(const eks_study *study); /* "quick", "default", "full" */

/* The uses of a card: the right ones, or the wrong one when its sabotage is asked for. */
eks_uses eks_uses_for(const eks_design *design, const char *sabotage);
/* 1 = `sabotage` names the defect of this design, by number or name. */
int eks_sabotages(const eks_design *design, const char *sabotage);

int eks_blinds(const eks_design *design, const char *sabotage); /* likewise of its blinding, by name */

/* The right use of a norm: plan, forward, and the update of running statistics when asked for. */
ek_status eks_normalize(eks_norm *call, ek_error *err);

/* A call with its dims set, on x and y. */
eks_norm eks_norm_call(ek_norm_kind kind, int rank, const int64_t *dims, const float *x, float *y);

/* ---- draw.c: numbers and comparisons ---- */
ek_status eks_fail(ek_error *err, ek_status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
double eks_now(void);                           /* seconds of a monotonic clock */
float *eks_floats(size_t count, ek_error *err); /* zeroed; NULL when out of memory */
/* The seed of a study's network number `index`. The two before them, index -2 and -1, served for finding thresholds. */
uint64_t eks_run_seed(uint64_t seed, int index);
/* Uniform in [0, 1), a function of (seed, purpose, index) alone. */
double eks_uniform(uint64_t seed, uint64_t purpose, uint64_t index);
/* Near-normal, mean 0 and deviation 1: twelve uniforms added, which is the same on every machine. */
double eks_normal(uint64_t seed, uint64_t purpose, uint64_t index);
void eks_fill_normal(float *x, size_t count, uint64_t seed, uint64_t purpose, double mean, double deviation);
/* A permutation of 0..count-1. */
void eks_permutation(int64_t *order, int64_t count, uint64_t seed, uint64_t purpose);
/* How many values differ in any bit, and the largest difference. */
int64_t eks_differing(const float *a, const float *b, size_t count);
double eks_max_difference(const float *a, const float *b, size_t count);
double eks_max_magnitude(const float *a, size_t count);
/* Population moments in double, of `count` values `stride` apart. */
void eks_moments(const float *x, size_t count, size_t stride, double *mean, double *var);

#define EKS_TRY(call)                                                                                                  \
    do {                                                                                                               \
        ek_status eks_try_ = (call);                                                                                   \
        if (eks_try_ != EK_OK) return eks_try_;                                                                        \
    } while (0)

#define EKS_TRY_DONE(call)                                                                                             \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status != EK_OK) goto done;                                                                                \
    } while (0)

#endif
