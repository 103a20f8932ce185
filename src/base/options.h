/* options.h: taking over a caller's options struct of any version. */
#ifndef EKI_OPTIONS_H
#define EKI_OPTIONS_H

#include "base/error.h"

#include <stddef.h>

/* Copies `source` (its first member is its size_t struct_size; NULL = nothing) over the defaults in `target`. A shorter
 * struct, of an older caller, leaves defaults; what a longer one has beyond `bytes` must be zero. `name` is for the
 * error text. */
ek_status eki_options_take(void *target, size_t bytes, const void *source, const char *name, ek_error *err);

#endif
