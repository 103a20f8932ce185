/* error.h: filling an ek_error and passing a status on. */
#ifndef EKI_ERROR_H
#define EKI_ERROR_H

#include <evenkeel/status.h>

/* Writes the text into `err` (if any) and returns `status`. */
ek_status eki_fail(ek_error *err, ek_status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of a text already in `err`; returns `status` unchanged. */
ek_status eki_error_prefix(ek_error *err, ek_status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Standard text for a failed allocation. */
ek_status eki_fail_nomem(ek_error *err, unsigned long long bytes);

/* Refuses a NULL argument of a public call, by its name. */
#define EKI_GIVEN(pointer, err)                                                                                        \
    do {                                                                                                               \
        if ((pointer) == NULL) return eki_fail(err, EK_ERR_ARG, "%s: %s is NULL", __func__, #pointer);                 \
    } while (0)

/* Returns from the calling function when `call` fails. */
#define EKI_TRY(call)                                                                                                  \
    do {                                                                                                               \
        ek_status eki_try_ = (call);                                                                                   \
        if (eki_try_ != EK_OK) return eki_try_;                                                                        \
    } while (0)

/* Assigns `call` to the local `status` and jumps to the local label `done` when it fails. */
#define EKI_TRY_DONE(call)                                                                                             \
    do {                                                                                                               \
        status = (call);                                                                                               \
        if (status != EK_OK) goto done;                                                                                \
    } while (0)

#endif
