#include "example.h"
#include <evenkeel/dist.h>

static void print_error(int rank, int ranks, const ek_error *err) {
    (void)fprintf(stderr, "rank %d of %d: %s\n", rank, ranks, err->text);
}

int main(void) {
    ek_comm_options o = ek_comm_options_default();
#include "dist-2.inc"
    return 0;
}
