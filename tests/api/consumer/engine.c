/* engine.c: a stranger's program with the engine: is the library that runs the one whose headers were read? */
#include <evenkeel/evenkeel.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    ek_norm_desc desc = ek_norm_desc_default(EK_NORM_BATCH); /* the engine contains the norms */
    ek_norm_plan *plan = NULL;
    ek_error err;
    desc.rank = 2, desc.dims[0] = 2, desc.dims[1] = 3;
    if (ek_norm_plan_create(&desc, &plan, &err) != EK_OK) return fputs(err.text, stderr), 1;
    ek_norm_plan_destroy(plan);
    for (size_t i = 0; i < ek_architecture_count(); i++) puts(ek_architecture_get(i)->name);
    return strcmp(ek_version(), EK_VERSION_STRING) != 0 || ek_architecture_count() == 0;
}
