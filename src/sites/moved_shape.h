/* moved_shape.h: extents of what nodes that keep or move numbers make; within src/sites. */
#ifndef EKI_MOVED_SHAPE_H
#define EKI_MOVED_SHAPE_H

#include "onnx/graph.h"

/* An extent of which nothing is known; no symbol has this number. */
#define EKI_OPEN INT64_MIN

/* How a list of whole numbers that the node reads (axes, a target shape) is found; false = not known. */
typedef bool (*eki_list_reader)(void *context, const eki_value *value, int64_t *list, int *count);

/* The extents of output 0 of Identity, Cast, Reshape, Squeeze, Unsqueeze, Flatten, Transpose, Expand or Tile over those
 * of input 0; false = another node, or not to be told. `perm` gets a Transpose's. */
bool eki_moved_shape(const eki_node *node, const eki_shape *x, eki_list_reader read, void *context, eki_shape *out,
                     int perm[EKI_MAX_RANK]);

/* The list of an attribute, or else of input `input`. False = neither, or it is not known. */
bool eki_node_list(const eki_node *node, const char *name, int input, eki_list_reader read, void *context,
                   int64_t *list, int *count);

#endif
