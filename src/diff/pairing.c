/* pairing.c: partners are looked for in rounds, the surest first, by a hash table over those that have none yet.
 *
 * Equal keys pair in their order, so that a key that comes twice (two entries of metadata with one key) is compared one
 * by one. What has no key at all pairs by position.
 */
#include "diff/pairing.h"

#include <stdlib.h>
#include <string.h>

/* What must be equal in a round. */
enum { BY_SCOPE = 1, BY_NAME = 2, BY_ALSO = 4, BY_SORT = 8 };

static bool same(eki_bytes a, eki_bytes b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static eki_bytes inner_message(eki_bytes message, uint32_t number) {
    return number == 0 ? message : eki_text_of(message, number);
}

/* A name that is given in another field than the last: the first output of a node. */
static eki_bytes first_text(eki_bytes message, uint32_t number) {
    const eki_member member = {.number = number, .holds = EKI_HOLDS_BYTES};
    eki_items items = eki_items_of(message, &member);
    eki_item item;
    return number != 0 && eki_items_next(&items, &item) ? item.bytes : (eki_bytes){.data = "", .size = 0};
}

/* "ai.onnx" is another word for the empty domain. */
static eki_bytes normal(eki_bytes domain) {
    return same(domain, (eki_bytes){"ai.onnx", 7}) ? (eki_bytes){.data = "", .size = 0} : domain;
}

static eki_paired item_of(eki_bytes message, const eki_key *key) {
    eki_paired item = {.message = message};
    item.name = normal(first_text(inner_message(message, key->inner), key->name));
    item.scope = normal(first_text(message, key->scope));
    item.also = first_text(message, key->also);
    item.sort = first_text(message, key->sort);
    return item;
}

static ek_status collect(eki_comparison *c, const eki_member *member, const eki_key *key, eki_bytes message,
                         eki_list *list) {
    eki_items items = eki_items_of(message, member);
    eki_item item;
    size_t count = 0;
    *list = (eki_list){0};
    while (eki_items_next(&items, &item)) count++;
    if (count == 0) return EK_OK;
    EKI_TRY(eki_charge(c, count * sizeof *list->items));
    list->items = eki_calloc(count, sizeof *list->items);
    if (list->items == NULL) {
        eki_uncharge(c, count * sizeof *list->items);
        return eki_fail_nomem(c->err, count * sizeof *list->items);
    }
    items = eki_items_of(message, member);
    while (eki_items_next(&items, &item)) list->items[list->count++] = item_of(item.bytes, key);
    return EK_OK;
}

static uint64_t hash_bytes(uint64_t hash, eki_bytes text) {
    const unsigned char *bytes = text.data;
    for (size_t i = 0; i < text.size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return (hash ^ 0xff) * UINT64_C(0x100000001b3);
}

static uint64_t hash_of(const eki_paired *item, unsigned by) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    if (by & BY_SCOPE) hash = hash_bytes(hash, item->scope);
    if (by & BY_NAME) hash = hash_bytes(hash, item->name);
    if (by & BY_ALSO) hash = hash_bytes(hash, item->also);
    if (by & BY_SORT) hash = hash_bytes(hash, item->sort);
    return hash ^ hash >> 29;
}

static bool agree(const eki_paired *a, const eki_paired *b, unsigned by) {
    return (!(by & BY_SCOPE) || same(a->scope, b->scope)) && (!(by & BY_NAME) || same(a->name, b->name)) &&
           (!(by & BY_ALSO) || same(a->also, b->also)) && (!(by & BY_SORT) || same(a->sort, b->sort));
}

/* A round needs something to go by. An empty domain is one, and the name of an opset. */
static bool takes_part(const eki_paired *item, unsigned by) {
    if (item->partner != 0) return false;
    return (!(by & BY_NAME) || item->name.size > 0 || (by & BY_SCOPE)) && (!(by & BY_ALSO) || item->also.size > 0);
}

static void pair_round(eki_list lists[2], uint32_t *table, size_t slots, unsigned by) {
    memset(table, 0, slots * sizeof *table);
    for (size_t i = lists[1].count; i-- > 0;) {
        eki_paired *item = &lists[1].items[i];
        if (!takes_part(item, by)) continue;
        uint32_t *slot = &table[hash_of(item, by) & (slots - 1)];
        item->next = *slot;
        *slot = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < lists[0].count; i++) {
        eki_paired *item = &lists[0].items[i];
        if (!takes_part(item, by)) continue;
        uint32_t *link = &table[hash_of(item, by) & (slots - 1)];
        while (*link != 0 && !agree(item, &lists[1].items[*link - 1], by)) link = &lists[1].items[*link - 1].next;
        if (*link == 0) continue;
        eki_paired *partner = &lists[1].items[*link - 1];
        item->partner = *link;
        partner->partner = (uint32_t)i + 1;
        *link = partner->next;
    }
}

static void pair_by_position(eki_list lists[2]) {
    size_t k = 0;
    for (size_t i = 0; i < lists[0].count; i++) {
        eki_paired *item = &lists[0].items[i];
        if (item->partner != 0 || item->name.size > 0 || item->also.size > 0) continue;
        while (k < lists[1].count) {
            const eki_paired *other = &lists[1].items[k];
            if (other->partner == 0 && other->name.size == 0 && other->also.size == 0) break;
            k++;
        }
        if (k == lists[1].count) return;
        lists[1].items[k].partner = (uint32_t)i + 1;
        item->partner = (uint32_t)++k;
    }
}

static ek_status pair_by_keys(eki_comparison *c, const eki_key *key, eki_list lists[2]) {
    size_t slots = 16;
    while (slots < 2 * lists[1].count) slots *= 2;
    EKI_TRY(eki_charge(c, slots * sizeof(uint32_t)));
    uint32_t *table = eki_alloc(eki_size_of(slots, sizeof *table));
    if (table != NULL) {
        unsigned scope = key->scope != 0 ? BY_SCOPE : 0;
        if (key->also != 0) {
            pair_round(lists, table, slots, BY_NAME | BY_ALSO | BY_SORT);
            pair_round(lists, table, slots, BY_ALSO | BY_SORT);
            pair_round(lists, table, slots, BY_NAME | BY_SORT);
            pair_round(lists, table, slots, BY_ALSO);
        }
        pair_round(lists, table, slots, BY_NAME | scope);
        free(table);
    }
    eki_uncharge(c, slots * sizeof(uint32_t));
    return table == NULL ? eki_fail_nomem(c->err, slots * sizeof *table) : EK_OK;
}

ek_status eki_pair(eki_comparison *c, const eki_member *member, const eki_key *key, eki_bytes a, eki_bytes b,
                   eki_list lists[2]) {
    lists[1] = (eki_list){0};
    ek_status status = collect(c, member, key, a, &lists[0]);
    if (status == EK_OK) status = collect(c, member, key, b, &lists[1]);
    if (status == EK_OK && key->name != 0) status = pair_by_keys(c, key, lists);
    if (status == EK_OK) pair_by_position(lists);
    if (status != EK_OK) eki_lists_free(c, lists);
    return status;
}

void eki_lists_free(eki_comparison *c, eki_list lists[2]) {
    for (int i = 0; i < 2; i++) {
        eki_uncharge(c, lists[i].count * sizeof *lists[i].items);
        free(lists[i].items);
        lists[i] = (eki_list){0};
    }
}
