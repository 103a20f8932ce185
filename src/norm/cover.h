/* cover.h: part of the fixed tree (partial.h): the fewest nodes that cover a range of units, in order.
 *
 * Whatever covers [a, b) holds the same nodes with the same bits, however it was put together: a node is added by
 * merging it with its sibling, if that is there, the result with its sibling, and so on. So covers of neighbouring
 * ranges join associatively, which a plain list of partial results of ranks would not.
 */
#ifndef EKI_COVER_H
#define EKI_COVER_H

#include "norm/partial.h"
#include <stdbool.h>

enum { EKI_COVER_MAX = 128 }; /* two per level */

/* Units [begin, begin + 2^level), n elements of every channel. */
typedef struct eki_node {
    int64_t begin, level;
    double n;
} eki_node;

/* Of one channel: mean and M2 of the nodes, or two plain sums. */
typedef struct eki_cover {
    bool moments;
    int64_t count;
    eki_node node[EKI_COVER_MAX];
    eki_pair value[EKI_COVER_MAX];
} eki_cover;

/* Nodes that any range within `units` units may need, at most. */
int64_t eki_cover_capacity(int64_t units);

/* Adds the node behind the last; false, and nothing is changed, when that is not its place. */
bool eki_cover_push(eki_cover *cover, eki_node node, eki_pair value);

/* All nodes as one: the root of the tree where they cover it from unit 0; and their elements. */
eki_pair eki_cover_root(const eki_cover *cover, double *n);

static inline int64_t eki_node_end(const eki_node *node) { return node->begin + (INT64_C(1) << node->level); }

#endif
