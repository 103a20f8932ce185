/* array.h: the arrays of a batch as tensors of a model, whose types may be wider.
 *
 * Numbers are converted where nothing is lost but digits that float32 has not: integers and booleans to wider integers
 * and to float32, float64 and half precision to float32.
 */
#ifndef EKI_ARRAY_H
#define EKI_ARRAY_H

#include <evenkeel/data.h>
#include <stdbool.h>

bool eki_array_converts(ek_dtype from, ek_dtype to);
/* Elements `from` to from + count - 1 of an array that converts to `dtype`. */
void eki_array_fill(const ek_batch_array *array, size_t from, size_t count, ek_dtype dtype, void *to);

#endif
