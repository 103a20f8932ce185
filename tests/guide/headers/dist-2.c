#include "example.h"
#include <evenkeel/dist.h>

int main(void) {
    ek_comm_options o = ek_comm_options_default();
#include "dist-2.inc"
    return 0;
}
