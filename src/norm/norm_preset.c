/* norm_preset.c: the defaults and conventions of other frameworks, as descriptors; their epsilons are in kinds.def.
 * docs/semantics.md has the sources.
 */
#include "norm/kinds.h"

typedef struct {
    double momentum;
    ek_momentum_convention convention;
    ek_running_variance variance;
    ek_small_sample small_sample;
} preset_row;

#define KEEP EK_MOMENTUM_KEEP
#define REPLACE EK_MOMENTUM_REPLACE
#define POPULATION EK_VARIANCE_POPULATION
#define UNBIASED EK_VARIANCE_UNBIASED

static const preset_row rows[EKI_PRESETS] = {
    [EK_PRESET_ONNX] = {0.9, KEEP, POPULATION, EK_SMALL_BIASED},
    [EK_PRESET_TORCH] = {0.1, REPLACE, UNBIASED, EK_SMALL_ERROR},
    [EK_PRESET_KERAS] = {0.99, KEEP, POPULATION, EK_SMALL_BIASED},
    [EK_PRESET_FLAX] = {0.99, KEEP, POPULATION, EK_SMALL_BIASED},
    [EK_PRESET_CUDNN] = {0.1, REPLACE, UNBIASED, EK_SMALL_SKIP_UPDATE},
    [EK_PRESET_TF_FUSED] = {1.0, REPLACE, UNBIASED, EK_SMALL_BIASED},
};

ek_norm_desc ek_norm_desc_preset(ek_norm_kind kind, ek_norm_preset preset) {
    ek_norm_desc desc = ek_norm_desc_default(kind);
    if ((unsigned)preset >= sizeof rows / sizeof rows[0]) {
        desc.struct_size = 0; /* no plan can be made of it */
        return desc;
    }
    const preset_row *row = &rows[preset];
    if (eki_kind_of(kind) != NULL) desc.epsilon = eki_kind_of(kind)->epsilon[preset];
    desc.momentum = row->momentum;
    desc.momentum_convention = row->convention;
    desc.running_variance = row->variance;
    desc.small_sample = row->small_sample;
    return desc;
}
