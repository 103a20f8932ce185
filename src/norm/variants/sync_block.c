/* sync_block.c: combining the blocks of neighbouring ranks, and saying why two do not go together.
 *
 * Blocks come from other machines, so nothing in them is used before it is compared with our own.
 */
#include "norm/variants/sync_block.h"

#include "base/error.h"
#include "base/float_mode.h"

#include <math.h>

static const char *const field_names[EKI_SYNC_FIELDS] = {"step",
                                                         "layer",
                                                         "phase (1 forward, 2 backward)",
                                                         "mode",
                                                         "ranks",
                                                         "channels",
                                                         "data type",
                                                         "global_count",
                                                         "chunk",
                                                         "elements",
                                                         "layout",
                                                         "units per example",
                                                         "nodes per block",
                                                         "bytes per block"};

uint64_t eki_sync_block_bytes(int64_t capacity, int64_t channels) {
    uint64_t node = sizeof(eki_block_node) + (uint64_t)channels * sizeof(eki_pair);
    return sizeof(eki_sync_header) + (uint64_t)capacity * node;
}

static eki_block_node *nodes_of(const eki_sync_header *block) { return (eki_block_node *)(uintptr_t)(block + 1); }

/* Those of a channel are `channels` apart. */
static eki_pair *values_of(const eki_sync_header *block, int64_t channel) {
    return (eki_pair *)(void *)(nodes_of(block) + block->field[EKI_SYNC_CAPACITY]) + channel;
}

void eki_sync_load(const eki_sync_header *block, int64_t channel, eki_cover *cover) {
    const eki_pair *value = values_of(block, channel);
    cover->moments = block->field[EKI_SYNC_PHASE] == EKI_SYNC_FORWARD;
    cover->count = block->nodes;
    for (int64_t i = 0; i < cover->count; i++, value += block->field[EKI_SYNC_CHANNELS]) {
        const eki_block_node *node = &nodes_of(block)[i];
        cover->node[i] = node->at;
        cover->value[i] = (eki_moments){node->n, value->a, value->b};
    }
}

void eki_sync_store(eki_sync_header *block, int64_t channel, const eki_cover *cover) {
    eki_pair *value = values_of(block, channel);
    for (int64_t i = 0; i < cover->count; i++, value += block->field[EKI_SYNC_CHANNELS]) {
        *value = (eki_pair){cover->value[i].mean, cover->value[i].m2};
    }
}

void eki_sync_store_nodes(eki_sync_header *block, const eki_cover *cover) {
    block->nodes = cover->count;
    for (int64_t i = 0; i < cover->count; i++) nodes_of(block)[i] = (eki_block_node){cover->node[i], cover->value[i].n};
}

double eki_sync_elements(const eki_sync_header *block) {
    double n = 0;
    for (int64_t i = 0; i < block->nodes; i++) n += nodes_of(block)[i].n < 0 ? (double)NAN : nodes_of(block)[i].n;
    return n;
}

static int mark(eki_sync_header *block, int what, int64_t rank, int64_t other, int64_t found, int64_t expected) {
    block->fault = (eki_sync_fault){
        .what = what, .rank = (int32_t)rank, .other = (int32_t)other, .found = found, .expected = expected};
    return 1;
}

/* Everything but the values. Returns 1 when `a` is marked. */
static int compare(eki_sync_header *a, const eki_sync_header *b, size_t bytes) {
    if (a->fault.what != EKI_FAULT_NONE) return 1;
    if (bytes < sizeof *b || b->magic != a->magic) {
        return mark(a, EKI_FAULT_STRANGE, -1, a->first_rank, (int64_t)bytes, a->field[EKI_SYNC_BYTES]);
    }
    if (b->fault.what != EKI_FAULT_NONE) {
        a->fault = b->fault;
        return 1;
    }
    for (int i = 0; i < EKI_SYNC_FIELDS; i++) {
        if (a->field[i] != b->field[i]) {
            return mark(a, i, b->first_rank, a->first_rank, b->field[i], a->field[i]);
        }
    }
    if (bytes != sizeof *b && bytes != (size_t)a->field[EKI_SYNC_BYTES]) {
        return mark(a, EKI_FAULT_SIZE, b->first_rank, a->first_rank, (int64_t)bytes, a->field[EKI_SYNC_BYTES]);
    }
    if (b->nodes < 0 || b->nodes > b->field[EKI_SYNC_CAPACITY]) {
        return mark(a, EKI_FAULT_STRANGE, b->first_rank, a->first_rank, b->nodes, b->field[EKI_SYNC_CAPACITY]);
    }
    return 0;
}

