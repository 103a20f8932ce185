/* folder_list.h: which files make up an image folder, in an order that is the same everywhere. */
#ifndef EKI_FOLDER_LIST_H
#define EKI_FOLDER_LIST_H

#include "data/dataset.h"

/* Names in an arena, sorted bytewise. */
typedef struct eki_name_list {
    const char **items;
    size_t count, capacity;
} eki_name_list;

typedef enum eki_list_what { EKI_LIST_FOLDERS, EKI_LIST_IMAGES } eki_list_what;

/* Lists folders, or files called *.png, *.jpg, *.jpeg, in a folder. Hidden names and all others are left out. */
ek_status eki_list_folder(eki_arena *arena, const char *folder, eki_list_what what, eki_name_list *list, ek_error *err);
void eki_list_free(eki_name_list *list);

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

/* All images of the split of args->spec: its class folders, or those of its train/ and test/ or val/ folders, which
 * must have the same classes. A folder without class folders, where labels are not needed: its images, and no class. */
ek_status eki_folder_files_list(eki_arena *arena, const eki_open_args *args, eki_folder_files *files, ek_error *err);
void eki_folder_files_free(eki_folder_files *files);

#endif
