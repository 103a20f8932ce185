/* card10.c: group norm between layer norm and instance norm, bit for bit, what a group really shares, and what that is
 * worth in small batches.
 *
 * With one group it is layer norm, with a group per channel it is instance norm. It never looks at batch mates. And
 * its statistics are shared over space as well as over the channels of a group: there are N*G sets, not N*G*H*W, and
 * the mean over a group's channels at a single place is not 0, as a norm "per spatial location" would make it.
 *
 * Trained as Wu and He did: batches of 2 to 32 images, the rate in proportion. The page's first figure shows it.
 */
#include "study/lab.h"
#include "study/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 8, C = 16, H = 5, W = 6, PLANE = H * W, EXAMPLE = C * PLANE, COUNT = N * EXAMPLE, SHOWN = 4 };
enum {
    ONE_GROUP,
    GROUP_PER_CHANNEL,
    ONE_PLACE,
    ALONE,
    SETS_OFF,
    GROUP_MEAN,
    PLACE_MEAN,
    BATCH_ALONE,
    PLACE_MEAN_ZERO,
    AHEAD_AT_TWO,
    LOSES_MORE,
    AHEAD_AT_WHOLE,
    LEARNED,
    ENDPOINTS
};
enum { CORRECTED, PER_PLACE, SMALL_BATCHES, WHOLE_BATCHES };
enum { WHOLE = EKS_SWEEP_SIZES - 1, ACCURACY = 0, SEEDS = 5 }; /* the effect is large, and small batches are slow */

static const int64_t dims[] = {N, C, H, W};

typedef struct bench {
    eks_study *study;
    float *x, *y, *z; /* COUNT each */
    float scale[C], bias[C];
    int64_t sets; /* of the last call */
} bench;

static ek_status normalize(bench *b, ek_norm_kind kind, int64_t groups, int64_t examples, const float *x, float *y,
                           ek_error *err) {
    eks_norm call = eks_norm_call(kind, 4, dims, x, y);
    call.desc.dims[0] = examples;
    call.desc.groups = groups;
    if (kind == EK_NORM_LAYER) {
        call.desc.axis = 1;
        call.desc.affine = EK_AFFINE_CHANNEL;
        call.desc.groups = 1;
    }
    if (kind == EK_NORM_INSTANCE) call.desc.groups = 1;
    call.scale = b->scale;
    call.bias = b->bias;
    ek_status status = b->study->uses.normalize(&call, err);
    b->sets = call.sets;
    return status;
}

/* GN(1) against LN, GN(C) against IN, and IN of a 1x1 map against beta. */
static ek_status identities(bench *b, eks_evidence *evidence, ek_error *err) {
    EKS_TRY(normalize(b, EK_NORM_GROUP, 1, N, b->x, b->y, err));
    EKS_TRY(normalize(b, EK_NORM_LAYER, 1, N, b->x, b->z, err));
    evidence->values[ONE_GROUP] = (double)eks_differing(b->y, b->z, COUNT);
    EKS_TRY(normalize(b, EK_NORM_GROUP, C, N, b->x, b->y, err));
    EKS_TRY(normalize(b, EK_NORM_INSTANCE, 1, N, b->x, b->z, err));
    evidence->values[GROUP_PER_CHANNEL] = (double)eks_differing(b->y, b->z, COUNT);
    const int64_t points[] = {N * PLANE, C, 1, 1};
    eks_norm call = eks_norm_call(EK_NORM_INSTANCE, 4, points, b->x, b->y);
    call.scale = b->scale;
    call.bias = b->bias;
    EKS_TRY(b->study->uses.normalize(&call, err));
    evidence->values[ONE_PLACE] = 0;
    for (int i = 0; i < N * PLANE; i++) evidence->values[ONE_PLACE] += (double)eks_differing(b->y + i * C, b->bias, C);
    return EK_OK;
}

