/* sync_block.h: the message of a synchronized norm: what it is, and partial results of every channel.
 *
 *     header | nodes[capacity] | values[capacity][channels]
 *
 * One header describes a rank or a group of neighbouring ranks. EXACT: nodes cover the group's units. FAST: one node,
 * the whole group, or none where it has no examples.
 */
#ifndef EKI_SYNC_BLOCK_H
#define EKI_SYNC_BLOCK_H

#include "norm/variants/cover.h"
#include <evenkeel/sync.h>

/* What all ranks must agree on, the most telling first. Those that EXACT alone needs are 0 in FAST. */
typedef enum eki_sync_field {
    EKI_SYNC_STEP,
    EKI_SYNC_LAYER,
    EKI_SYNC_PHASE,
    EKI_SYNC_MODE,
    EKI_SYNC_RANKS,
    EKI_SYNC_CHANNELS,
    EKI_SYNC_DTYPE,
    EKI_SYNC_GLOBAL,
    EKI_SYNC_CHUNK,
    EKI_SYNC_SPACE,
    EKI_SYNC_LAYOUT,
    EKI_SYNC_BLOCKS,   /* units per chunk, or per example where examples are cut */
    EKI_SYNC_CAPACITY, /* nodes of the block */
    EKI_SYNC_BYTES,
    EKI_SYNC_FIELDS
} eki_sync_field;

enum { EKI_SYNC_FORWARD = 1, EKI_SYNC_BACKWARD = 2 };

/* What went wrong while blocks were combined: a field (its index), or one of these. */
enum { EKI_FAULT_NONE = -1, EKI_FAULT_STRANGE = 100, EKI_FAULT_SIZE, EKI_FAULT_ORDER, EKI_FAULT_PLACE };

typedef struct eki_sync_fault {
    int32_t what;
    int32_t rank, other; /* `rank` found, `other` has what was expected */
    int32_t reserved;
    int64_t found, expected;
} eki_sync_fault;

typedef struct eki_sync_header {
    uint64_t magic;
    int64_t field[EKI_SYNC_FIELDS];
    int64_t first_rank, ranks; /* of the group */
    int64_t nodes;
    eki_sync_fault fault;
    uint64_t reserved[10];
} eki_sync_header;

_Static_assert(sizeof(eki_sync_header) == EK_SYNC_HEADER_BYTES, "the header of a block is 256 bytes");

#define EKI_SYNC_MAGIC UINT64_C(0x4b4c42434e59534b) /* "KSYNCBLK" */

/* A node of the cover of the group's units, and the elements of every channel in it. */
typedef struct eki_block_node {
    eki_tree_node at;
    double n;
} eki_block_node;

uint64_t eki_sync_block_bytes(int64_t capacity, int64_t channels);

/* One channel of a block; its nodes are stored once, those of any channel; all elements, NaN where a count is negative.
 */
void eki_sync_load(const eki_sync_header *block, int64_t channel, eki_cover *cover);
void eki_sync_store(eki_sync_header *block, int64_t channel, const eki_cover *cover);
void eki_sync_store_nodes(eki_sync_header *block, const eki_cover *cover);
double eki_sync_elements(const eki_sync_header *block);

/* EXACT: the first example of a unit. */
int64_t eki_sync_example(const eki_sync_header *block, int64_t unit);

/* What a marked block says, as one sentence behind the name of the layer. */
ek_status eki_sync_fault_text(const eki_sync_header *block, ek_error *err);

#endif
