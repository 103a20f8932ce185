/* tree.h: the fixed binary tree over chunks, for sums of whole arrays.
 *
 * The tree is aligned at powers of two: node i of level l covers chunks [i 2^l, (i+1) 2^l), and is the sum of its two
 * halves. Consecutive chunks, wherever they begin, are covered by few such nodes; neighbours join until one range is
 * left, and its root is folded from the right. So who sums which chunks changes no bit.
 */
#ifndef EKI_TREE_H
#define EKI_TREE_H

#include <stddef.h>
#include <stdint.h>

typedef struct eki_tree_node {
    int level;
    int64_t index;
} eki_tree_node;

enum { EKI_TREE_COVER = 126 }; /* no range needs more */

/* The fewest nodes that cover chunks first .. first + count - 1, from the left. Returns how many. */
int eki_tree_cover(int64_t first, int64_t count, eki_tree_node nodes[EKI_TREE_COVER]);

/* values[n][count]: the nodes of two covers, one behind the other, become those of the joined range, in place. Returns
 * how many. */
int eki_tree_join(eki_tree_node *nodes, double *values, int n, size_t count);

/* The root of a cover that begins at chunk 0, into values[0][count]. No nodes: zeros. */
void eki_tree_root(double *values, int n, size_t count);

#endif
