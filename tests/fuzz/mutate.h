/* mutate.h: changes to a graph that stay an ONNX file: what a fuzzer of bytes would hardly find. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include "onnx/graph.h"

/* One to four changes, chosen by the seed. */
void fuzz_mutate(eki_graph *graph, uint64_t seed);

#endif
