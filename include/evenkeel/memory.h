/* memory.h: the budget, how much memory the engine may take.
 *
 * It is the least of the machine's memory, what the control groups of the process allow, its own limits (ulimit -v, -d,
 * -m) and what ek_memory_allow was told. Whatever a file or a request decides is refused (EK_ERR_LIMIT, EK_ERR_NOMEM)
 * before it is allocated where the budget lacks room for it.
 */
#ifndef EVENKEEL_MEMORY_H
#define EVENKEEL_MEMORY_H

#include <evenkeel/status.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sets the budget of this process to `bytes` where that is less than the other limits; 0 = those alone. */
EK_API void ek_memory_allow(uint64_t bytes);

/* What is left of the budget, in bytes: without the pages that the process holds, but those of files. */
EK_API uint64_t ek_memory_left(void);

#ifdef __cplusplus
}
#endif

#endif
