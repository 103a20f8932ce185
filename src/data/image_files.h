/* image_files.h: the examples of a set that are image files: each is decoded when somebody asks for it, and kept while
 * there is room. What an example holds is a function of its file alone.
 */
#ifndef EKI_IMAGE_FILES_H
#define EKI_IMAGE_FILES_H

#include "data/folder_list.h"

typedef struct eki_image_files eki_image_files;

/* Looks at the header of each file that the set takes, evenly spread over `list`, and gives the set its labels, its
 * shape and the files. All but a damaged body, which only decoding finds, is refused here. */
ek_status eki_image_files_open(ek_dataset *dataset, const eki_open_args *args, const eki_folder_files *list,
                               ek_error *err);

/* Another set of the same files; a file lives as long as any of its sets. */
eki_image_files *eki_image_files_share(eki_image_files *files);
void eki_image_files_release(eki_image_files *files); /* accepts NULL */

/* The bytes of an example: as it is kept, or decoded into `room`. Any number of threads at a time. */
ek_status eki_image_files_get(eki_image_files *files, size_t file, unsigned char *room, const unsigned char **bytes,
                              ek_error *err);

#endif
