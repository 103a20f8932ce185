/* arch_mlp.c: three hidden layers of 100 units, the network in which batch norm was first shown to help (Ioffe and
 * Szegedy 2015, section 4.1, with ReLU for the sigmoid). Layer and RMS norm are over the features; instance norm has
 * one value per set here and is refused by build.c. */
#include "model/builder.h"

#include <stdio.h>

void eki_build_mlp(eki_builder *b) {
    eki_build_flatten(b, "flatten");
    for (int i = 1; i <= 3; i++) {
        char layer[16], index[16];
        (void)snprintf(layer, sizeof layer, "fc%d", i);
        (void)snprintf(index, sizeof index, "%d", i);
        eki_build_linear_unit(b, "", layer, index, 100);
    }
    eki_build_classifier(b, "fc4");
}
