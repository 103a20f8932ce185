/* arch_mlp.c: three hidden layers of 100 units unless told otherwise, the network in which batch norm was first shown
 * to help (Ioffe and Szegedy 2015, section 4.1, with ReLU for the sigmoid). Layer and RMS norm are over the features;
 * instance norm has one value per set here and is refused by build.c. */
#include "zoo/builder.h"

#include <stdio.h>

void eki_build_mlp(eki_builder *b) {
    const ek_build_options *o = b->options;
    int depth = o->hidden_layers > 0 ? o->hidden_layers : 3, width = o->hidden_units > 0 ? o->hidden_units : 100;
    char last[16];
    eki_build_flatten(b, "flatten");
    for (int i = 1; i <= depth; i++) {
        char layer[16], index[16];
        (void)snprintf(layer, sizeof layer, "fc%d", i);
        (void)snprintf(index, sizeof index, "%d", i);
        eki_build_linear_unit(b, "", layer, index, width);
    }
    (void)snprintf(last, sizeof last, "fc%d", depth + 1);
    eki_build_classifier(b, last);
}
