/* pack.c: see pack.h. */
#include "pack.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LARGEST = 1 << 20, HEAD = 8, PATH = 1024 };

static uint64_t number(const unsigned char head[HEAD]) {
    uint64_t value = 0;
    for (int i = HEAD; i-- > 0;) value = value << 8 | head[i];
    return value;
}

long pack_read(const char *path, void (*each)(void *context, const uint8_t *data, size_t size), void *context) {
    static unsigned char data[LARGEST];
    unsigned char head[HEAD];
    long files = 0;
    int got = -1;
    gzFile pack = gzopen(path, "rb");
    if (pack == NULL) return -1;
    while ((got = gzread(pack, head, HEAD)) == HEAD) {
        uint64_t size = number(head);
        if (size > LARGEST || gzread(pack, data, (unsigned)size) != (int)size) break;
        each(context, data, (size_t)size);
        files++;
    }
    return gzclose(pack) == Z_OK && got == 0 ? files : -1;
}

static int no_dots(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int append(gzFile pack, const char *path) {
    static unsigned char data[LARGEST];
    unsigned char head[HEAD];
    FILE *file = fopen(path, "rb");
    if (file == NULL) return 1;
    size_t size = fread(data, 1, sizeof data, file);
    int bad = ferror(file) != 0 || size == sizeof data;
    (void)fclose(file);
    for (int i = 0; i < HEAD; i++) head[i] = (unsigned char)((uint64_t)size >> 8 * i);
    return bad || gzwrite(pack, head, HEAD) != HEAD || gzwrite(pack, data, (unsigned)size) != (int)size;
}

int pack_write(const char *folder, const char *path) {
    struct dirent **names;
    char name[PATH];
    int count = scandir(folder, &names, no_dots, alphasort), bad = count < 0;
    gzFile pack = gzopen(path, "wb9");
    if (pack == NULL) return 1;
    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", folder, names[i]->d_name);
        bad |= append(pack, name);
        free(names[i]);
    }
    if (count >= 0) free(names);
    return gzclose(pack) != Z_OK || bad;
}

typedef struct extraction {
    const char *folder;
    int next, bad;
} extraction;

static void extract(void *context, const uint8_t *data, size_t size) {
    extraction *e = context;
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/packed-%05d.onnx", e->folder, e->next++);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size) e->bad = 1;
    if (file != NULL && fclose(file) != 0) e->bad = 1;
}

int pack_extract(const char *path, const char *folder) {
    extraction e = {.folder = folder};
    return pack_read(path, extract, &e) < 0 || e.bad;
}
