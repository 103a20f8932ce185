/* table_files.h: the tables of a set, one for each split or one for all. */
#ifndef EKI_TABLE_FILES_H
#define EKI_TABLE_FILES_H

#include "data/table.h"

typedef struct eki_table_files {
    const char *split[EK_SPLIT_ALL]; /* paths, or NULL */
    const char *whole;
} eki_table_files;

/* SPEC itself when it is a table, else the tables in that folder whose header has a path and a label column, or, where
 * columns are named, whatever it has. */
ek_status eki_table_files_find(eki_arena *arena, const char *spec, bool named, eki_table_files *files, ek_error *err);

#endif
