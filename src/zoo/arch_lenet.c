/* arch_lenet.c: LeNet-5 (LeCun et al. 1998) as it is taught today: ReLU, max pooling, a norm after each convolution
 * and each hidden product. With instance norm the products go without, since a set would hold one value. */
#include "zoo/builder.h"

void eki_build_lenet(eki_builder *b) {
    eki_build_conv_unit(b, "", "1", (eki_conv_spec){.out = 6, .kernel = 5, .stride = 1, .pad = 2});
    eki_build_maxpool(b, "pool1", 2);
    eki_build_conv_unit(b, "", "2", (eki_conv_spec){.out = 16, .kernel = 5, .stride = 1, .pad = 0});
    eki_build_maxpool(b, "pool2", 2);
    eki_build_flatten(b, "flatten");
    eki_build_linear_unit(b, "", "fc1", "3", 120);
    eki_build_linear_unit(b, "", "fc2", "4", 84);
    eki_build_classifier(b, "fc3");
}
