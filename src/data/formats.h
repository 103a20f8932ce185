/* formats.h: the formats of ek_dataset_open. Each has a test "is this mine?" and an open. */
#ifndef EKI_FORMATS_H
#define EKI_FORMATS_H

#include "data/dataset.h"

#include <stdbool.h>

bool eki_strokes_claims(const char *spec);
ek_status eki_strokes_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err);

bool eki_npy_claims(const char *spec);
ek_status eki_npy_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err);

bool eki_idx_claims(const char *spec);
ek_status eki_idx_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err);

bool eki_cifar_claims(const char *spec);
ek_status eki_cifar_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err);

bool eki_table_claims(const char *spec);
ek_status eki_table_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err);

bool eki_mask_folder_claims(const char *spec);
ek_status eki_mask_folder_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err);

bool eki_folder_claims(const char *spec);
ek_status eki_folder_open(ek_dataset *dataset, const eki_open_args *args, ek_error *err);

/* Is there anything called FOLDER/NAME? */
bool eki_file_exists(const char *folder, const char *name);

#endif
