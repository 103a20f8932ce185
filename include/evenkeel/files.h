/* files.h: files that are written whole or not at all.
 *
 * Everything that Evenkeel writes is first written beside its target, as TARGET.tmp-N, and takes its place when it is
 * complete and on disk: a reader sees the old file or the whole one, whenever the process ends. What a killed process
 * left beside a target is removed by the next one that writes this target; files of a process that lives are not
 * touched.
 */
#ifndef EVENKEEL_FILES_H
#define EVENKEEL_FILES_H

#include <evenkeel/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Replaces the file at `path` by `size` bytes. A pipe or a device is written as it is. EK_ERR_IO, EK_ERR_NOMEM. */
EK_API EK_NODISCARD ek_status ek_file_replace(const char *path, const void *data, size_t size, ek_error *err);

/* Whether a file at `path` could be replaced now: makes the file beside it, and removes it. EK_ERR_IO, EK_ERR_NOMEM. */
EK_API EK_NODISCARD ek_status ek_file_check(const char *path, ek_error *err);

/* Removes the files that this process is writing, for a handler of signals that end it: safe to call there, and only
 * there, as writing fails from then on (EK_ERR_INTERRUPTED). What is complete stays. */
EK_API void ek_file_abandon(void);

#ifdef __cplusplus
}
#endif

#endif
