"""against_torch.py TORCH_STEPS SCRATCH_DIR [RECORD]: the same model, data and order in PyTorch and here, 50 steps.

The loss of every step must agree to 1e-5 relative and each weight's movement to 1e-4 of its norm, in f32 against f32. For
every built-in loss and its options, per pixel, a loss from a file, gradients clipped, averages of weights. As a control, another learning rate
must not agree.

With RECORD, what PyTorch gave is written there for test_torch_record.c, which makes the same data and weights: the loss of every
step, and of each weight tensor how far it moved and its product with numbers of its own.
"""
import os
import subprocess
import sys

try:
    import numpy as np
    import onnx
    import torch
    from onnx import TensorProto, helper, numpy_helper
    from torch.nn import functional as F
except ImportError as missing:
    print("skipped: %s is not installed; apt-get install python3-torch python3-onnx" % missing.name)
    sys.exit(77)

STEPS, BATCH, COUNT, CLASSES = 50, 32, 320, 4


def number(salt, *shape):
    """Numbers in [-1, 1) that float32 holds, the same as in test_torch_record.c."""
    with np.errstate(over="ignore"):
        h = np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(salt) * np.uint32(0x85EBCA77)
        h = (h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
        h = (h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
        h = h ^ (h >> np.uint32(15))
    return torch.from_numpy(((h >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)).reshape(shape))


def set_weights(net):
    for salt, (name, value) in enumerate(net.named_parameters(), 11):
        scale, base = (0.2, 1.0) if name == "n.weight" else (0.1, 0.0) if name.endswith("bias") else (0.4, 0.0)
        with torch.no_grad():
            value.copy_(number(salt, *value.shape) * scale + base)


class Net(torch.nn.Module):
    """Convolution, batch norm, ReLU; a map of classes, and a vector of them."""

    def __init__(self):
        super().__init__()
        self.c = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)  # before a norm its gradient is rounding alone
        self.n = torch.nn.BatchNorm2d(8)
        self.s = torch.nn.Conv2d(8, CLASSES, 1)
        self.f = torch.nn.Linear(8, CLASSES)

    def forward(self, x):
        h = F.relu(self.n(self.c(x)))
        return self.f(h.mean((2, 3))), self.s(h)


def write_model(net, path):
    """The same as ONNX, with PyTorch's names."""
    node = helper.make_node
    nodes = [node("Conv", ["x", "c.weight"], ["a"], pads=[1, 1, 1, 1]),
             node("BatchNormalization", ["a", "n.weight", "n.bias", "n.running_mean", "n.running_var"], ["b"],
                  epsilon=net.n.eps, momentum=1 - net.n.momentum),
             node("Relu", ["b"], ["h"]), node("GlobalAveragePool", ["h"], ["p"]), node("Flatten", ["p"], ["q"]),
             node("Gemm", ["q", "f.weight", "f.bias"], ["y"], transB=1),
             node("Conv", ["h", "s.weight", "s.bias"], ["m"])]
    tensors = [numpy_helper.from_array(v.numpy(), k) for k, v in net.state_dict().items() if "tracked" not in k]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "net", [value("x", TensorProto.FLOAT, ["N", 3, 8, 8])],
                              [value("y", TensorProto.FLOAT, ["N", CLASSES]),
                               value("m", TensorProto.FLOAT, ["N", CLASSES, 8, 8])], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)])
    model.ir_version = 7
    onnx.save(model, path)


def write_loss(path):
    """mean(|y - t|^3), which is not built in."""
    node, value = helper.make_node, helper.make_tensor_value_info
    three = numpy_helper.from_array(np.array(3, np.float32), "three")
    nodes = [node("Sub", ["y", "t"], ["d"]), node("Abs", ["d"], ["e"]), node("Pow", ["e", "three"], ["g"]),
             node("ReduceMean", ["g"], ["l"], keepdims=0)]
    graph = helper.make_graph(nodes, "loss", [value("y", TensorProto.FLOAT, ["N", CLASSES]),
                                              value("t", TensorProto.FLOAT, ["N", CLASSES])],
                              [value("l", TensorProto.FLOAT, [])], [three])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, path)


def cases(scratch):
    weights = torch.tensor([0.5, 2.0, 1.0, 0.25])
    np.save(os.path.join(scratch, "w.npy"), weights.numpy())
    w = ":w=" + os.path.join(scratch, "w.npy")
    graph = os.path.join(scratch, "cube.onnx")
    write_loss(graph)
    classes = lambda salt, *shape: ((number(salt, *shape) + 1) * (CLASSES / 2)).floor().long()
    labels = classes(2, COUNT)
    ignored = torch.where(number(3, COUNT) < -0.6, torch.tensor(-100), labels)
    pixels = classes(4, COUNT, 8, 8)
    pixels[:, 0] = -100
    numbers = 2 * number(5, COUNT, CLASSES)
    bits = (number(6, COUNT, CLASSES) < -0.2).float()
    ce = F.cross_entropy
    return [
        ("cross-entropy", "cross-entropy", "y", labels, lambda y, t: ce(y, t), {}),
        ("weights", "cross-entropy" + w, "y", labels, lambda y, t: ce(y, t, weights), {}),
        ("smoothing", "cross-entropy:e=0.1", "y", labels, lambda y, t: ce(y, t, label_smoothing=0.1), {}),
        ("weights, smoothing, ignored", "cross-entropy:e=0.2" + w, "y", ignored,
         lambda y, t: ce(y, t, weights, label_smoothing=0.2), {}),
        ("per pixel, ignored", "cross-entropy", "m", pixels, lambda y, t: ce(y, t), {}),
        ("per pixel, weights, adam", "cross-entropy" + w, "m", pixels, lambda y, t: ce(y, t, weights), {"adam": True}),
        ("bce", "bce", "y", bits, F.binary_cross_entropy_with_logits, {}),
        ("bce, weights", "bce" + w, "y", bits,
         lambda y, t: F.binary_cross_entropy_with_logits(y, t, pos_weight=weights), {}),
        ("mse", "mse", "y", numbers, F.mse_loss, {}),
        ("mae", "mae", "y", numbers, F.l1_loss, {}),
        ("huber", "huber", "y", numbers, F.huber_loss, {}),
        ("huber, delta 0.4", "huber:d=0.4", "y", numbers, lambda y, t: F.huber_loss(y, t, delta=0.4), {}),
        ("from a file", graph, "y", numbers, lambda y, t: ((y - t).abs() ** 3).mean(), {}),
        ("clipped", "mse", "y", numbers, F.mse_loss, {"clip": 0.5}),
        ("ema", "mse", "y", numbers, F.mse_loss, {"average": "ema"}),
        ("swa", "mse", "y", numbers, F.mse_loss, {"average": "swa"}),
    ]


