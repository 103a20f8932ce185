/* divide.c: a part of a set, taken out of it: of each class the same share, chosen by seed.
 *
 * Shares are rounded down, and what is missing to the whole goes to the classes with the largest remainders (Hamilton's
 * method), so that the part has the size asked for. Examples are moved, not copied: memory grows by the part.
 */
#include "base/random.h"
#include "data/image_files.h"

#include <math.h>
#include <string.h>

typedef struct share {
    int64_t members, taken;
    double rest; /* what rounding down left */
} share;

typedef struct division {
    ek_dataset *set;
    size_t classes;
    share *shares;       /* of each class */
    int64_t count;       /* of the part */
    uint64_t *order;     /* a permutation of the members of a class */
    int64_t *members;    /* of a class, in the order of the set */
    unsigned char *gone; /* of each example: it is of the part */
} division;

static size_t class_of(const division *d, int64_t i) {
    return d->set->info.classes > 0 ? (size_t)d->set->labels[i] : 0;
}

/* Every class keeps at least one example. */
static void share_out(division *d, double fraction) {
    int64_t left = llrint(fraction * (double)d->set->info.count);
    if (left < 1) left = 1;
    for (size_t c = 0; c < d->classes; c++) {
        share *s = &d->shares[c];
        double exact = fraction * (double)s->members;
        s->taken = (int64_t)floor(exact);
        s->rest = exact - floor(exact);
        left -= s->taken;
        d->count += s->taken;
    }
    for (; left > 0; left--) {
        share *most = NULL;
        for (size_t c = 0; c < d->classes; c++) {
            share *s = &d->shares[c];
            if (s->rest >= 0 && s->taken + 1 < s->members && (most == NULL || s->rest > most->rest)) most = s;
        }
        if (most == NULL) return;
        most->taken++;
        most->rest = -1; /* one each */
        d->count++;
    }
}

static void choose(division *d, uint64_t seed) {
    for (size_t c = 0; c < d->classes; c++) {
        int64_t found = 0;
        if (d->shares[c].taken == 0) continue;
        for (int64_t i = 0; i < d->set->info.count; i++)
            if (class_of(d, i) == c) d->members[found++] = i;
        eki_random_permutation(seed, "validation", (uint64_t)c, d->order, (size_t)found);
        for (int64_t k = 0; k < d->shares[c].taken; k++) d->gone[d->members[d->order[k]]] = 1;
    }
}

static void move_example(ek_dataset *to, int64_t at, const ek_dataset *from, int64_t i) {
    size_t n = from->example_values;
    if (to->rows != NULL) to->rows[at] = from->rows[i];
    if (from->labels != NULL) to->labels[at] = from->labels[i];
    if (to->members != NULL) to->members[at] = from->members[i];
    if (from->pixels != NULL) memmove(to->pixels + (size_t)at * n, from->pixels + (size_t)i * n, n);
    if (from->values != NULL)
        memmove(to->values + (size_t)at * n, from->values + (size_t)i * n, n * sizeof *from->values);
}

static void move(const division *d, ek_dataset *part) {
    int64_t kept = 0, taken = 0;
    for (int64_t i = 0; i < d->set->info.count; i++) {
        if (d->gone[i])
            move_example(part, taken++, d->set, i);
        else
            move_example(d->set, kept++, d->set, i);
    }
    d->set->info.count = kept;
    eki_free(d->set->bins); /* of what it was */
    d->set->bins = NULL;
}

/* The part has the arrays of the set, other rows of them. */
static ek_status borrow_fields(const ek_dataset *set, int64_t count, ek_dataset *part, ek_error *err) {
    part->fields = eki_alloc(eki_size_of(set->n_fields, sizeof *part->fields));
    part->rows = eki_alloc(eki_size_of((size_t)count, sizeof *part->rows));
    if (part->fields == NULL || part->rows == NULL) return eki_fail_nomem(err, (size_t)count * sizeof *part->rows);
    part->n_fields = set->n_fields;
    for (size_t i = 0; i < set->n_fields; i++) {
        part->fields[i] = set->fields[i];
        part->fields[i].map = (eki_map){.data = NULL}; /* the set's, which closes it */
        part->fields[i].owned = NULL;
    }
    return EK_OK;
}

