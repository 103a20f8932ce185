#include "example.h"
#include <evenkeel/train.h>

static ek_status example(ek_model *model, ek_loader *loader) {
    ek_batch batch;
    ek_step_result result;
#include "train-1.inc"
    return s == EK_OK && result.step == 30 ? EK_OK : EK_ERR_CHECK;
}

int main(void) {
    ek_build_options build = ek_build_options_default("lenet");
    ek_loader_options options = ek_loader_options_default();
    ek_model *model;
    ek_dataset *data;
    ek_loader *loader;
    if (judged(ek_model_build(&build, &model, &err)) ||
        judged(ek_dataset_open("mnist-folder", EK_SPLIT_TRAIN, NULL, &data, &err)) ||
        judged(ek_loader_create(data, &options, &loader, &err)))
        return 1;
    return judged(example(model, loader));
}
