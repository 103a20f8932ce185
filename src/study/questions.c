/* questions.c: a prediction and a quiz question for each card. Content only.
 *
 * A prediction asks what the card's experiment will measure, before the answer is read; where the literature disagrees
 * there is no right answer (-1). The quiz asks what an interviewer asks. `endpoint` is the measured value that belongs
 * to the explanation, counted from 1 in the card's design.
 */
#include "study/card.h"

const eks_choices eks_predictions[EKS_CARDS] = {
    {"A channel of deviation 0.001 goes through batch norm with ε = 0.00001. What variance comes out?",
     {"1, like every other channel", "About a tenth", "0"},
     1,
     "v/(v + ε) with v = 0.000001 is a tenth. For such a channel ε decides, not the batch.",
     2},
    {"Noise is put behind batch norm, so that its outputs jump about more than in a plain network. What becomes of "
     "training?",
     {"It works nearly as well as without the noise", "It fails, like a network without batch norm",
      "It works better than without the noise"},
     0,
     "This is what the experiment of Santurkar and others found. If stable distributions were the reason, it would "
     "fail.",
     1},
    {"In evaluation mode the same images are run alone, in batches of many sizes, and in another order. How many "
     "logits "
     "differ?",
     {"Most, in the last digit", "A few, in the last digit", "None, not in one bit"},
     2,
     "Running statistics are constants, so nothing of the batch enters. That the sums around them agree to the last "
     "bit "
     "is the engine’s part.",
     1},
    {"The optimizer’s batch stays as it is, but the statistics come from 2 images instead of 32. What becomes of the "
     "error?",
     {"It rises", "Nothing: only the optimizer’s batch matters", "It falls, since noise regularizes"},
     0,
     "Small batches do not hurt gradient descent as such. What hurts is a mean and a variance from few values.",
     1},
    {"A network with ReLU is trained with batch norm before, and with batch norm after the activation. Which wins?",
     {"Before", "After", "Neither clearly"},
     -1,
     "Published comparisons point both ways, so there is no settled answer. Trust what was measured for your own "
     "network.",
     1},
    {"γ and β are fixed at 1 and 0 for the whole training. What does that cost?",
     {"Nearly everything: they are what makes batch norm work", "Little: half a point to two points on CIFAR-10",
      "Nothing, as the next layer has weights of its own"},
     1,
     "This is what Frankle, Schwab and Morcos found. The normalization does most of the work, not the two parameters.",
     5},
    {"The running mean keeps a share m = 0.99 at each step. After 100 steps, how much of it is still the initial "
     "value?",
     {"Nothing", "About 1%", "About a third"},
     2,
     "0.99 to the power of 100 is 0.37. Evaluate early and you evaluate the initial 0 and 1.",
     1},
    {"The N·H·W values of one channel are shuffled among images and places. What does batch norm do with them?",
     {"The same as before, in the new order", "Something else: the mean of each image has changed",
      "The mean stays, the variance changes"},
     0,
     "All N·H·W values make up one set, and neither mean nor variance asks who stands where.",
     1},
    {"A layer norm sees an image alone, and again among other batch mates. How many of its result’s values differ?",
     {"All, a little", "None, not in one bit", "None in evaluation, some in training"},
     1,
     "No value of another example enters, so there is nothing that could differ, whatever the mode.",
     1},
    {"Group norm is given as many groups as there are channels. What is it then?",
     {"Batch norm", "Layer norm over the image", "Instance norm"},
     2,
     "A group of one channel shares over that channel’s height and width: instance norm, bit for bit.",
     2},
    {"One image is normalized together with many random sets of batch mates. How does the spread of its result depend "
     "on the size n of the set?",
     {"It does not", "Its variance falls like 1/n", "Its variance falls like 1/n²"},
     1,
     "The mean of n values varies with σ²/n, and the noise on every result follows it.",
     1},
    {"A network trained on batches of 64 answers one image at a time. What changes in its logits?",
     {"They blur: a variance needs more than one value", "The last digits", "Not one bit"},
     2,
     "In evaluation batch norm is a fixed scale and shift. The engine’s sums keep their order for any batch size.",
     1},
    {"A trained network is fine-tuned on a few hundred images of the same kind, two per batch. Which statistics serve "
     "it "
     "better?",
     {"The frozen ones", "Live ones, since the data are new", "It makes no difference"},
     0,
     "Two images say little about a channel; the old statistics come from many images of the same kind.",
     1},
    {"All weights in front of a batch norm are doubled. What becomes of its output, and of the gradient of those "
     "weights?",
     {"Both double", "The output stays, the gradient halves", "The output stays, the gradient doubles"},
     1,
     "f(a·w) = f(w), hence ∇f(a·w) = ∇f(w)/a. Larger weights are taught more slowly: this is where weight decay acts.",
     2},
    {"A deep stack of layers with batch norm and ReLU, no skip connections, before any training. What does the "
     "gradient "
     "do on its way down?",
     {"It grows by about a fifth per layer", "It stays: that is what the norm is for", "It fades"},
     0,
     "By the square root of π/(π − 1), which is 1.21, per layer, and batch norm itself is the cause.",
     8},
};

