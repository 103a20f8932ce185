/* table_files.c: which files of a folder are tables of examples.
 *
 * The name says which split it is for (train.csv, Test_labels.csv), or that it is for the whole set (labels.csv); the
 * header says whether it is one: a table of other things, which people have beside class folders, does not count.
 */
#include "data/table_files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { HEADER_BYTES = 1 << 16, MOST_NAMES = 10 };

static const char *const path_names[MOST_NAMES] = {"path",  "file",       "filename", "file_name", "filepath",
                                                   "image", "image_path", "img",      "img_path",  "image_name"};
static const char *const label_names[MOST_NAMES] = {"label",    "class",   "target",    "category",
                                                    "class_id", "classid", "class_name"};
static const char *const labels_names[MOST_NAMES] = {"labels", "tags", "classes", "categories"};
static const char *const mask_names[MOST_NAMES] = {"mask", "mask_path", "mask_file", "segmentation", "masks"};
static const char *const split_names[MOST_NAMES] = {"split", "set", "subset"};
static const char *const whole_names[MOST_NAMES] = {"labels", "metadata", "annotations", "data", "index"};

static bool among(const char *const names[MOST_NAMES], const char *text, size_t length) {
    for (int i = 0; i < MOST_NAMES && names[i] != NULL; i++) {
        if (strlen(names[i]) == length && strncasecmp(names[i], text, length) == 0) return true;
    }
    return false;
}

static int find_column(const eki_csv *csv, const char *const names[MOST_NAMES]) {
    for (size_t i = 0; i < csv->count; i++) {
        if (among(names, csv->fields[i], strlen(csv->fields[i]))) return (int)i;
    }
    return -1;
}

eki_columns eki_columns_find(const eki_csv *csv) {
    return (eki_columns){.path = find_column(csv, path_names),
                         .label = find_column(csv, label_names),
                         .labels = find_column(csv, labels_names),
                         .mask = find_column(csv, mask_names),
                         .split = find_column(csv, split_names)};
}

static bool is_table_name(const char *name, size_t *stem) {
    size_t length = strlen(name);
    *stem = length > 4 ? length - 4 : 0;
    return *stem > 0 && (strcasecmp(name + *stem, ".csv") == 0 || strcasecmp(name + *stem, ".tsv") == 0);
}

/* "train_labels" is "train". */
static size_t without_labels(const char *name, size_t stem) {
    static const char ending[] = "labels";
    size_t length = sizeof ending - 1;
    if (stem <= length + 1 || strncasecmp(name + stem - length, ending, length) != 0) return stem;
    char mark = name[stem - length - 1];
    return mark == '_' || mark == '-' || mark == ' ' ? stem - length - 1 : stem;
}

/* Whether a file's header is that of a table of examples; what cannot be read is none. */
static ek_status has_columns(const char *path, bool *yes, ek_error *err) {
    eki_csv csv;
    ek_status status = eki_csv_open(path, HEADER_BYTES, &csv, err);
    *yes = false;
    if (status != EK_OK) return status == EK_ERR_NOMEM ? status : EK_OK;
    eki_columns c = eki_columns_find(&csv);
    eki_csv_close(&csv);
    *yes = c.path >= 0 && (c.label >= 0 || c.labels >= 0 || c.mask >= 0);
    return EK_OK;
}

static ek_status take(eki_arena *arena, const char *folder, const char *name, bool named, eki_table_files *files,
                      ek_error *err) {
    size_t stem;
    if (name[0] == '.' || !is_table_name(name, &stem)) return EK_OK;
    int split = eki_split_of(name, without_labels(name, stem));
    if (split < 0 && !among(whole_names, name, stem)) return EK_OK;
    const char **place = split < 0 ? &files->whole : &files->split[split];
    const char *path = eki_path_join(arena, folder, name);
    if (path == NULL) return eki_fail_nomem(err, strlen(name));
    bool table = named;
    if (!named) EKI_TRY(has_columns(path, &table, err));
    if (!table) return EK_OK;
    if (*place != NULL) {
        return eki_fail(err, EK_ERR_FORMAT, "%s and %s are tables of the same images; name one of them as the data",
                        *place, path);
    }
    *place = path;
    return EK_OK;
}

ek_status eki_table_files_find(eki_arena *arena, const char *spec, bool named, eki_table_files *files, ek_error *err) {
    *files = (eki_table_files){0};
    struct stat info;
    size_t stem;
    if (stat(spec, &info) != 0 || !S_ISDIR(info.st_mode)) {
        if (is_table_name(spec, &stem)) files->whole = spec;
        return EK_OK;
    }
    DIR *dir = opendir(spec);
    if (dir == NULL) return eki_fail(err, EK_ERR_IO, "%s: cannot list the folder: %s", spec, strerror(errno));
    ek_status status = EK_OK;
    for (const struct dirent *entry; status == EK_OK && (entry = readdir(dir)) != NULL;) {
        status = take(arena, spec, entry->d_name, named, files, err);
    }
    closedir(dir);
    return status;
}
