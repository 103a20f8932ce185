/* label.c: what an exchange is, in words and compared. */
#include "dist/comm_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

eki_label eki_label_make(int kind, const char *name, int64_t step, int64_t channels, int dtype) {
    eki_label label = {.step = step, .channels = channels, .kind = kind, .dtype = dtype};
    size_t length = strlen(name), room = sizeof label.name - 1;
    /* The end of a long name tells more layers apart than its beginning. */
    memcpy(label.name, length > room ? name + length - room : name, length > room ? room : length);
    return label;
}

const char *eki_label_text(const eki_label *label, char *text, size_t room) {
    static const char *const kinds[] = {"nothing",  "statistics of",     "gradients",  "gradients",
                                        "the loss", "the comparison of", "the end of", "data"};
    bool known = label->kind > 0 && (size_t)label->kind < sizeof kinds / sizeof *kinds;
    char channels[48] = "";
    if (label->channels >= 0) (void)snprintf(channels, sizeof channels, " (%" PRId64 " channels)", label->channels);
    (void)snprintf(text, room, "%s '%.*s'%s in step %" PRId64, known ? kinds[label->kind] : "an unknown exchange",
                   (int)sizeof label->name, label->name, label->kind == EKI_KIND_NORM ? channels : "", label->step);
    return text;
}

static bool same(const eki_label *a, const eki_label *b) {
    bool channels = a->channels == b->channels || a->channels < 0 || b->channels < 0;
    return channels && a->step == b->step && a->kind == b->kind && a->dtype == b->dtype &&
           strncmp(a->name, b->name, sizeof a->name) == 0;
}

ek_status eki_label_check(const eki_exchange *x, const eki_frame *frame, ek_error *err) {
    char theirs[192], ours[192];
    const eki_label *a = &x->label, *b = &frame->label;
    int rank = x->comm->transport->rank;
    if (!same(a, b)) {
        return eki_fail(err, EK_ERR_DIST,
                        "rank %d is at %s, but rank %d is at %s%s; all ranks need the same model, data and options",
                        x->round.from, eki_label_text(b, theirs, sizeof theirs), rank,
                        eki_label_text(a, ours, sizeof ours), a->dtype != b->dtype ? " with another element type" : "");
    }
    if (x->round.receive == NULL || frame->bytes == x->round.room) return EK_OK;
    return eki_fail(err, EK_ERR_DIST,
                    "at %s: rank %d sent %" PRIu64 " bytes, rank %d expected %zu; all ranks need the same model, data "
                    "and options",
                    eki_label_text(a, ours, sizeof ours), x->round.from, frame->bytes, rank, x->round.room);
}
