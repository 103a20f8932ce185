/* pack.h: many small files as one: gzip over a length (8 bytes, little endian) and the bytes of each, until the end. */
#ifndef FUZZ_PACK_H
#define FUZZ_PACK_H

#include <stddef.h>
#include <stdint.h>

/* Calls `each` for every file of the pack, in order. The number of files; -1 = it cannot be read, or is damaged. */
long pack_read(const char *path, void (*each)(void *context, const uint8_t *data, size_t size), void *context);
/* Writes the files of a folder, ordered by name, as a pack. 0 = done. */
int pack_write(const char *folder, const char *path);
/* Writes the files of a pack into a folder, by their numbers. 0 = done. */
int pack_extract(const char *path, const char *folder);

#endif