/* Every example alone against the same example in the batch of N, for each number of groups. */
static ek_status independence(bench *b, eks_evidence *evidence, ek_error *err) {
    static const char *const columns[] = {"norm", "statistics sets", "values that differ alone", "largest change"};
    eks_table_begin(&evidence->table, "Each of 8 examples alone, against the same example in the batch", 4, columns);
    evidence->values[ALONE] = evidence->values[SETS_OFF] = 0;
    for (int64_t groups = 1; groups <= 2 * C; groups *= 2) {
        int batch_norm = groups > C;
        ek_norm_kind kind = batch_norm ? EK_NORM_BATCH : EK_NORM_GROUP;
        EKS_TRY(normalize(b, kind, batch_norm ? 1 : groups, N, b->x, b->y, err));
        int64_t sets = b->sets;
        for (int n = 0; n < N; n++)
            EKS_TRY(normalize(b, kind, batch_norm ? 1 : groups, 1, b->x + n * EXAMPLE, b->z + n * EXAMPLE, err));
        double differing = (double)eks_differing(b->y, b->z, COUNT), change = eks_max_difference(b->y, b->z, COUNT);
        if (batch_norm)
            evidence->values[BATCH_ALONE] = change;
        else {
            evidence->values[ALONE] += differing;
            evidence->values[SETS_OFF] = fmax(evidence->values[SETS_OFF], fabs((double)(sets - N * groups)));
        }
        int row = eks_table_row(&evidence->table);
        if (batch_norm)
            eks_cell_text(&evidence->table, row, 0, "batch norm");
        else
            eks_cell_text(&evidence->table, row, 0, "group norm, G = %d", (int)groups);
        eks_cell_number(&evidence->table, row, 1, (double)sets);
        eks_cell_number(&evidence->table, row, 2, differing);
        eks_cell_number(&evidence->table, row, 3, change);
    }
    return EK_OK;
}

/* Without scale and bias: the mean over the group's channels at each place, and over the whole group. */
static ek_status places(bench *b, eks_evidence *evidence, ek_error *err) {
    eks_norm call = eks_norm_call(EK_NORM_GROUP, 4, dims, b->x, b->y);
    call.desc.groups = SHOWN;
    EKS_TRY(b->study->uses.normalize(&call, err));
    double total = 0, most = 0;
    for (int i = 0; i < PLANE; i++) {
        double mean, var;
        eks_moments(b->y + i, C / SHOWN, PLANE, &mean, &var);
        total += mean / PLANE;
        most = fmax(most, fabs(mean));
    }
    evidence->values[GROUP_MEAN] = fabs(total);
    evidence->values[PLACE_MEAN] = evidence->values[PLACE_MEAN_ZERO] = most;
    return EK_OK;
}

static ek_status forms(eks_study *study, eks_evidence *evidence, ek_error *err) {
    bench b = {.study = study};
    b.x = eks_floats(COUNT, err);
    b.y = eks_floats(COUNT, err);
    b.z = eks_floats(COUNT, err);
    ek_status status = b.x && b.y && b.z ? EK_OK : EK_ERR_NOMEM;
    if (status != EK_OK) goto done;
    for (int i = 0; i < N * C; i++)
        eks_fill_normal(b.x + i * PLANE, PLANE, study->options->seed, (uint64_t)(10100 + i), 0.5 * (i / C) - (i % 3),
                        1 + 0.2 * (i % 5));
    eks_fill_normal(b.scale, C, study->options->seed, 10001, 1, 0.3);
    eks_fill_normal(b.bias, C, study->options->seed, 10002, 0, 0.5);
    EKS_TRY_DONE(identities(&b, evidence, err));
    EKS_TRY_DONE(independence(&b, evidence, err));
    EKS_TRY_DONE(places(&b, evidence, err));
done:
    free(b.z);
    free(b.y);
    free(b.x);
    return status;
}

