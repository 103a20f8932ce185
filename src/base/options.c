/* options.c: options structs that may grow.
 *
 * The size a caller states decides how much is read; fields this library does not know must be zero, so that a request
 * it cannot honour is refused instead of ignored.
 */
#include "base/options.h"

#include <string.h>

enum { LONGEST_TAIL = 4096 };

ek_status eki_options_take(void *target, size_t bytes, const void *source, const char *name, ek_error *err) {
    size_t given;
    if (source == NULL) return EK_OK;
    memcpy(&given, source, sizeof given);
    if (given < sizeof given) {
        return eki_fail(err, EK_ERR_ARG, "%s.struct_size is %zu; set it to sizeof(%s)", name, given, name);
    }
    if (given > bytes + LONGEST_TAIL) { /* a struct that was never filled: its tail may not exist */
        return eki_fail(err, EK_ERR_ARG, "%s.struct_size is %zu, expected about %zu; set it to sizeof(%s)", name, given,
                        bytes, name);
    }
    const unsigned char *extra = source;
    for (size_t i = bytes; i < given; i++) {
        if (extra[i] != 0) {
            return eki_fail(err, EK_ERR_UNSUPPORTED,
                            "%s has a field set that this version does not know: clear it, or link the library of the "
                            "headers that are compiled against",
                            name);
        }
    }
    memcpy(target, source, given < bytes ? given : bytes);
    memcpy(target, &bytes, sizeof bytes);
    return EK_OK;
}