/* sum = left, right: EXACT where they meet, FAST as one node. */
static bool join(bool exact, const eki_cover *left, const eki_cover *right, eki_cover *sum) {
    sum->moments = left->moments;
    sum->count = 0;
    for (int64_t i = 0; i < left->count; i++) {
        if (!eki_cover_push(sum, left->node[i], left->value[i])) return false;
    }
    for (int64_t i = 0; i < right->count; i++) {
        eki_tree_node node = exact ? right->node[i] : (eki_tree_node){0, sum->count};
        if (!eki_cover_push(sum, node, right->value[i])) return false;
    }
    if (!exact && sum->count == 1) sum->node[0] = (eki_tree_node){0, 0};
    return true;
}

int64_t eki_sync_example(const eki_sync_header *block, int64_t unit) {
    int64_t blocks = block->field[EKI_SYNC_BLOCKS];
    return blocks > 0 ? unit / blocks * block->field[EKI_SYNC_CHUNK] : unit;
}

static int misplaced(eki_sync_header *a, int64_t rank, const eki_cover *left, const eki_cover *right) {
    int64_t end = eki_sync_example(a, eki_cover_end(left)), begin = eki_sync_example(a, eki_cover_begin(right));
    return mark(a, EKI_FAULT_PLACE, rank, rank - 1, begin, end);
}

/* `a` is one of left and right. Channel by channel, so that it may be written over. */
static int join_all(eki_sync_header *a, const eki_sync_header *left, const eki_sync_header *right) {
    bool exact = a->field[EKI_SYNC_MODE] == EK_SYNC_EXACT;
    eki_cover l, r, sum = {.count = 0};
    for (int64_t c = 0; c < a->field[EKI_SYNC_CHANNELS]; c++) {
        eki_sync_load(left, c, &l);
        eki_sync_load(right, c, &r);
        bool fits = join(exact, &l, &r, &sum) && sum.count <= a->field[EKI_SYNC_CAPACITY];
        if (!fits) return misplaced(a, right->first_rank, &l, &r); /* the nodes decide: at the first channel */
        eki_sync_store(a, c, &sum);
    }
    eki_sync_store_nodes(a, &sum);
    return 0;
}

int ek_sync_combine(void *into, const void *from, size_t bytes) {
    EKI_FLOAT_DEFAULT(caller);
    eki_sync_header *a = into;
    const eki_sync_header *b = from;
    if (a == NULL || b == NULL || compare(a, b, bytes)) return 1;
    if (bytes == sizeof *b) return 0;
    bool behind = a->first_rank + a->ranks == b->first_rank;
    if (!behind && b->first_rank + b->ranks != a->first_rank) {
        return mark(a, EKI_FAULT_ORDER, b->first_rank, a->first_rank, b->ranks, a->ranks);
    }
    int marked = behind ? join_all(a, a, b) : join_all(a, b, a);
    if (!behind) a->first_rank = b->first_rank;
    a->ranks += b->ranks;
    return marked;
}

static ek_status field_text(const eki_sync_fault *f, ek_error *err) {
    const char *remedy = "every rank must run the same layers in the same order, as often as the others";
    if (f->what >= EKI_SYNC_MODE) remedy = "every rank must have the same model and options";
    if (f->what == EKI_SYNC_GLOBAL) remedy = "every rank must know the size of the whole batch";
    return eki_fail(err, EK_ERR_DIST, "rank %d has %s %lld, rank %d has %lld: %s", (int)f->rank, field_names[f->what],
                    (long long)f->found, (int)f->other, (long long)f->expected, remedy);
}

ek_status eki_sync_fault_text(const eki_sync_header *block, ek_error *err) {
    const eki_sync_fault *f = &block->fault;
    if (f->what >= 0 && f->what < EKI_SYNC_FIELDS) return field_text(f, err);
    switch (f->what) {
    case EKI_FAULT_SIZE:
        return eki_fail(err, EK_ERR_DIST, "%lld bytes came from rank %d, expected %lld: the exchange lost some",
                        (long long)f->found, (int)f->rank, (long long)f->expected);
    case EKI_FAULT_ORDER:
        return eki_fail(err, EK_ERR_DIST,
                        "the exchange combined %lld ranks from rank %d with %lld from rank %d, expected neighbours: "
                        "combine ranks in order, each once",
                        (long long)f->found, (int)f->rank, (long long)f->expected, (int)f->other);
    case EKI_FAULT_PLACE:
        return eki_fail(err, EK_ERR_DIST,
                        "the examples of rank %d begin at %lld, those of rank %d end at %lld, expected no gap and no "
                        "overlap: sync.first must count the examples of all lower ranks",
                        (int)f->rank, (long long)f->found, (int)f->other, (long long)f->expected);
    default:
        return eki_fail(err, EK_ERR_DIST,
                        "what came to rank %d is no block of this library (%lld bytes, expected %lld): every rank must "
                        "run the same version on the same kind of processor",
                        (int)f->other, (long long)f->found, (long long)f->expected);
    }
}
