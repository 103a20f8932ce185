/* table_files.h: the tables of a set, one for each split or one for all. */
#ifndef EKI_TABLE_FILES_H
#define EKI_TABLE_FILES_H

#include "data/csv.h"
#include "data/dataset.h"

/* Where the columns are; -1 = there is none. */
typedef struct eki_columns {
    int path, label, split;
} eki_columns;

eki_columns eki_columns_find(const eki_csv *csv); /* of the header just read */

typedef struct eki_table_files {
    const char *split[EK_SPLIT_ALL]; /* paths, or NULL */
    const char *whole;
} eki_table_files;

/* SPEC itself when it is a table, else the tables in that folder whose header has a path and a label column. */
ek_status eki_table_files_find(eki_arena *arena, const char *spec, eki_table_files *files, ek_error *err);

#endif
