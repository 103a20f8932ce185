/* cover.h: part of the fixed tree: the fewest nodes that cover a range of units, in order, and what they hold.
 *
 * Whatever covers [a, b) holds the same nodes with the same bits, however it was put together. So covers of
 * neighbouring ranges join associatively, which a plain list of partial results of ranks would not.
 */
#ifndef EKI_COVER_H
#define EKI_COVER_H

#include "norm/partial.h"
#include <stdbool.h>

enum { EKI_COVER_MAX = 128 }; /* two per level */

/* Of one channel. Value: n elements, and mean and M2 of them (moments), or two plain sums. */
typedef struct eki_cover {
    bool moments;
    int64_t count;
    eki_tree_node node[EKI_COVER_MAX];
    eki_moments value[EKI_COVER_MAX];
} eki_cover;

/* Nodes that any range within `units` units may need, at most. */
int64_t eki_cover_capacity(int64_t units);

/* Adds the node behind the last; false, and nothing is changed, when that is not its place. */
bool eki_cover_push(eki_cover *cover, eki_tree_node node, eki_moments value);

/* All nodes as one, in place of the first value: the root of the tree where they cover it from unit 0. */
eki_moments eki_cover_root(eki_cover *cover);

/* Units [begin, end) of a cover; of one that is not well formed, or of none, [0, 0). */
int64_t eki_cover_begin(const eki_cover *cover);
int64_t eki_cover_end(const eki_cover *cover);

#endif
