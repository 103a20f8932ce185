/* cifar.c: CIFAR-10's binary files: records of one label byte and 3 x 32 x 32 pixels.
 *
 * The training split is data_batch_1.bin and those that follow it without a gap (the set itself has five; fewer make a
 * smaller set). Class names come from batches.meta.txt where it has all ten, else they are the published ones.
 */
#include "data/formats.h"
#include "data/source.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { BATCHES = 5, PIXELS = 3 * 32 * 32, RECORD = PIXELS + 1, CLASSES = 10, NAME_ROOM = 32 };

static const char *const published_names[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                     "dog",      "frog",       "horse", "ship", "truck"};

static void batch_name(int number, char name[NAME_ROOM]) {
    (void)snprintf(name, NAME_ROOM, "data_batch_%d.bin", number);
}

bool eki_cifar_claims(const char *spec) {
    if (eki_file_exists(spec, "test_batch.bin")) return true;
    for (int i = 1; i <= BATCHES; i++) {
        char name[NAME_ROOM];
        batch_name(i, name);
        if (eki_file_exists(spec, name)) return true;
    }
    return false;
}

/* Which files make up the split; a missing one before or between others is an error that names it. */
static ek_status list_files(ek_dataset *d, const eki_open_args *args, const char *paths[BATCHES], int *count,
                            ek_error *err) {
    char name[NAME_ROOM] = "test_batch.bin", missing[NAME_ROOM] = "";
    int most = args->split == EK_SPLIT_TEST ? 1 : BATCHES;
    bool hole = false;
    *count = 0;
    for (int i = 1; i <= most; i++) {
        if (args->split == EK_SPLIT_TRAIN) batch_name(i, name);
        if (!eki_file_exists(args->spec, name)) {
            if (missing[0] == '\0') memcpy(missing, name, sizeof missing);
            continue;
        }
        hole = hole || missing[0] != '\0';
        paths[*count] = eki_path_join(&d->arena, args->spec, name);
        if (paths[*count] == NULL) return eki_fail_nomem(err, NAME_ROOM);
        ++*count;
    }
    if (*count > 0 && !hole) return EK_OK;
    return eki_fail(err, EK_ERR_IO, "%s: there is no %s; put all CIFAR-10 binary files into this folder", args->spec,
                    missing);
}

static ek_status check_size(const char *path, int64_t *records, ek_error *err) {
    eki_source *s;
    EKI_TRY(eki_source_open(path, &s, err));
    uint64_t size = eki_source_file_size(s);
    bool gzip = eki_source_is_gzip(s);
    eki_source_close(s);
    *records = (int64_t)(size / RECORD);
    if (gzip) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: is gzip data, expected CIFAR-10 records; unpack it first", path);
    }
    if (size == 0 || size % RECORD != 0) {
        return eki_fail(err, EK_ERR_FORMAT,
                        "%s: %llu bytes, expected a multiple of %d (one label byte and 3 x 32 x 32 pixels); copy or "
                        "download it again",
                        path, (unsigned long long)size, RECORD);
    }
    return EK_OK;
}

/* Reads records of one file into examples from *next on, until the set is full. */
static ek_status read_records(ek_dataset *d, const char *path, int64_t *next, ek_error *err) {
    eki_source *s;
    EKI_TRY(eki_source_open(path, &s, err));
    int64_t records = (int64_t)(eki_source_file_size(s) / RECORD);
    ek_status status = EK_OK;
    for (int64_t i = 0; i < records && *next < d->info.count; i++, ++*next) {
        unsigned char label;
        EKI_TRY_DONE(eki_source_need(s, &label, 1, err));
        if (label >= CLASSES) {
            status = eki_fail(err, EK_ERR_FORMAT,
                              "%s: label %d at record %lld is out of range, expected 0 to 9; is this CIFAR-10's binary "
                              "version?",
                              path, label, (long long)i);
            goto done;
        }
        d->labels[*next] = label;
        EKI_TRY_DONE(eki_source_need(s, d->pixels + (size_t)*next * PIXELS, PIXELS, err));
    }
done:
    eki_source_close(s);
    return status;
}

/* Splits the text into lines in place; true when there are exactly ten names. */
static bool split_names(char *text, const char *names[CLASSES]) {
    int count = 0;
    for (char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        char *next = line[length] != '\0' ? line + length + 1 : line + length;
        while (length > 0 && isspace((unsigned char)line[length - 1])) length--;
        line[length] = '\0';
        if (length > 0 && count == CLASSES) return false;
        if (length > 0) names[count++] = line;
        line = next;
    }
    return count == CLASSES;
}

static ek_status name_classes(ek_dataset *d, const char *folder, ek_error *err) {
    if (!eki_file_exists(folder, "batches.meta.txt")) {
        return eki_dataset_name_classes(d, CLASSES, published_names, err);
    }
    const char *path = eki_path_join(&d->arena, folder, "batches.meta.txt");
    if (path == NULL) return eki_fail_nomem(err, NAME_ROOM);
    unsigned char *data;
    size_t size;
    EKI_TRY(eki_source_slurp(path, 1 << 16, &data, &size, err));
    char *text = eki_arena_strndup(&d->arena, (const char *)data, size);
    eki_free(data);
    if (text == NULL) return eki_fail_nomem(err, size);
    const char *names[CLASSES];
    if (!split_names(text, names)) {
        return eki_fail(err, EK_ERR_FORMAT, "%s: expected ten class names, one a line; repair or remove it", path);
    }
    return eki_dataset_name_classes(d, CLASSES, names, err);
}

ek_status eki_cifar_open(ek_dataset *d, const eki_open_args *args, ek_error *err) {
    const char *paths[BATCHES];
    int files;
    int64_t total = 0, next = 0, chw[3] = {3, 32, 32};
    EKI_TRY(list_files(d, args, paths, &files, err));
    for (int i = 0; i < files; i++) {
        int64_t records;
        EKI_TRY(check_size(paths[i], &records, err));
        total += records;
    }
    EKI_TRY(eki_dataset_reserve(d, args->spec, EK_U8, eki_open_count(args, total), chw, err));
    for (int i = 0; i < files; i++) EKI_TRY(read_records(d, paths[i], &next, err));
    if (next < d->info.count) {
        return eki_fail(err, EK_ERR_IO, "%s: a file became shorter while it was read", args->spec);
    }
    return name_classes(d, args->spec, err);
}
