/* spot.c: from the chain of spots to place, kind, name and text. */
#include "diff/spot.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SPOTS = 512, ROOM = 1024 };

/* What the chain says, while it is read from the model down. */
typedef struct reading {
    const char *kind;
    char place[ROOM], name[ROOM], trail[ROOM];
} reading;

static void append(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void append(char *text, const char *format, ...) {
    size_t used = strlen(text);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text + used, ROOM - used, format, list);
    va_end(list);
}

static int shown(eki_bytes text) { return text.size < 200 ? (int)text.size : 200; }

static void append_index(char *text, const eki_spot *spot) {
    if (spot->numbered) append(text, "[%zu]", spot->index);
}

/* What was the subject becomes a part of the way. */
static void descend(reading *r) {
    if (r->name[0] != '\0') append(r->place, "%s%.200s", r->place[0] != '\0' ? "/" : "", r->name);
    if (r->name[0] != '\0' && r->trail[0] != '\0') append(r->place, "/%.200s", r->trail);
    r->name[0] = r->trail[0] = '\0';
}

static void enter_subject(reading *r, const eki_spot *spot) {
    if (r->name[0] != '\0') descend(r);
    r->kind = spot->kind;
    r->name[0] = r->trail[0] = '\0';
    if (spot->label_2.size > 0) append(r->name, "%.*s.", shown(spot->label_2), (const char *)spot->label_2.data);
    if (spot->label.size > 0) {
        append(r->name, "%.*s", shown(spot->label), (const char *)spot->label.data);
    } else if (spot->field != NULL) {
        append(r->name, "%s", spot->field);
        append_index(r->name, spot);
    }
}

static void enter_field(reading *r, const eki_spot *spot) {
    if (spot->field != NULL) append(r->trail, "%s%s", r->trail[0] != '\0' ? "." : "", spot->field);
    append_index(r->trail, spot);
    if (spot->label.size == 0) return;
    const char *before = spot->field != NULL ? " " : r->trail[0] != '\0' ? "." : "";
    const char *quote = spot->field != NULL ? "'" : "";
    append(r->trail, "%s%s%.*s%s", before, quote, shown(spot->label), (const char *)spot->label.data, quote);
}

static void enter(reading *r, const eki_spot *spot) {
    switch (spot->role) {
    case EKI_SPOT_SUBJECT: enter_subject(r, spot); break;
    case EKI_SPOT_PART:
        r->kind = spot->kind;
        enter_field(r, spot);
        break;
    case EKI_SPOT_FIELD: enter_field(r, spot); break;
    case EKI_SPOT_GRAPH:
        descend(r);
        r->kind = "graph";
        break;
    }
}

static void read_chain(const eki_spot *at, reading *r) {
    const eki_spot *chain[MAX_SPOTS];
    size_t count = 0;
    for (; at != NULL && count < MAX_SPOTS; at = at->up) chain[count++] = at;
    *r = (reading){.kind = "model"};
    while (count > 0) enter(r, chain[--count]);
}

ek_status eki_tell(eki_comparison *c, const eki_spot *at, const char *kind, double difference, const char *format,
                   ...) {
    reading r;
    char text[ROOM];
    read_chain(at, &r);
    text[0] = '\0';
    if (r.trail[0] != '\0') append(text, "%.300s: ", r.trail);
    size_t used = strlen(text);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text + used, sizeof text - used, format, list);
    va_end(list);
    return eki_diff_add(c->diff, r.place, kind != NULL ? kind : r.kind, r.name, difference, text, c->err);
}

const char *eki_spot_kind(const eki_spot *at) {
    for (; at != NULL; at = at->up) {
        if (at->role == EKI_SPOT_SUBJECT || at->role == EKI_SPOT_PART) return at->kind;
        if (at->role == EKI_SPOT_GRAPH) return "graph";
    }
    return "model";
}

ek_status eki_charge(eki_comparison *c, size_t bytes) {
    if (c->used <= c->budget && bytes <= c->budget - c->used) {
        c->used += bytes;
        return EK_OK;
    }
    return eki_fail(c->err, EK_ERR_LIMIT,
                    "%s and %s: comparing needs more than %zu bytes of memory, which no real model of that size does",
                    c->sides[0].path, c->sides[1].path, c->budget);
}

void eki_uncharge(eki_comparison *c, size_t bytes) { c->used -= bytes; }
