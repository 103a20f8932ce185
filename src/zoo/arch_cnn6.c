/* arch_cnn6.c: six 3x3 convolutions (16, 16, 32 stride 2, 32, 64 stride 2, 64), global average pooling, one product:
 * the smallest network in which everything this library is about shows. 72 k weights, a minute of training. */
#include "zoo/builder.h"

#include <stdio.h>

void eki_build_cnn6(eki_builder *b) {
    static const int64_t channels[6] = {16, 16, 32, 32, 64, 64};
    for (int i = 0; i < 6; i++) {
        char index[16];
        (void)snprintf(index, sizeof index, "%d", i + 1);
        int64_t stride = i == 2 || i == 4 ? 2 : 1;
        eki_build_conv_unit(b, "", index, (eki_conv_spec){.out = channels[i], .kernel = 3, .stride = stride, .pad = 1});
    }
    eki_build_global_average(b, "pool");
    eki_build_flatten(b, "flatten");
    eki_build_classifier(b, "fc");
}
