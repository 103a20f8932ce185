/* mutate.h: changes to a model that stay an ONNX file: what a fuzzer of bytes would hardly find. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/* One to four changes in place, chosen by the seed: of the graph, or of the message (structure.h). The new size, 0 =
 * the bytes are no model, or there is no room. */
size_t fuzz_change(uint8_t *data, size_t size, size_t room, uint64_t seed);

#endif