/* Each norm at each batch size, the rate in proportion to the batch. */
static void arms(const eks_study *study, const eks_pool *pool, eks_recipe recipes[EKS_SWEEP_ARMS]) {
    static const char *const names[EKS_SWEEP_ARMS] = {
        "batch norm, 2 images", "batch norm, 4", "batch norm, 8", "batch norm, 16", "batch norm, 32 images",
        "group norm, 2 images", "group norm, 4", "group norm, 8", "group norm, 16", "group norm, 32 images",
        "layer norm, 2 images", "layer norm, 4", "layer norm, 8", "layer norm, 16", "layer norm, 32 images"};
    static const ek_norm_kind kinds[EKS_SWEEP_NORMS] = {EK_NORM_BATCH, EK_NORM_GROUP, EK_NORM_LAYER};
    for (int i = 0; i < EKS_SWEEP_ARMS; i++) {
        eks_recipe *r = &recipes[i];
        *r = eks_recipe_make(names[i], "cnn6", pool, eks_scale_cnn(study));
        r->build.norm = kinds[i / EKS_SWEEP_SIZES];
        r->batch = eks_sweep_sizes[i % EKS_SWEEP_SIZES];
        r->train.lr = 0.05 * (double)r->batch / 32;
        if (study->level == EKS_LEVEL_QUICK) r->epochs = 4; /* batches of 32 need the steps */
    }
}

static ek_status run(eks_study *study, eks_evidence *evidence, ek_error *err) {
    static const eks_outcome metrics[] = {[ACCURACY] = EKS_TEST_ACCURACY};
    eks_recipe recipes[EKS_SWEEP_ARMS];
    eks_scale scale = eks_scale_cnn(study);
    const eks_pool *pool;
    int seeds = scale.seeds < SEEDS ? scale.seeds : SEEDS;
    EKS_TRY(eks_pool_get(study, EKS_COLOUR, scale.side, &pool, err));
    arms(study, pool, recipes);
    return eks_lab(study, recipes, EKS_SWEEP_ARMS, seeds, metrics, 1, evidence, err);
}

static void show(eks_evidence *evidence) { evidence->caption = "Mean over seeds, by norm and images per batch"; }

