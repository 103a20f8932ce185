/* spell_kinds.c: which norm moments over some axes make, by the axes and by what scale and bias run along. */
#include "sites/spell.h"

#include <string.h>

/* One reading of the axes: the kind that it is when scale and bias run along `along`. */
typedef struct reading {
    eki_site_kind kind;
    unsigned along; /* axes of scale and bias */
    int channel_axis;
    bool bare;     /* holds without scale and bias too */
    bool training; /* statistics of the batch */
} reading;

enum { READINGS = 3 };

static unsigned range_of(int first, int end) {
    unsigned set = 0;
    for (int i = first; i < end; i++) set |= 1U << i;
    return set;
}

/* Readings of the last axes, `first` on; a scale per channel makes an instance norm of what is over all of space. */
static int last_readings(bool centred, int rank, int first, reading out[READINGS]) {
    unsigned over = range_of(first, rank);
    reading rows = {centred ? EKI_SITE_LAYER : EKI_SITE_RMS, over, -1, true, false};
    reading channel = {EKI_SITE_INSTANCE, 1U << 1, 1, true, false};
    if (rank < 3 || first > 2 || first < 1 || (!centred && first == 2)) {
        out[0] = rows;
        return 1;
    }
    if (first == 1) {
        channel.kind = centred ? EKI_SITE_GROUP : EKI_SITE_RMS; /* one group */
        channel.bare = false;
    }
    bool spatial = first == 2 && rank >= 4; /* at rank 3 the last axis is more often a row of features */
    rows.bare = !spatial;
    channel.bare = spatial;
    out[0] = channel;
    out[1] = rows;
    return 2;
}

/* All readings; 0 = the axes are those of no norm. */
static int read_axes(bool centred, const eki_axes *axes, reading out[READINGS]) {
    int rank = axes->rank, first;
    unsigned over = eki_axes_set(axes);
    if (eki_axes_last(axes, &first)) {
        if (rank < 0) { /* seen as if there were no other axes */
            out[0] = (reading){centred ? EKI_SITE_LAYER : EKI_SITE_RMS, range_of(0, axes->count), -1, true, false};
            return 1;
        }
        if (first > 0) return last_readings(centred, rank, first, out);
    }
    if (rank < 2) return 0;
    unsigned last = 1U << (rank - 1);
    if (rank >= 4 && over == 1U << 1) { /* channels first, as ConvNeXt has it */
        out[0] = (reading){centred ? EKI_SITE_LAYER : EKI_SITE_RMS, 1U << 1, 1, false, false};
        return 1;
    }
    if (!centred) return 0;
    if (over == (range_of(0, rank) & ~(1U << 1))) {
        out[0] = (reading){EKI_SITE_BATCH, 1U << 1, 1, true, true};
        return 1;
    }
    if (rank >= 3 && over == range_of(0, rank - 1)) {
        out[0] = (reading){EKI_SITE_BATCH, last, rank - 1, false, true};
        return 1;
    }
    if (rank >= 4 && over == range_of(1, rank - 1)) {
        out[0] = (reading){EKI_SITE_INSTANCE, last, rank - 1, false, false};
        return 1;
    }
    return 0;
}

static void fill(eki_finder *f, eki_site *site, const reading *chosen, const eki_axes *axes) {
    const eki_shape *x = eki_extents(f, site->x);
    site->kind = chosen->kind;
    site->rank = axes->rank;
    site->training = chosen->training;
    site->channel_axis = chosen->channel_axis;
    site->groups = 1;
    site->n_axes = axes->count;
    memcpy(site->axes, axes->at, sizeof site->axes);
    if (chosen->channel_axis < 0) return;
    site->channels_last = chosen->channel_axis > 1;
    int64_t channels = x->dims[chosen->channel_axis];
    const eki_shape *scale = &site->parameters[EKI_SCALE].shape;
    if (channels < 1 && site->parameters[EKI_SCALE].value != NULL) (void)eki_shape_count(scale, &channels);
    site->channels = channels > 0 ? channels : 0;
    if (site->kind == EKI_SITE_INSTANCE) site->groups = site->channels;
}

/* A weight in front of its convolution or product: each output by itself. */
static bool weight_kind(eki_finder *f, eki_site *site, bool centred, const eki_axes *axes) {
    const eki_shape *x = eki_extents(f, site->x);
    int first;
    if (!centred || axes->rank < 2 || !eki_axes_last(axes, &first) || first != 1) return false;
    eki_tail_rule rule = {.x = x, .allowed = {1U << 0}, .n_allowed = 1};
    reading weight = {EKI_SITE_WEIGHT, 1U << 0, 0, true, false};
    eki_site_tail(f, site, &rule);
    fill(f, site, &weight, axes);
    site->channels_last = false;
    return true;
}

bool eki_moments_kind(eki_finder *f, eki_site *site, bool centred, const eki_axes *axes) {
    reading readings[READINGS];
    eki_shape unseen = {.rank = axes->count}, ignored;
    if (eki_is_parameter(f, site->x, &ignored)) return weight_kind(f, site, centred, axes);
    int count = read_axes(centred, axes, readings), bare = -1;
    for (int i = 0; i < unseen.rank; i++) unseen.dims[i] = EKI_OPEN;
    eki_tail_rule rule = {.x = axes->rank < 0 ? &unseen : eki_extents(f, site->x), .n_allowed = count};
    for (int i = 0; i < count; i++) {
        rule.allowed[i] = readings[i].along;
        if (readings[i].bare) bare = i;
    }
    if (count == 0) return false;
    eki_site_tail(f, site, &rule);
    int chosen = rule.chosen >= 0 ? rule.chosen : bare;
    if (chosen < 0) return false;
    fill(f, site, &readings[chosen], axes);
    return true;
}

bool eki_factor_kind(eki_finder *f, eki_site *site, const eki_value *parameter, const eki_axes *axes) {
    reading readings[READINGS];
    unsigned along;
    int count = read_axes(true, axes, readings);
    if (!eki_varies(f, parameter, eki_extents(f, site->x), &along) || along == 0) return false;
    for (int i = 0; i < count; i++) {
        if ((along & ~readings[i].along) != 0) continue;
        fill(f, site, &readings[i], axes);
        return true;
    }
    return false;
}