def averaged(net, kind):
    """PyTorch's averages; ema as docs/training.md has it, of decay 0.9."""
    if kind == "swa":
        return torch.optim.swa_utils.AveragedModel(net)
    def ema(a, w, n):
        d = torch.minimum(torch.tensor(0.9, dtype=torch.float64), (1 + n) / (10 + n))
        return (a + (1 - d) * (w.double() - a)).float()
    return torch.optim.swa_utils.AveragedModel(net, avg_fn=ema)


def in_torch(net, x, target, output, loss, options, lr):
    net.train()
    kind = torch.optim.Adam if options.get("adam") else torch.optim.SGD
    optimizer = kind(net.parameters(), lr=lr, **({} if options.get("adam") else {"momentum": 0.9}))
    average = averaged(net, options["average"]) if options.get("average") else None
    losses = []
    for step in range(STEPS):
        rows = slice(step * BATCH % COUNT, step * BATCH % COUNT + BATCH)
        optimizer.zero_grad()
        value = loss(net(x[rows])[0 if output == "y" else 1], target[rows])
        value.backward()
        if options.get("clip"):
            torch.nn.utils.clip_grad_norm_(net.parameters(), options["clip"])
        optimizer.step()
        if average is not None:
            average.update_parameters(net)
        losses.append(float(value.detach()))
    if average is not None:
        net.load_state_dict(average.module.state_dict())
    return np.array(losses)


def here(program, scratch, text, output, options, lr):
    out = os.path.join(scratch, "out.onnx")
    command = [program, os.path.join(scratch, "net.onnx"), out, text, str(BATCH), str(STEPS),
               "adam" if options.get("adam") else "sgd", repr(lr), repr(options.get("clip", 0.0)), options.get("average", "none"),
               os.path.join(scratch, "x.npy"), "%s=%s" % (output, os.path.join(scratch, "t.npy"))]
    losses = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    tensors = {t.name: numpy_helper.to_array(t) for t in onnx.load(out).graph.initializer}
    return np.array([float(v) for v in losses]), tensors


def write_record(record, name, losses, first, net):
    record.write("case %s\n%s\n" % (name, " ".join("%.9g" % v for v in losses)))
    for tensor, value in net.named_parameters():
        start, end = first[tensor].numpy().astype(np.float64), value.detach().numpy().astype(np.float64)
        factors = number(21, *start.shape).numpy().astype(np.float64)
        record.write("%s %.9g %.12g\n" % (tensor, np.linalg.norm(end - start), np.sum(end * factors)))


def compare(program, scratch, case, x, first, lr, lr_here, record=None):
    _, text, output, target, loss, options = case
    net = Net()
    net.load_state_dict(first)
    theirs = in_torch(net, x, target, output, loss, options, lr)
    if record is not None:
        write_record(record, case[0], theirs, first, net)
    np.save(os.path.join(scratch, "t.npy"), target.numpy())
    ours, tensors = here(program, scratch, text, output, options, lr_here)
    losses = np.max(np.abs(ours - theirs) / np.abs(theirs))
    worst = 0
    for name, value in net.named_parameters():
        start, theirs = first[name].numpy(), value.detach().numpy()
        moved = np.linalg.norm(theirs - start)
        if moved > 1e-6:
            worst = max(worst, np.linalg.norm(tensors[name] - theirs) / moved)
    return losses, worst


def main():
    program, scratch = sys.argv[1], sys.argv[2]
    os.makedirs(scratch, exist_ok=True)
    torch.set_num_threads(1)
    record = open(sys.argv[3], "w") if len(sys.argv) > 3 else None
    net = Net()
    set_weights(net)
    first = {k: v.clone() for k, v in net.state_dict().items()}
    write_model(net, os.path.join(scratch, "net.onnx"))
    x = 2 * number(1, COUNT, 3, 8, 8)
    np.save(os.path.join(scratch, "x.npy"), x.numpy())
    failed = 0
    for case in cases(scratch):
        lr = 0.002 if case[5].get("adam") else 0.02
        losses, moved = compare(program, scratch, case, x, first, lr, lr, record)
        good = losses <= 1e-5 and moved <= 1e-4
        failed += not good
        print("%-28s loss to %.1e, weights to %.1e of their movement%s" % (case[0], losses, moved,
                                                                          "" if good else " FAIL"))
        if case[0] == "mse":
            losses, moved = compare(program, scratch, case, x, first, lr, lr * 1.01)
            print("%-28s loss to %.1e, weights to %.1e of their movement" % ("control, rate x 1.01", losses, moved))
            failed += losses <= 1e-5 or moved <= 1e-4
    return failed


sys.exit(1 if main() else 0)
