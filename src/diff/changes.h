/* changes.h: the list of changes that a comparison leaves: what stands behind ek_diff. */
#ifndef EKI_DIFF_CHANGES_H
#define EKI_DIFF_CHANGES_H

#include "base/error.h"
#include "base/memory.h"

#include <evenkeel/surgery.h>

struct ek_diff {
    eki_arena arena;
    ek_change *changes;
    const char **places; /* of each change: "" or "if_1/then_branch" */
    size_t count, room, room_places;
};

ek_status eki_diff_create(ek_diff **diff, ek_error *err);
/* The texts are copied, made safe to show. `kind` is a constant. */
ek_status eki_diff_add(ek_diff *diff, const char *place, const char *kind, const char *name, double difference,
                       const char *text, ek_error *err);
/* Tensors last, of those the largest difference first; else the order of the calls. */
ek_status eki_diff_order(ek_diff *diff, ek_error *err);

#endif
