/* arch_resnet20.c: ResNet-20 for CIFAR (He et al. 2016, section 4.2): one convolution, three stages of three basic
 * blocks with 16, 32 and 64 channels, global average pooling, one product. Where the shape changes the shortcut is a
 * 1x1 convolution with a norm (option B). With the norm after the activation a block is conv, relu, norm, conv, add,
 * relu, norm, and the shortcut convolution has a bias instead of a norm. */
#include "zoo/builder.h"

#include <stdio.h>

static void shortcut(eki_builder *b, const char *path, eki_point from, int64_t out, int64_t stride) {
    char name[64], norm_path[64];
    (void)snprintf(name, sizeof name, "%sshortcut.conv", path);
    (void)snprintf(norm_path, sizeof norm_path, "%sshortcut.", path);
    eki_build_go(b, from);
    bool norm = eki_build_norm_follows(b);
    eki_build_conv(b, name, (eki_conv_spec){.out = out, .kernel = 1, .stride = stride, .pad = 0}, !norm);
    if (norm) eki_build_norm(b, norm_path, "");
}

static void block(eki_builder *b, const char *path, int64_t out, int64_t stride) {
    char name[64];
    eki_point from = eki_build_point(b);
    bool changes = stride != 1 || b->c != out, before = eki_build_norm_follows(b);
    eki_build_conv_unit(b, path, "1", (eki_conv_spec){.out = out, .kernel = 3, .stride = stride, .pad = 1});
    (void)snprintf(name, sizeof name, "%sconv2", path);
    eki_build_conv(b, name, (eki_conv_spec){.out = out, .kernel = 3, .stride = 1, .pad = 1}, !before);
    if (before) eki_build_norm(b, path, "2");
    eki_point main_path = eki_build_point(b);
    if (changes) {
        shortcut(b, path, from, out, stride);
        from = eki_build_point(b);
        eki_build_go(b, main_path);
    }
    (void)snprintf(name, sizeof name, "%sadd", path);
    eki_build_add(b, name, from);
    (void)snprintf(name, sizeof name, "%srelu2", path);
    eki_build_relu(b, name);
    if (!before && b->options->norm != 0) eki_build_norm(b, path, "2");
}

void eki_build_resnet20(eki_builder *b) {
    eki_build_conv_unit(b, "", "1", (eki_conv_spec){.out = 16, .kernel = 3, .stride = 1, .pad = 1});
    for (int stage = 1; stage <= 3; stage++) {
        for (int i = 0; i < 3; i++) {
            char path[32];
            (void)snprintf(path, sizeof path, "layer%d.%d.", stage, i);
            block(b, path, (int64_t)8 << stage, stage > 1 && i == 0 ? 2 : 1);
        }
    }
    eki_build_global_average(b, "pool");
    eki_build_flatten(b, "flatten");
    eki_build_classifier(b, "fc");
}
