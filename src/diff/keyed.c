/* keyed.c: lists whose messages have names: those that came, those that went, those that changed, and their order. */
#include "diff/rules.h"
#include "diff/words.h"

#include <stdio.h>
#include <string.h>

static bool is_kind(const eki_rule *rule, const char *kind) {
    return rule->kind != NULL && strcmp(rule->kind, kind) == 0;
}

/* What people know it by. */
static eki_bytes label_of(const eki_paired *item) { return item->name.size > 0 ? item->name : item->also; }

static eki_spot spot_of(const eki_rule *rule, const eki_member *member, const eki_list *list, const eki_paired *item,
                        const eki_spot *at) {
    eki_spot spot = {.up = at, .role = EKI_SPOT_SUBJECT, .kind = rule->kind, .label = label_of(item)};
    spot.label_2 = item->scope;
    if (rule->kind == NULL) spot.role = EKI_SPOT_FIELD;
    if (is_kind(rule, "attribute")) spot.role = EKI_SPOT_PART;
    spot.numbered = spot.label.size == 0 && !is_kind(rule, "opset");
    spot.index = (size_t)(item - list->items);
    if (rule->kind == NULL || spot.numbered) spot.field = member->name;
    return spot;
}

/* ---- those that came or went ---- */

static ek_status tell_opset(eki_comparison *c, const eki_member *member, const eki_paired *item, bool added,
                            const eki_spot *at) {
    const eki_member version = eki_member_named(member->message, "version");
    eki_item number = {0};
    (void)eki_item_of(item->message, &version, &number);
    long long value = (long long)number.value;
    return added ? eki_tell(c, at, NULL, 0, "0 -> %lld", value) : eki_tell(c, at, NULL, 0, "%lld -> 0", value);
}

static ek_status tell_missing(eki_comparison *c, const eki_rule *rule, const eki_member *member, const eki_list *list,
                              const eki_paired *item, bool added, const eki_spot *at) {
    eki_spot spot = spot_of(rule, member, list, item, at);
    char words[EKI_WORDS];
    const char *kind = added ? rule->added : rule->removed;
    (void)eki_message_words(member->message, item->message, words);
    if (is_kind(rule, "opset")) return tell_opset(c, member, item, added, &spot);
    if (kind != NULL) return eki_tell(c, &spot, kind, 0, "%s", words);
    if (is_kind(rule, "attribute")) {
        return eki_tell(c, &spot, NULL, 0, "%s -> %s", added ? "none" : words, added ? words : "none");
    }
    if (strcmp(eki_message_name(member->message), "StringStringEntryProto") == 0) {
        return added ? eki_tell(c, &spot, NULL, 0, "added %s", words)
                     : eki_tell(c, &spot, NULL, 0, "%s -> removed", words);
    }
    return eki_tell(c, &spot, NULL, 0, "%s%s%s", added ? "added" : "removed", words[0] != '\0' ? ", " : "", words);
}

/* ---- order ---- */

static void append_name(char *text, size_t room, const eki_paired *item) {
    eki_bytes label = label_of(item);
    size_t used = strlen(text);
    if (label.size == 0) label = (eki_bytes){.data = "?", .size = 1};
    (void)snprintf(text + used, room - used, "%s%.*s", used > 0 ? "," : "", label.size < 40 ? (int)label.size : 40,
                   (const char *)label.data);
}

/* All names, where they are few. */
static ek_status tell_names(eki_comparison *c, const eki_list lists[2], const eki_spot *at) {
    char names[2][EKI_WORDS] = {"", ""};
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < lists[side].count && strlen(names[side]) < 150; i++) {
            append_name(names[side], EKI_WORDS, &lists[side].items[i]);
        }
    }
    return eki_tell(c, at, "order", 0, "%s -> %s", names[0], names[1]);
}

static ek_status compare_order(eki_comparison *c, const eki_member *member, const eki_list lists[2],
                               const eki_spot *at) {
    uint32_t last = 0;
    for (size_t i = 0; i < lists[0].count; i++) {
        uint32_t partner = lists[0].items[i].partner;
        if (partner == 0) continue;
        if (partner > last) {
            last = partner;
            continue;
        }
        eki_spot spot = {.up = at, .role = EKI_SPOT_FIELD, .field = member->name};
        if (lists[0].count <= 8 && lists[1].count <= 8) return tell_names(c, lists, &spot);
        eki_bytes later = label_of(&lists[1].items[last - 1]), earlier = label_of(&lists[1].items[partner - 1]);
        char left[EKI_WORDS], right[EKI_WORDS];
        return eki_tell(c, &spot, "order", 0, "%s now comes before %s", eki_quote(earlier, 0, left),
                        eki_quote(later, 0, right));
    }
    return EK_OK;
}

static ek_status compare_lists(eki_comparison *c, const eki_rule *rule, const eki_member *member,
                               const eki_list lists[2], const eki_spot *at) {
    for (size_t i = 0; i < lists[0].count; i++) {
        const eki_paired *item = &lists[0].items[i];
        if (item->partner == 0) {
            EKI_TRY(tell_missing(c, rule, member, &lists[0], item, false, at));
            continue;
        }
        eki_spot spot = spot_of(rule, member, &lists[0], item, at);
        EKI_TRY(
            eki_compare_messages(c, member->message, item->message, lists[1].items[item->partner - 1].message, &spot));
    }
    for (size_t i = 0; i < lists[1].count; i++) {
        const eki_paired *item = &lists[1].items[i];
        if (item->partner == 0) EKI_TRY(tell_missing(c, rule, member, &lists[1], item, true, at));
    }
    return compare_order(c, member, lists, at);
}

ek_status eki_compare_keyed(eki_comparison *c, const eki_rule *rule, const eki_member *member, eki_bytes a, eki_bytes b,
                            const eki_spot *at) {
    eki_list lists[2];
    EKI_TRY(eki_pair(c, member, &rule->key, a, b, lists));
    ek_status status = compare_lists(c, rule, member, lists, at);
    eki_lists_free(c, lists);
    return status;
}
