/* extras.c: what the extras say: things that follow from the fifteen and that the engine makes possible. Content only;
 * the experiments are in extraNN.c. */
#include "study/card.h"
#include "study/mathml.h"

#define WU_JOHNSON                                                                                                     \
    { "Wu and Johnson 2021", "https://arxiv.org/abs/2105.07576" }

const eks_text eks_extra_texts[EKS_EXTRAS] = {
    {.number = 16,
     .level = EKS_MEDIUM,
     .question = "Can the running statistics be computed exactly instead of averaged?",
     .answer = "Yes, and cheaply: with the weights fixed, the moments of a few thousand training images merge exactly, "
               "batch by batch. A moving average instead mixes statistics of older weights into the result.",
     .formula = MATH(I("σ²") O("=") T("mean of σ²_B + μ²_B") O("−") SUBSUP(I("μ"), T("all"), D("2"))),
     .formula_text = "σ² = E[σ²_B + μ²_B] − μ²",
     .related = {3, 7, 4},
     .sources = {WU_JOHNSON}},
    {.number = 17,
     .level = EKS_MEDIUM,
     .question = "Can a trained network be adapted to shifted data without labels?",
     .answer = "Often: measure the statistics again on images of the new kind and leave every weight alone. A change "
               "of contrast or brightness is undone almost completely. With statistics of the wrong kind, or of one "
               "class only, it makes things worse.",
     .formula = MATH(I("x") O("→") I("a") I("x") O("+") I("b") O("⇒") I("μ") O("→") I("a") I("μ") O("+") I("b") O(",")
                         I("σ") O("→") I("a") I("σ")),
     .formula_text = "x → ax + b gives μ → aμ + b, σ → aσ: the change cancels",
     .related = {13, 3, 16},
     .sources = {{"Li et al. 2016 (AdaBN)", "https://arxiv.org/abs/1603.04779"},
                 {"Schneider et al. 2020", "https://arxiv.org/abs/2006.16971"},
                 WU_JOHNSON}},
    {.number = 18,
     .level = EKS_HARD,
     .question = "Does the divisor of the running variance matter: n or n − 1?",
     .answer = "With thousands of values per channel, not at all. With few it does: PyTorch keeps the unbiased "
               "variance but normalizes the batch by the biased one, so that the same batch comes out smaller in "
               "evaluation by a factor √((n − 1)/n) per layer.",
     .formula = MATH(T("eval / train") O("=") ROOT(FRAC(I("n") O("−") D("1"), I("n")))),
     .formula_text = "eval / train = √((n − 1)/n) per layer",
     .related = {7, 3, 4},
     .sources = {{"ONNX BatchNormalization", "https://onnx.ai/onnx/operators/onnx__BatchNormalization.html"}}},
    {.number = 19,
     .level = EKS_HARD,
     .question = "When does ε take over?",
     .answer = "When a channel's variance comes near it. The deviation that comes out is √(v/(v + ε)): 1 for a lively "
               "channel, 0.71 at v = ε, next to nothing below. Scale invariance ends there too.",
     .formula = MATH(SUB(I("σ"), T("out")) O("=") ROOT(FRAC(I("v"), I("v") O("+") I("ε")))),
     .formula_text = "σ_out = √(v/(v + ε))",
     .related = {1, 14},
     .sources = {{"Ioffe and Szegedy 2015", "https://arxiv.org/abs/1502.03167"}}},
    {.number = 20,
     .level = EKS_MEDIUM,
     .question = "What does batch norm cost in inference?",
     .answer =
         "No step of its own, when it stands right behind a convolution or a product: with fixed statistics it is one "
         "factor and one offset per channel, which fold into the weights and the bias in front of it.",
     .formula = MATH(I("W′") O("=") FRAC(I("γ"), ROOT(I("v") O("+") I("ε"))) I("W")),
     .formula_text = "W′ = γ/√(v + ε) · W,  b′ = β + γ/√(v + ε) · (b − μ)",
     .related = {5, 12, 3},
     .sources = {{"Ioffe and Szegedy 2015", "https://arxiv.org/abs/1502.03167"}}},
    {.number = 21,
     .level = EKS_HARD,
     .question = "Are synchronized statistics over many devices the same as one large batch?",
     .answer = "Mathematically yes. In floating point only if the order of the sums does not depend on how the batch "
               "is cut. Here partial sums belong to fixed chunks of examples and meet in one fixed tree, so that any "
               "number of ranks gives the same bits.",
     .formula = MATH(SUB(I("M"), I("B")) O("=") SUB(I("M"), D("1")) O("⊕") O("…") O("⊕") SUB(I("M"), I("R"))),
     .formula_text = "moments of the batch = moments of its parts, merged in a fixed order",
     .related = {4, 8},
     .sources = {{"PyTorch issue 124680", "https://github.com/pytorch/pytorch/issues/124680"},
                 {"TensorFlow issue 60438", "https://github.com/tensorflow/tensorflow/issues/60438"}}},
};
