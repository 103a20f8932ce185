/* budget.c: the budget of memory, as programs see it. */
#include "base/memory.h"

#include <evenkeel/memory.h>

void ek_memory_allow(uint64_t bytes) { eki_memory_allow(bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX); }
uint64_t ek_memory_left(void) { return eki_memory_left(); }