const eks_choices eks_quiz[EKS_CARDS] = {
    {"The input of a batch norm is multiplied by 7. What happens to its output?",
     {"It is multiplied by 7", "It is divided by 7", "Nothing, while the variance stays far above ε", "It becomes β"},
     2,
     "Mean and deviation grow by the same factor as the values, and it cancels. Near ε it no longer does.",
     3},
    {"Which sentence on internal covariate shift is safe?",
     {"Batch norm works because it removes it", "It was the original motive; later work doubts that it is the reason",
      "It is the difference between training and test data", "Evaluation mode removes it"},
     1,
     "That batch norm trains faster is a fact. Why is contested: a smoother loss, larger learning rates, smaller "
     "residual branches have all been put forward.",
     1},
    {"In production a model’s answer for one image changes with the other images in the request. First suspicion?",
     {"It still runs in training mode", "ε is too small", "The running statistics were not saved",
      "The batch is too small"},
     0,
     "Only batch statistics can carry information from one image to another.",
     2},
    {"Training with one image per batch. What is batch norm after a convolution with a map of 8 × 8?",
     {"Undefined", "β everywhere", "Instance norm", "Layer norm"},
     2,
     "One image still gives 64 values per channel. Only where a single value is left, as after a fully connected "
     "layer, "
     "does β alone remain.",
     9},
    {"Where does a batch norm vanish at no cost when the network is served?",
     {"Right behind a convolution, before the activation", "Right behind the activation",
      "In front of a convolution with zero padding", "Nowhere"},
     0,
     "There it is one more scale and shift on what the convolution computes. Behind the activation it could only go "
     "into "
     "the next convolution, and zero padding makes that wrong at the border.",
     4},
    {"A convolution in front of batch norm has a bias. What is the bias’s gradient?",
     {"That of β", "0", "That of γ", "It depends on the batch"},
     1,
     "The mean takes any constant away, so the loss cannot depend on it.",
     4},
    {"A PyTorch model has momentum 0.1. Which momentum does it have in ONNX?",
     {"0.1", "0.9", "0.01", "None: ONNX has no momentum"},
     1,
     "PyTorch counts the share replaced, ONNX the share kept. Unconverted, the running statistics follow nearly the "
     "last "
     "batch alone.",
     3},
    {"How many trainable parameters has a batch norm of C channels on maps of H × W, trained on batches of N?",
     {"C", "2C", "2CHW", "2NC"},
     1,
     "One γ and one β per channel. As many running values stand beside them; those are not trained by gradients.",
     3},
    {"Which of these computes the same in training and in evaluation?",
     {"Batch norm", "Layer norm", "Both", "Neither"},
     1,
     "Layer norm has no running statistics, so there is nothing to switch over to.",
     2},
    {"Over which values does group norm take a mean?",
     {"A group of channels at one place of one image", "A group of channels of one image, over height and width",
      "A group of images in one channel", "A group of channels over the batch"},
     1,
     "The mean over a group’s channels and places is 0 afterwards. The mean at one place is not.",
     7},
    {"The batch grows from 8 images to 256. What becomes of the regularizing noise of batch norm?",
     {"It grows with the batch", "It stays", "It shrinks", "It turns into weight decay"},
     2,
     "More values make a steadier mean, and with it less noise. It is a side effect, not a substitute for dropout or "
     "weight decay.",
     1},
    {"A model is served one image at a time. What must be true of its batch norm?",
     {"It was trained with one image per batch",
      "Its running statistics are well estimated, on data like the data "
      "served",
      "ε is larger than in training", "γ is 1"},
     1,
     "The size of the serving batch plays no part. The statistics are all that was kept of the training batches.",
     1},
    {"Batch norm was “frozen” for fine-tuning, yet the accuracy decays. What is the classic mistake?",
     {"γ and β were saved in half precision", "Gradients are off, but the running statistics still follow the batches",
      "The learning rate is too small", "Weight decay is off"},
     1,
     "Freezing gradients and freezing statistics are different switches. In training mode the statistics move without "
     "any gradient.",
     1},
    {"What does weight decay do to weights in front of batch norm?",
     {"It makes the function simpler", "Nothing at all", "It keeps the effective learning rate from fading",
      "It shrinks γ"},
     2,
     "Their size does not change the function, only how far a step turns them. Decay keeps the size, and so the turn, "
     "in "
     "balance.",
     3},
    {"For which of these is batch norm a good choice?",
     {"A language model", "An image classifier with 64 mixed images per batch", "Training on a stream, one at a time",
      "Detection with one image per device"},
     1,
     "Many independent images per batch are what it was made for. The others are cases for layer, RMS or group norm.",
     4},
};
