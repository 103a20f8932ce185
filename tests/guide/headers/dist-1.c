#include "example.h"
#include <evenkeel/train.h>

static ek_status train(const ek_train_options *options, ek_error *error) {
    (void)error;
    return options->comm != NULL ? EK_OK : EK_ERR_ARG;
}

int main(void) {
    ek_train_options training = ek_train_options_default();
#include "dist-1.inc"
    return judged(status);
}
