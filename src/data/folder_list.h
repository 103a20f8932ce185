/* folder_list.h: which files make up an image folder, in an order that is the same everywhere. */
#ifndef EKI_FOLDER_LIST_H
#define EKI_FOLDER_LIST_H

#include "data/dataset.h"

/* One image and its class. */
typedef struct eki_folder_file {
    const char *path;
    int label;
} eki_folder_file;

typedef struct eki_folder_files {
    eki_name_list classes;
    eki_folder_file *items;
    size_t count, capacity;
} eki_folder_files;

ek_status eki_folder_add(eki_folder_files *files, const char *path, int label, ek_error *err);

/* All images of the split of args->spec: those in and under its class folders, or of the class folders of its train,
 * test or validation folder, all of which must have the same classes. A folder without class folders, where labels are
 * not needed: its images, and no class. Sets the set's split and counts what was left out. */
ek_status eki_folder_files_list(eki_arena *arena, ek_dataset *dataset, const eki_open_args *args,
                                eki_folder_files *files, ek_error *err);
void eki_folder_files_free(eki_folder_files *files);

#endif
