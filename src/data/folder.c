#include "data/formats.h"
bool eki_folder_claims(const char *spec) {
    (void)spec;
    return false;
}
ek_status eki_folder_open(ek_dataset *d, const eki_open_args *a, ek_error *err) {
    (void)d;
    (void)a;
    (void)err;
    return EK_OK;
}
