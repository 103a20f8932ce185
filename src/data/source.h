/* source.h: bounded, strict reading of one regular file, plain or gzip.
 *
 * Unlike a mapping, a file that shrinks while it is read is an error here, not a signal. Gzip is told by its first
 * bytes; truncated or damaged streams and bytes after the last member are errors.
 */
#ifndef EKI_SOURCE_H
#define EKI_SOURCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eki_source eki_source;

ek_status eki_source_open(const char *path, eki_source **source, ek_error *err);
void eki_source_close(eki_source *source);

bool eki_source_is_gzip(const eki_source *source);
uint64_t eki_source_file_size(const eki_source *source); /* bytes on disk */

/* Reads `bytes`, or fewer when the data ends first. */
ek_status eki_source_read(eki_source *source, void *to, size_t bytes, size_t *got, ek_error *err);

/* Reads exactly `bytes`; a file that ends before is EK_ERR_FORMAT: truncated. */
ek_status eki_source_need(eki_source *source, void *to, size_t bytes, ek_error *err);

/* Before allocating: can exactly `bytes` more follow? Checked against the file's size; for gzip against the most that
 * deflate can make of it (1032 to 1). */
ek_status eki_source_expect(eki_source *source, uint64_t bytes, ek_error *err);

/* Reads and drops `bytes`, after which the data must end. */
ek_status eki_source_finish(eki_source *source, uint64_t bytes, ek_error *err);

/* A whole small file in memory of eki_alloc; plain bytes, gzip or not. More than `most` is EK_ERR_LIMIT. */
ek_status eki_source_slurp(const char *path, size_t most, unsigned char **data, size_t *size, ek_error *err);

#endif