/* 0, 1, ..., unless there are numbers already. */
static ek_status number(int64_t **numbers, int64_t count, ek_error *err) {
    if (*numbers != NULL) return EK_OK;
    *numbers = eki_alloc(eki_size_of((size_t)count, sizeof **numbers));
    if (*numbers == NULL) return eki_fail_nomem(err, (size_t)count * sizeof **numbers);
    for (int64_t i = 0; i < count; i++) (*numbers)[i] = i;
    return EK_OK;
}

static ek_status open_part(const division *d, ek_dataset *part, ek_error *err) {
    const ek_dataset *set = d->set;
    const int64_t chw[3] = {set->info.channels, set->info.height, set->info.width};
    part->info.kind = set->info.kind;
    part->max_bytes = set->max_bytes;
    part->stored_channels = set->stored_channels;
    part->split = EK_SPLIT_VALIDATION;
    part->labelled = set->labelled;
    if (set->n_fields > 0) EKI_TRY(borrow_fields(set, d->count, part, err));
    if (set->info.channels == 0) {
        part->info = set->info;
        part->info.count = d->count;
        part->image_name = set->image_name;
        if (set->labels == NULL) return EK_OK;
        part->labels = eki_alloc(eki_size_of((size_t)d->count, sizeof *part->labels));
        return part->labels != NULL ? EK_OK : eki_fail_nomem(err, (size_t)d->count * sizeof *part->labels);
    }
    memcpy(part->of_byte, set->of_byte, sizeof set->of_byte);
    if (set->files == NULL) {
        EKI_TRY(eki_dataset_reserve(part, set->image_name, set->dtype, d->count, chw, err));
    } else {
        EKI_TRY(eki_dataset_outline(part, set->image_name, d->count, chw, err));
        EKI_TRY(number(&part->members, d->count, err));
        part->files = eki_image_files_share(set->files);
    }
    return eki_dataset_name_classes(part, set->info.classes, set->info.class_names, err);
}

static ek_status divide(division *d, double fraction, uint64_t seed, ek_dataset *part, ek_error *err) {
    size_t count = (size_t)d->set->info.count;
    d->shares = eki_alloc_zero(eki_size_of(d->classes, sizeof *d->shares));
    d->order = eki_alloc(eki_size_of(count, sizeof *d->order));
    d->members = eki_alloc(eki_size_of(count, sizeof *d->members));
    d->gone = eki_alloc_zero(eki_sized(count));
    if (d->shares == NULL || d->order == NULL || d->members == NULL || d->gone == NULL)
        return eki_fail_nomem(err, count * sizeof *d->order);
    for (size_t i = 0; i < count; i++) d->shares[class_of(d, (int64_t)i)].members++;
    share_out(d, fraction);
    if (d->count == 0 || d->count == d->set->info.count)
        return eki_fail(err, EK_ERR_ARG,
                        "%s: of %zu examples in %zu classes no part can be taken so that each keeps one",
                        d->set->image_name, count, d->classes);
    if (d->set->n_fields > 0) EKI_TRY(number(&d->set->rows, d->set->info.count, err));
    if (d->set->files != NULL) EKI_TRY(number(&d->set->members, d->set->info.count, err));
    EKI_TRY(open_part(d, part, err));
    choose(d, seed);
    move(d, part);
    return EK_OK;
}

ek_status ek_dataset_divide(ek_dataset *dataset, double fraction, uint64_t seed, ek_dataset **part, ek_error *err) {
    EKI_GIVEN(dataset, err);
    EKI_GIVEN(part, err);
    *part = NULL;
    if (!(fraction > 0 && fraction < 1))
        return eki_fail(err, EK_ERR_ARG, "fraction is %g, expected a number above 0 and below 1", fraction);
    ek_dataset *made = eki_alloc_zero(eki_sized(sizeof *made));
    if (made == NULL) return eki_fail_nomem(err, sizeof *made);
    division d = {.set = dataset, .classes = dataset->info.classes > 0 ? (size_t)dataset->info.classes : 1};
    ek_status status = divide(&d, fraction, seed, made, err);
    eki_free(d.shares);
    eki_free(d.order);
    eki_free(d.members);
    eki_free(d.gone);
    if (status != EK_OK) {
        ek_dataset_close(made);
        return status;
    }
    *part = made;
    return EK_OK;
}
