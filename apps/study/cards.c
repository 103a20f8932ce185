/* cards.c: what the fifteen cards say. Content only; the experiments are in cardNN.c.
 *
 * Formulas are MathML, written with the macros of mathml.h; `formula_text` is the same in plain text. Numbers from
 * papers are those found in the papers themselves or in two independent summaries.
 */
#include "study/card.h"
#include "study/mathml.h"

#define IOFFE                                                                                                          \
    { "Ioffe and Szegedy 2015", "https://arxiv.org/abs/1502.03167" }
#define WU_HE                                                                                                          \
    { "Wu and He 2018", "https://arxiv.org/abs/1803.08494" }
#define BA                                                                                                             \
    { "Ba, Kiros and Hinton 2016", "https://arxiv.org/abs/1607.06450" }
#define WU_JOHNSON                                                                                                     \
    { "Wu and Johnson 2021", "https://arxiv.org/abs/2105.07576" }
#define ONNX                                                                                                           \
    { "ONNX BatchNormalization", "https://onnx.ai/onnx/operators/onnx__BatchNormalization.html" }
#define MISHKIN                                                                                                        \
    { "caffenet-benchmark, batch norm", "https://github.com/ducha-aiki/caffenet-benchmark/blob/master/batchnorm.md" }

const eks_text eks_texts[EKS_CARDS] = {
    {.number = 1,
     .level = EKS_EASY,
     .question = "What does batch normalization do to a feature map?",
     .answer = "It takes each channel by itself: measures the mean and the variance of the channel over the "
               "mini-batch, subtracts the mean, divides by the standard deviation (with a small ε inside the root), "
               "and then applies a scale γ and a shift β that are learned. Because γ and β can put any mean and "
               "deviation back, including the ones just removed, nothing that the network could express is lost.",
     .exact = "The variance that comes out is not 1 but v/(v + ε). For an active channel that is a matter of the fifth "
              "digit; for a nearly constant one it is the whole story.",
     .formula = MATH(I("y") O("=") I("γ") O("·") FRAC(
         I("x") O("−") SUB(I("μ"), I("B")), ROOT(SUBSUP(I("σ"), I("B"), D("2")) O("+") I("ε"))) O("+") I("β")),
     .formula_text = "y = γ · (x − μ_B) / √(σ²_B + ε) + β",
     .related = {6, 8, 3},
     .sources = {IOFFE}},
    {.number = 2,
     .contested = 1,
     .notes = {{"For: the original paper introduced batch norm to reduce internal covariate shift, and its network "
                "reached the accuracy of the baseline in far fewer steps.",
                {"Ioffe and Szegedy 2015", "https://arxiv.org/abs/1502.03167"}},
               {"Against: with noise injected after batch norm, so that distributions are less stable than in a plain "
                "network, training is about as good; the loss is smoother.",
                {"Santurkar et al. 2018", "https://arxiv.org/abs/1805.11604"}},
               {"Another cause: batch norm primarily enables training with larger learning rates, which is the cause "
                "for faster convergence and better generalization.",
                {"Bjorck et al. 2018", "https://arxiv.org/abs/1806.02375"}},
               {"Against that in turn: larger rates are only beneficial in specific compute regimes, with minimal "
                "benefit when the batch is small.",
                {"De and Smith 2020", "https://arxiv.org/abs/2002.10444"}}},
     .level = EKS_MEDIUM,
     .question = "What is meant by internal covariate shift?",
     .answer = "The name the original paper gave to this: while a network trains, every layer sees its inputs change "
               "distribution, because the layers below it are being updated. Batch norm was introduced to hold those "
               "distributions still. Later work found little evidence that this is why it helps. Noise injected after "
               "batch norm, which makes the distributions less stable than in a plain network, does not stop it from "
               "training well; a smoother loss and the larger learning rates it allows explain more.",
     .exact = "The larger learning rate is disputed too: at small batch sizes it was found to bring little. Say what "
              "is known (it trains faster, with larger steps) apart from why (open).",
     .formula =
         MATH(SUB(T("ICS"), I("l")) O("=") F("‖") SUB(I("G"), I("l")) O("−") SUBSUP(I("G"), I("l"), O("′")) F("‖")),
     .formula_text = "ICS_l = ‖G_l − G′_l‖, the gradient of layer l before and after the layers below it were updated",
     .related = {1, 11, 14},
     .sources = {IOFFE,
                 {"Santurkar et al. 2018", "https://arxiv.org/abs/1805.11604"},
                 {"Bjorck et al. 2018", "https://arxiv.org/abs/1806.02375"},
                 {"De and Smith 2020", "https://arxiv.org/abs/2002.10444"}}},
    {.number = 3,
     .level = EKS_EASY,
     .question = "How does it behave in training, and how in inference?",
     .answer = "In training each batch is normalized by its own mean and variance, and a running average of both is "
               "kept. In inference (evaluation) the running averages take their place, so that the result for an image "
               "depends on that image alone: on no batch mates and no batch size.",
     .exact = "Evaluation mode does not freeze γ and β; it merely does not train anything. Where the statistics come "
              "from, whether they are updated, and whether γ and β are trained are three separate switches.",
     .formula = MATH(T("training:") GAP SUB(I("μ"), I("B")) O(",") SUBSUP(I("σ"), I("B"), D("2")) NEXT T("inference:")
                         GAP SUB(I("μ"), T("run")) O(",") SUBSUP(I("σ"), T("run"), D("2"))),
     .formula_text = "training uses μ_B, σ²_B; inference uses μ_run, σ²_run",
     .related = {7, 12, 13},
     .sources = {IOFFE, WU_JOHNSON}},
    {.number = 4,
     .notes = {{"Changing only the statistics used in evaluation gained 6.18 points at batch 2 on ImageNet: much of "
                "the loss is a mismatch, not poor training.",
                {"Singh and Shrivastava 2019 (EvalNorm)", "https://arxiv.org/abs/1904.06031"}},
               {"Without batch norm a batch of 1 trains as well as one of 256 (0.474 and 0.471 on a small AlexNet).",
                {"caffenet-benchmark, batch size",
                 "https://github.com/ducha-aiki/caffenet-benchmark/blob/master/BatchSize.md"}}},
     .level = EKS_MEDIUM,
     .question = "Why are very small batches a problem?",
     .answer = "With few values per channel the mean and variance are noisy, and the running averages no longer "
               "describe what the network saw in training. On ImageNet with ResNet-50, going from 32 images per GPU to "
               "2 raised the error of batch norm from 23.6% to 34.7%, while group norm stayed at 24.1%. Remedies: "
               "synchronize the statistics over devices, use a larger batch, or use layer or group norm.",
     .exact = "\"Batch norm fails at batch size 1\" is true after a fully connected layer, where one value per channel "
              "normalizes to β. A convolution still has height times width values: there it becomes instance norm. And "
              "a small batch is harmless to gradient descent itself; it is the normalization that suffers.",
     .formula =
         MATH(I("n") O("=") I("N") O("·") I("H") O("·") I("W") NEXT I("n") O("=") D("1") O("⇒") I("y") O("=") I("β")),
     .formula_text = "n = N · H · W values per channel; n = 1 gives y = β",
     .related = {8, 9, 10},
     .sources = {WU_HE,
                 {"Singh and Shrivastava 2019 (EvalNorm)", "https://arxiv.org/abs/1904.06031"},
                 {"Masters and Luschi 2018", "https://arxiv.org/abs/1804.07612"}}},
    {.number = 5,
     .contested = 1,
     .notes = {{"After: on a small AlexNet 0.499 after ReLU against 0.474 before, without scale and shift.",
                {"caffenet-benchmark, batch norm",
                 "https://github.com/ducha-aiki/caffenet-benchmark/blob/master/batchnorm.md"}},
               {"Neither: on a small GoogLeNet 0.619 without, 0.607 before, 0.596 after; the first weights were not "
                "drawn alike.",
                {"caffenet-benchmark, batch norm",
                 "https://github.com/ducha-aiki/caffenet-benchmark/blob/master/batchnorm.md"}},
               {"Before: the original paper normalizes the input of the nonlinearity.",
                {"Ioffe and Szegedy 2015", "https://arxiv.org/abs/1502.03167"}}},
     .level = EKS_MEDIUM,
     .question = "Before or after the activation?",
     .answer = "The original paper puts it before the nonlinearity: convolution, batch norm, ReLU; ResNets and most "
               "networks since do the same. Some networks do better the other way round: on a small AlexNet, placing "
               "it after ReLU gave 0.499 instead of 0.474. On a small GoogLeNet both lost to no batch norm at all, "
               "though the runs were not started alike. Know both habits, and keep to one within an architecture.",
     .exact =
         "There is a practical difference that no benchmark changes: before the activation it folds into the "
         "convolution in front of it for free. After the activation it folds into the next convolution, and a zero-"
         "padded border then needs care; in front of pooling over the whole map it stays.",
     .formula = MATH(T("ReLU") F("(") T("BN") F("(") I("W") O("∗") I("x") F(")") F(")") NEXT T("BN") F("(") T("ReLU")
                         F("(") I("W") O("∗") I("x") F(")") F(")")),
     .formula_text = "ReLU(BN(W ∗ x)) or BN(ReLU(W ∗ x))",
     .related = {1, 6},
     .sources = {IOFFE, MISHKIN}},
    {.number = 6,
     .level = EKS_EASY,
     .question = "Are γ and β learned?",
     .answer = "Yes: two trainable values per channel, updated by gradient descent like any weight. If undoing the "
               "normalization is best, γ = √(v + ε) and β = μ do so exactly. They can do a surprising amount by "
               "themselves: training nothing but γ and β of deep networks with random weights reached 82% on CIFAR-10.",
     .exact = "Learned γ and β matter less than often said: in the same work, having them against not having them was "
              "worth half a point to two points on CIFAR-10. And a bias in the layer in front of batch norm is "
              "useless: the mean takes it away, so its gradient is 0.",
     .formula = MATH(FRAC(I("∂L"), I("∂γ")) O("=") O("∑") FRAC(I("∂L"), I("∂y")) HAT(I("x")) NEXT FRAC(I("∂L"), I("∂β"))
                         O("=") O("∑") FRAC(I("∂L"), I("∂y"))),
     .formula_text = "∂L/∂γ = Σ ∂L/∂y · x̂,  ∂L/∂β = Σ ∂L/∂y",
     .related = {1, 13, 14},
     .sources = {IOFFE, {"Frankle, Schwab and Morcos 2021", "https://arxiv.org/abs/2003.00152"}}},
    {.number = 7,
     .level = EKS_MEDIUM,
     .question = "What is the momentum of the running statistics?",
     .answer = "The share of the old value that each step keeps in an exponential moving average. A large m smooths "
               "over many batches, so that the last one does not decide what inference sees; it also takes longer to "
               "forget the initial 0 and 1, and longer to follow weights that still move.",
     .exact =
         "Ask which convention is meant. In ONNX and Keras m is the share kept, as here; in PyTorch and cuDNN momentum "
         "is the share replaced. 0.9 here is 0.1 there. It has nothing to do with the optimizer's momentum.",
     .formula = MATH(SUB(I("μ"), T("run")) O("←") I("m") SUB(I("μ"), T("run")) O("+") F("(") D("1") O("−") I("m") F(")")
                         SUB(I("μ"), I("B"))),
     .formula_text = "μ_run ← m · μ_run + (1 − m) · μ_B",
     .related = {3, 12, 13},
     .sources = {WU_JOHNSON, ONNX}},
    {.number = 8,
     .level = EKS_MEDIUM,
     .question = "Over which axes does it normalize in a convolutional network?",
     .answer = "Over batch, height and width together, separately for each channel: N·H·W values give one mean and one "
               "variance. A convolution applies the same weights at every place, so every place is one more sample of "
               "the same quantity. Values keep their places; only their common scale and offset change.",
     .exact = "The parameters count 2C, whatever the size of the map, and 2C running values beside them.",
     .formula = MATH(SUB(I("μ"), I("c")) O("=") FRAC(D("1"), I("N") I("H") I("W"))
                         UNDER(O("∑"), I("n") O(",") I("h") O(",") I("w")) SUB(I("x"), I("n") I("c") I("h") I("w"))),
     .formula_text = "μ_c = 1/(NHW) · Σ over n, h, w of x_nchw",
     .related = {1, 9, 10},
     .sources = {IOFFE, WU_HE}},
    {.number = 9,
     .level = EKS_MEDIUM,
     .question = "What is the key difference between layer norm and batch norm?",
     .answer = "Which values share a mean. Layer norm takes all features of one example; batch norm takes one feature "
               "of all examples. So layer norm needs no batch, keeps no running statistics, and does the same in "
               "training and in inference. That is why sequence models use it: lengths vary, batches are small, and "
               "generation runs one token at a time.",
     .exact = "It is not simply the better norm: for convolutional networks the layer norm paper itself reports that "
              "batch norm wins, and on ImageNet the errors were 25.3% and 23.6%.",
     .formula = MATH(T("LN:") GAP SUB(I("μ"), I("n")) O("=") FRAC(D("1"), I("F")) UNDER(O("∑"), I("f"))
                         SUB(I("x"), I("n") I("f")) NEXT T("BN:") GAP SUB(I("μ"), I("f")) O("=") FRAC(D("1"), I("N"))
                             UNDER(O("∑"), I("n")) SUB(I("x"), I("n") I("f"))),
     .formula_text = "LN: μ_n = mean over f of x_nf;  BN: μ_f = mean over n of x_nf",
     .related = {4, 10, 15},
     .sources = {BA, WU_HE}},
    {.number = 10,
     .level = EKS_HARD,
     .question = "Group norm in one sentence?",
     .answer = "Split the channels of each example into groups and normalize each group by the mean and variance of "
               "all its values, so that nothing depends on the batch: the usual choice in vision when only a few "
               "images fit on a device.",
     .exact = "It is not computed per spatial location: a group shares its statistics over height and width as well as "
              "over its channels. One group makes it layer norm over (C, H, W), a group per channel instance norm; and "
              "instance norm of a 1 × 1 map is β and nothing else.",
     .formula = MATH(SUB(I("μ"), I("n") I("g")) O("=") FRAC(I("G"), I("C") I("H") I("W")) UNDER(
         O("∑"), I("c") O("∈") I("g") O(",") I("h") O(",") I("w")) SUB(I("x"), I("n") I("c") I("h") I("w"))),
     .formula_text = "μ_ng = G/(CHW) · Σ over c in g, h, w of x_nchw",
     .related = {4, 9, 8},
     .sources = {WU_HE}},
    {.number = 11,
     .contested = 1,
     .notes = {{"For: with batch norm the original paper removed dropout and divided the L2 penalty by 5.",
                {"Ioffe and Szegedy 2015", "https://arxiv.org/abs/1502.03167"}},
               {"Limits: beside batch norm, dropout 0.2 gave 0.527, none 0.513, dropout 0.5 0.499 on a small AlexNet.",
                {"caffenet-benchmark, batch norm",
                 "https://github.com/ducha-aiki/caffenet-benchmark/blob/master/batchnorm.md"}},
               {"The best test error was found at 32 to 128 images per set of statistics, neither the smallest nor the "
                "largest.",
                {"Wu and Johnson 2021", "https://arxiv.org/abs/2105.07576"}}},
     .level = EKS_MEDIUM,
     .question = "Does batch norm regularize?",
     .answer = "A little. An image is normalized together with a random set of others, so its activations carry noise, "
               "which acts like jitter on the features. The noise shrinks as the batch grows. It comes on top of "
               "dropout and weight decay and does not replace them by rule.",
     .exact = "Whether dropout is still useful beside it depends on the network: on a small AlexNet with batch norm, "
              "dropout of 0.2 still raised accuracy from 0.513 to 0.527.",
     .formula = MATH(T("Var") F("(") SUB(I("μ"), I("B")) F(")") O("=") FRAC(SUP(I("σ"), D("2")), I("n"))),
     .formula_text = "Var(μ_B) = σ²/n",
     .related = {4, 14, 2},
     .sources = {IOFFE, MISHKIN}},
    {.number = 12,
     .level = EKS_EASY,
     .question = "May the batch size in inference differ from the one in training?",
     .answer = "Yes. The running statistics are constants, so batch norm is then a fixed scale and shift per channel, "
               "the same for one image and for a thousand. What must be right is the statistics: they have to be well "
               "estimated, and from data like the data that is served.",
     .exact =
         "That the norm does not depend on the batch does not make the whole engine so: a matrix product may add in "
         "another order for another batch size. Equal bits for any batch are a promise of the engine, tested here.",
     .formula = MATH(I("y") O("=") I("a") I("x") O("+") I("b") NEXT I("a") O("=")
                         FRAC(I("γ"), ROOT(SUBSUP(I("σ"), T("run"), D("2")) O("+") I("ε"))) NEXT I("b") O("=") I("β")
                             O("−") I("a") SUB(I("μ"), T("run"))),
     .formula_text = "y = a·x + b with a = γ/√(σ²_run + ε), b = β − a·μ_run",
     .related = {3, 7, 4},
     .sources = {WU_JOHNSON}},
    {.number = 13,
     .level = EKS_HARD,
     .question = "Fine-tuning: when should batch norm be frozen?",
     .answer = "When the new batches would give worse statistics than the old ones: little data, batches of a few "
               "images, a domain like the one it was trained on. Detectors fine-tuned with two images per device lose "
               "about six points of AP when batch norm is left live. When the domain has shifted and batches are "
               "large, let the statistics follow it, or estimate them again once and then freeze.",
     .exact = "\"Frozen\" has three meanings: running statistics used, running statistics not updated, γ and β not "
              "trained. Name the one you mean. The classic error is to stop the gradients and leave the updates on.",
     .formula = MATH(T("statistics") O("∈") F("{") T("batch, running") F("}") NEXT T("updated") O("∈") F("{")
                         T("yes, no") F("}") NEXT T("γ, β") O("∈") F("{") T("trained, frozen") F("}")),
     .formula_text = "statistics from {batch, running} × updated {yes, no} × γ, β {trained, frozen}",
     .related = {3, 4, 7},
     .sources = {WU_HE, WU_JOHNSON}},
    {.number = 14,
     .contested = 1,
     .notes =
         {{"L2 has no regularizing effect on weights that feed a normalization; it sets the effective learning rate.",
           {"van Laarhoven 2017", "https://arxiv.org/abs/1706.05350"}},
          {"Three mechanisms are at work: effective rate, the input-output Jacobian, and damping.",
           {"Zhang et al. 2018", "https://arxiv.org/abs/1810.12281"}},
          {"Decoupled decay had 15% less relative test error than Adam with L2 on CIFAR-10 and ImageNet32x32.",
           {"Loshchilov and Hutter 2019", "https://arxiv.org/abs/1711.05101"}},
          {"In equilibrium AdamW turns all neurons at the same rate; Adam with L2 does not.",
           {"Kosson et al. 2023", "https://arxiv.org/abs/2305.17212"}}},
     .level = EKS_HARD,
     .question = "How does it interact with weight decay?",
     .answer =
         "The output of batch norm does not change when the weights in front of it are multiplied by a constant. So "
         "decay cannot make such a layer simpler; it only keeps its weights from growing, and with that keeps the "
         "effective learning rate η/‖w‖² from shrinking. With Adam, decay added to the gradient is rescaled per "
         "weight; AdamW applies it apart from the gradient. Quote the pairing you use together with its source.",
     .exact = "γ, β and the weights behind the last norm are not scale invariant, so for them decay is an ordinary "
              "penalty. Leaving γ and β out of decay is a common default; that it improves results is not settled.",
     .formula = MATH(I("f") F("(") I("a") I("w") F(")") O("=") I("f") F("(") I("w") F(")") NEXT F("⟨") I("w") O(",")
                         O("∇") I("f") F("⟩") O("=") D("0") NEXT O("∇") I("f") F("(") I("a") I("w") F(")") O("=")
                             FRAC(O("∇") I("f") F("(") I("w") F(")"), I("a"))),
     .formula_text = "f(a·w) = f(w) implies ⟨w, ∇f⟩ = 0 and ∇f(a·w) = ∇f(w)/a",
     .related = {6, 11, 2},
     .sources = {{"van Laarhoven 2017", "https://arxiv.org/abs/1706.05350"},
                 {"Zhang et al. 2018", "https://arxiv.org/abs/1810.12281"},
                 {"Loshchilov and Hutter 2019", "https://arxiv.org/abs/1711.05101"}}},
    {.number = 15,
     .level = EKS_MEDIUM,
     .question = "When should batch norm be avoided?",
     .answer =
         "When batches are tiny, when examples arrive one by one, when the images of a batch are alike (class after "
         "class, frames of one video), when an example must not be influenced by others, as in some generative "
         "set-ups, and in sequence models. Layer norm, group norm or RMS norm depend on no batch. RMS norm leaves out "
         "the mean; its paper reports like quality in 7 to 64% less time, depending on the model.",
     .exact = "For image classifiers with 32 or more independent images per batch it remains hard to beat: 23.6% error "
              "on ImageNet against 24.1 (group), 25.3 (layer) and 28.4 (instance). And without skip connections a deep "
              "stack with batch norm has exploding gradients at the start, caused by the norm itself.",
     .formula = MATH(T("RMS:") GAP I("y") O("=") I("γ") O("·")
                         FRAC(I("x"), ROOT(FRAC(D("1"), I("F")) O("∑") SUP(I("x"), D("2")) O("+") I("ε")))),
     .formula_text = "RMS norm: y = γ · x / √(mean(x²) + ε)",
     .related = {4, 9, 10},
     .sources = {WU_HE,
                 {"Zhang and Sennrich 2019", "https://arxiv.org/abs/1910.07467"},
                 {"Yang et al. 2019", "https://arxiv.org/abs/1902.08129"}}},
};
