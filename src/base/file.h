/* file.h: reading whole files and replacing files so that nothing is ever half-written.
 *
 * A writer creates a temporary file beside the target, and on commit flushes, fsyncs, renames it over the target and
 * fsyncs the folder. Anything else, a crash included, leaves the old file as it was.
 */
#ifndef EKI_FILE_H
#define EKI_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of a regular file. Refuses folders, pipes and devices. An empty file has size 0 and data "". Up to 256 MiB
 * they are read, so that a file cut short by somebody else meanwhile does no harm; a larger one is mapped, and must not
 * shrink before it is closed. */
typedef struct eki_map {
    const unsigned char *data;
    size_t size;
    bool mapped;
} eki_map;

ek_status eki_map_open(const char *path, eki_map *map, ek_error *err);
/* The same, mapped from 16 MiB on: for a reader that gives pages back and is done soon. */
ek_status eki_map_open_sparing(const char *path, eki_map *map, ek_error *err);

/* The file `name` (names between single slashes, checked by the caller: no "..") in `folder` or below it. Neither it
 * nor a folder on the way may be a symbolic link, and the file must have no other name (hard link). */
ek_status eki_map_open_below(const char *folder, const char *name, eki_map *map, ek_error *err);
void eki_map_close(eki_map *map);

/* Gives back the memory of the whole pages in [data, data + size); what is read there again comes from the file again.
 * False where that is no range of the map; nothing happens where the map was read into memory. */
bool eki_map_forget(const eki_map *map, const void *data, size_t size);

/* A file read piece by piece, as eki_map_open_below opens it. */
typedef struct eki_open_file {
    int fd; /* -1 = closed */
    uint64_t size, device, inode;
} eki_open_file;

ek_status eki_file_open_below(const char *folder, const char *name, eki_open_file *file, ek_error *err);
/* All of those bytes, or EK_ERR_IO. */
ek_status eki_file_get(const eki_open_file *file, uint64_t offset, void *to, size_t size, ek_error *err);
void eki_file_close(eki_open_file *file);

typedef struct eki_writer eki_writer;

ek_status eki_writer_open(const char *path, eki_writer **writer, ek_error *err);
ek_status eki_writer_put(eki_writer *writer, const void *data, size_t bytes, ek_error *err);
uint64_t eki_writer_size(const eki_writer *writer);
uint32_t eki_writer_crc(const eki_writer *writer); /* CRC-32C of everything put so far */

/* Makes everything put so far durable under the temporary name, without renaming. */
ek_status eki_writer_sync(eki_writer *writer, ek_error *err);

/* Syncs and renames over the target (nothing of a file that is lost is left: temporary.h); frees the writer whether it
 * succeeds or not. */
ek_status eki_writer_commit(eki_writer *writer, ek_error *err);

/* Removes the temporary file and frees the writer. Accepts NULL. */
void eki_writer_discard(eki_writer *writer);

/* CRC-32C (Castagnoli), continued from `crc` (0 to begin). */
uint32_t eki_crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