const eks_design eks_card10 = {
    .number = 10,
    .taught = "Group norm splits the channels into groups and normalizes within each, often said to be \"per spatial "
              "location\".",
    .prediction =
        "One group is layer norm and C groups are instance norm, bit for bit. An example's output never "
        "depends on its batch mates. Statistics are shared over space too: N·G sets, mean 0 over a group's "
        "channels and places together, but not at each place. Trained in batches of 2 it is ahead of batch norm, "
        "which loses more from 32 images to 2.",
    .refuter = "One differing bit in either identity or with other batch mates; another number of sets; a mean of 0 "
               "at every single place; or no gain over batch norm in batches of 2.",
    .method = "Random activations, 8 × 16 × 5 × 6, random scale and bias, G from 1 to 16; each example alone and in "
              "the batch of 8. Instance norm of 1 × 1 maps for comparison. Six convolutions trained in batches of 2 to "
              "32 images "
              "with batch, group and layer norm, the rate in proportion to the batch, equal epochs.",
    .readings =
        {
            [CORRECTED] =
                {"corrected",
                 "Split the channels into groups; normalize each group of an example over its channels and over space.",
                 EKS_SUPPORTED, ONE_GROUP, "One group against layer norm: # values differed.",
                 "One group against layer norm: # values differed."},
            [PER_PLACE] = {"as taught", "Normalize within each group per spatial location.", EKS_REFUTED,
                           PLACE_MEAN_ZERO, NULL, "At single places the mean was up to #, not 0."},
            [SMALL_BATCHES] = {"published", "In small batches group norm does better than batch norm.", EKS_SUPPORTED,
                               LOSES_MORE, "From 32 images a batch to 2, batch norm lost # more than group norm.",
                               "From 32 images a batch to 2, batch norm lost no more than group norm: #."},
            [WHOLE_BATCHES] = {"published", "With 32 images a batch, batch norm is still the better one.",
                               EKS_NOT_MEASURED, AHEAD_AT_WHOLE, "With 32 images batch norm was ahead by #.",
                               "With 32 images batch norm was not ahead: #."},
        },
    .sabotage = "groups-over-batch",
    .sabotage_what = "a group's statistics are shared by the whole batch",
    .pilot = EKS_PILOT_AGAIN,
    .endpoint_count = ENDPOINTS,
    .endpoints =
        {
            [ONE_GROUP] = {"one group against layer norm: values that differ", EKS_EXACTLY, 0},
            [GROUP_PER_CHANNEL] = {"a group per channel against instance norm: values that differ", EKS_EXACTLY, 0},
            [ONE_PLACE] = {"instance norm of a 1 × 1 map: values that are not the bias", EKS_EXACTLY, 0},
            [ALONE] = {"group norm: values that differ when an example is alone", EKS_EXACTLY, 0},
            [SETS_OFF] = {"sets of statistics: largest distance from N · G", EKS_EXACTLY, 0},
            [GROUP_MEAN] = {"|mean| over a group's channels and places", EKS_AT_MOST, 1e-5},
            [PLACE_MEAN] = {"largest |mean| over a group's channels at one place", EKS_AT_LEAST, 0.1},
            [BATCH_ALONE] = {"batch norm: largest change when an example is alone", EKS_AT_LEAST, 0.01, .control = 1},
            [PLACE_MEAN_ZERO] = {"largest |mean| at one place, 0 if statistics were taken per place", EKS_AT_MOST, 1e-5,
                                 .reading = PER_PLACE},
            [AHEAD_AT_TWO] = {"2 images a batch: accuracy of group norm less batch norm", EKS_AT_LEAST, 0, .percent = 1,
                              .reading = SMALL_BATCHES, EKS_DIFF(EKS_SWEEP_ARM(1, 0), EKS_SWEEP_ARM(0, 0), ACCURACY)},
            [LOSES_MORE] = {"from 32 images to 2: what batch norm loses less what group norm loses", EKS_AT_LEAST, 0,
                            .percent = 1, .reading = SMALL_BATCHES,
                            EKS_CROSS(EKS_SWEEP_ARM(0, WHOLE), EKS_SWEEP_ARM(0, 0), EKS_SWEEP_ARM(1, WHOLE),
                                      EKS_SWEEP_ARM(1, 0), ACCURACY)},
            [AHEAD_AT_WHOLE] = {"32 images a batch: accuracy of batch norm less group norm", EKS_AT_LEAST, 0,
                                .percent = 1, .reading = WHOLE_BATCHES,
                                EKS_DIFF(EKS_SWEEP_ARM(0, WHOLE), EKS_SWEEP_ARM(1, WHOLE), ACCURACY)},
            [LEARNED] = {"accuracy, batch norm over 32 (the network learns)", EKS_AT_LEAST, 0.2, .control = 1,
                         .percent = 1, EKS_MEAN(EKS_SWEEP_ARM(0, WHOLE), ACCURACY)},
        },
    .predict =
        {
            .question = "Group norm is given as many groups as there are channels. What is it then?",
            .choices = {"Batch norm", "Layer norm over the image", "Instance norm"},
            .correct = 2,
            .why = "A group of one channel shares over that channel’s height and width: instance norm, bit for bit.",
            .endpoint = GROUP_PER_CHANNEL,
        },
    .quiz =
        {
            .question = "Over which values does group norm take a mean?",
            .choices = {"Some channels of one image, all places", "Some channels of one image, one place",
                        "One channel of some images, all places", "Some channels of all images, all places"},
            .correct = 0,
            .why = "The mean over a group’s channels and places is 0 afterwards. The mean at one place is not.",
            .endpoint = PLACE_MEAN,
        },
    .forms = forms,
    .run = run,
    .show = show,
};
