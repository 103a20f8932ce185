/* driver.c: see driver.h. */
#include "driver.h"

#include "base/file.h"
#include "pack.h"
#include "support/room.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 1 << 20, PATH = 1024, BUDGET = 64 << 20 };

void fuzz_stop(const char *what, const ek_error *err) {
    (void)fprintf(stderr, "%s: %s: %s: '%s'\n", fuzz_here.name, what, ek_status_name(err->status), err->text);
    abort();
}

bool fuzz_failed(ek_status status, const char *what, const ek_error *err) {
    if (status == EK_OK) return false;
    if (err->text[0] == '\0') fuzz_stop(what, err);
    return true;
}

void fuzz_leave_room(void) { room_leave(BUDGET); }

static void run_limited(const uint8_t *data, size_t size) {
    fuzz_leave_room();
    fuzz_here.run(data, size);
}

typedef struct seed_folder {
    const char *path;
    int next, bad;
} seed_folder;

static void write_seed(void *context, const uint8_t *data, size_t size) {
    seed_folder *f = context;
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/seed-%03d", f->path, f->next++);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, size, file) != size) f->bad = 1;
    if (file != NULL && fclose(file) != 0) f->bad = 1;
}

static const char *file_of(const char *name) {
    static char path[PATH];
    (void)snprintf(path, sizeof path, "%s/tests/fuzz/%s", EK_SOURCE_DIR, name);
    return path;
}

static int write_seeds(const char *path) {
    seed_folder folder = {.path = path};
    fuzz_here.seeds(write_seed, &folder);
    return folder.bad || (fuzz_here.pack != NULL && pack_extract(file_of(fuzz_here.pack), path) != 0);
}

#ifdef EK_LIBFUZZER
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    fuzz_leave_room();
    if (*argc == 3 && strcmp((*argv)[1], "--write") == 0) exit(write_seeds((*argv)[2]));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    run_limited(data, size);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed) {
    size_t done = seed % 3 == 0 ? 0 : fuzz_here.mutate(data, size, room, seed);
    return done > 0 ? done : LLVMFuzzerMutate(data, size, room);
}
#else
/* Each change upon the last; from the seed again every so often, since most changed files are refused. */
static void walk(void *context, const uint8_t *data, size_t whole) {
    static uint8_t bytes[ROOM];
    uint64_t *seed = context;
    size_t size = 0;
    if (whole > ROOM) return;
    for (int i = 0; i < fuzz_here.changes; i++) {
        if (i % 4 == 0) memcpy(bytes, data, size = whole);
        run_limited(bytes, size);
        size_t changed = fuzz_here.mutate(bytes, size, ROOM, (*seed)++);
        if (changed > 0) size = changed;
    }
}

static int replay(const char *path) {
    static ek_error err;
    eki_map map;
    if (eki_map_open(path, &map, &err) != EK_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    run_limited(map.data, map.size);
    eki_map_close(&map);
    return 0;
}

static int replay_folder(const char *folder) {
    DIR *dir = opendir(folder);
    int bad = 0;
    char path[PATH + 256];
    if (dir == NULL) return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        bad |= replay(path);
    }
    (void)closedir(dir);
    return bad;
}

static void try_packed(void *context, const uint8_t *data, size_t size) {
    (void)context;
    run_limited(data, size);
}

static bool replay_pack(void) {
    if (fuzz_here.pack == NULL) return true;
    long packed = pack_read(file_of(fuzz_here.pack), try_packed, NULL);
    printf("%ld files that a fuzzer found worth keeping\n", packed);
    return packed >= fuzz_here.packed;
}

int main(int argc, char **argv) {
    uint64_t seed = 1;
    int bad = 0;
    fuzz_leave_room();
    if (argc == 3 && strcmp(argv[1], "--write") == 0) return write_seeds(argv[2]);
    if (argc == 4 && strcmp(argv[1], "--pack") == 0) return pack_write(argv[2], argv[3]);
    for (int i = 1; i < argc; i++) bad |= replay(argv[i]);
    if (argc > 1) return bad;
    fuzz_here.seeds(walk, &seed);
    if (!fuzz_here.came_far() || !replay_pack()) return 1;
    return replay_folder(file_of(fuzz_here.corpus));
}
#endif
