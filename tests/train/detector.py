"""detector.py EVENKEEL MODEL small|whole [SEED]: a detector (version-RFB-320, of ../shared) is trained to find drawn squares, by one command: images and
targets from .npy, a loss from a file over the values in front of its post-processing, which stays in the graph and needs
no gradient. Judged by what comes out behind it: the likeliest box of fresh images against the square, mean intersection
over union; the baseline is the file as it was."""
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    print("skipped: python3-onnx is not installed; scripts/test.sh installs it")
    sys.exit(77)

WIDTH, HEIGHT = 320, 240
SCORES, LOCATIONS = "459", "460"  # in front of Softmax and of the boxes' decoding
LEVELS = [(40, 30, [10, 16, 24]), (20, 15, [32, 48]), (10, 8, [64, 96]), (5, 4, [128, 192, 256])]
BOXES = 4420
SIZES = {"small": (48, 14, 8, 0.5), "whole": (80, 30, 16, 0.8)}  # images, epochs, fresh images, least IoU


def priors():
    """Centre, width and height of each box that the model corrects, in parts of the image."""
    rows = [[(i + 0.5) / w, (j + 0.5) / h, side / WIDTH, side / HEIGHT]
            for w, h, sides in LEVELS for j in range(h) for i in range(w) for side in sides]
    return np.clip(np.array(rows, "f"), 0, 1)


def overlap(a, b):
    """Of boxes as corners."""
    x = np.maximum(0, np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0]))
    y = np.maximum(0, np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1]))
    area = [(c[..., 2] - c[..., 0]) * (c[..., 3] - c[..., 1]) for c in (a, b)]
    return x * y / (area[0] + area[1] - x * y)


def corners(box):
    return np.concatenate([box[..., :2] - box[..., 2:] / 2, box[..., :2] + box[..., 2:] / 2], -1)


def draw(random, count):
    """Grain with a bright square; which priors it lies on, and their corrections; the square."""
    known = priors()
    x = random.randn(count, 3, HEIGHT, WIDTH).astype("f") * 0.2 - 0.5
    classes, places = np.zeros((count, BOXES), "int64"), np.zeros((count, BOXES, 4), "f")
    squares = np.zeros((count, 4), "f")
    for k in range(count):
        side = random.randint(24, 100)
        left, top = random.randint(0, WIDTH - side), random.randint(0, HEIGHT - side)
        x[k, :, top:top + side, left:left + side] += 1.5
        box = np.array([(left + side / 2) / WIDTH, (top + side / 2) / HEIGHT, side / WIDTH, side / HEIGHT], "f")
        squares[k] = corners(box)
        shared = overlap(corners(known), squares[k])
        classes[k] = (shared > 0.35) | (shared == shared.max())
        places[k, :, :2] = (box[:2] - known[:, :2]) / known[:, 2:] / 0.1
        places[k, :, 2:] = np.log(box[2:] / known[:, 2:]) / 0.2
    return x, classes, places, squares


def write_loss(path):
    """Cross-entropy of all priors, in which the few on squares count thirty times, plus Huber's loss of those."""
    def node(kind, inputs, output, **attributes):
        return helper.make_node(kind, inputs.split(), [output], **attributes)
    nodes = [node("Transpose", SCORES, "s", perm=[0, 2, 1]),
             node("SoftmaxCrossEntropyLoss", "s classes weights", "entropy"),
             node("Sub", f"{LOCATIONS} places", "d"), node("Abs", "d", "a"), node("Min", "a one", "m"), node("Mul", "m half", "mh"),
             node("Sub", "a mh", "rest"), node("Mul", "m rest", "huber"), node("Cast", "classes", "on", to=TensorProto.FLOAT),
             node("Unsqueeze", "on last", "column"), node("Mul", "huber column", "counted"),
             node("ReduceSum", "counted", "sum", keepdims=0), node("ReduceSum", "on", "number", keepdims=0),
             node("Div", "sum number", "distance"), node("Add", "entropy distance", "loss")]
    constants = {"weights": np.array([1, 30], "f"), "one": np.float32(1), "half": np.float32(0.5), "last": np.array([2], "int64")}
    inputs = [(SCORES, TensorProto.FLOAT, [2]), (LOCATIONS, TensorProto.FLOAT, [4]), ("classes", TensorProto.INT64, []),
              ("places", TensorProto.FLOAT, [4])]
    graph = helper.make_graph(nodes, "loss", [helper.make_tensor_value_info(n, t, ["N", BOXES, *d]) for n, t, d in inputs],
                              [helper.make_tensor_value_info("loss", TensorProto.FLOAT, [])],
                              [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def judge(program, model, images, squares):
    found = []
    for image, square in zip(images, squares):
        np.save("one.npy", image[None])
        subprocess.run([program, "run", model, "--input", "input=one.npy", "-o", "scores=s.npy", "-o", "boxes=b.npy", "-q"], check=True)
        likeliest = np.argmax(np.load("s.npy")[0, :, 1])
        found.append(overlap(np.load("b.npy")[0, likeliest], square))
    return float(np.mean(found))


def main():
    program, model, size = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3]
    if not os.path.exists(model):
        print(f"skipped: there is no {os.path.basename(model)}")
        sys.exit(77)
    count, epochs, fresh, least = SIZES[size]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        random = np.random.RandomState(int(sys.argv[4]) if len(sys.argv) > 4 else 3)
        for name, array in zip(("x", "classes", "places"), draw(random, count)):
            np.save(f"{name}.npy", array)
        write_loss("loss.onnx")
        subprocess.run([program, "train", model, "--input", "input=x.npy", "--target", "classes=classes.npy", "--target", "places=places.npy",
                        "--loss", "loss.onnx", "--epochs", str(epochs), "--batch", "8", "--lr", "0.01", "-o", "t.onnx", "-q"], check=True)
        images, _, _, squares = draw(random, fresh)
        before, after = (judge(program, m, images, squares) for m in (model, "t.onnx"))
        os.chdir("/")
    print(f"detector ({size}): mean intersection over union {before:.3f} before, {after:.3f} after, at least {least}")
    sys.exit(0 if after >= least > before else 1)


main()
