/* folder.c: a set made of class folders of image files. */
#include "data/folder_list.h"
#include "data/formats.h"
#include "data/image_files.h"

#include <sys/stat.h>

bool eki_folder_claims(const char *spec) {
    struct stat info;
    return stat(spec, &info) == 0 && S_ISDIR(info.st_mode);
}

ek_status eki_folder_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err) {
    eki_arena paths = {0};
    eki_folder_files files = {0};
    ek_status status;
    EKI_TRY_DONE(eki_folder_files_list(&paths, dataset, args, &files, err));
    EKI_TRY_DONE(eki_image_files_open(dataset, args, &files, err));
    EKI_TRY_DONE(eki_dataset_name_classes(dataset, (int)files.classes.count, files.classes.items, err));
done:
    eki_folder_files_free(&files);
    eki_arena_free(&paths);
    return status;
}
