#!/usr/bin/env python3
"""The TORCH preset against PyTorch's own BatchNorm2d: outputs, gradients and running statistics over several steps.

usage: torch_compare.py DRIVER      exit 77 = skipped, PyTorch is not here (Debian: python3-torch)
"""
import subprocess
import sys

try:
    import numpy
    import torch
except ImportError as missing:
    print(f"skipped: {missing}; install python3-torch and python3-numpy to run this comparison")
    sys.exit(77)

BOUND = 2e-6  # both sides round in f32
NAMES = ["y", "dx", "dscale", "dbias", "running mean", "running variance"]


def torch_steps(shape, data, scale, bias, cumulative):
    norm = torch.nn.BatchNorm2d(shape[1], momentum=None if cumulative else 0.1)
    with torch.no_grad():
        norm.weight.copy_(torch.from_numpy(scale))
        norm.bias.copy_(torch.from_numpy(bias))
    results = []
    for x, dy in data:
        x = torch.from_numpy(x).requires_grad_()
        norm.zero_grad()
        y = norm(x)
        y.backward(torch.from_numpy(dy))
        results += [v.detach().numpy().copy() for v in
                    (y, x.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var)]
    norm.eval()
    return results + [norm(torch.from_numpy(data[-1][0])).detach().numpy()]


def our_steps(driver, shape, data, scale, bias, cumulative):
    head = numpy.array(list(shape) + [len(data), int(cumulative)], dtype=numpy.int64)
    stdin = head.tobytes() + scale.tobytes() + bias.tobytes() + b"".join(x.tobytes() + dy.tobytes() for x, dy in data)
    return numpy.frombuffer(subprocess.run([driver], input=stdin, stdout=subprocess.PIPE, check=True).stdout, "f4")


def compare(driver, shape, cumulative, offset):
    random = numpy.random.default_rng(11)
    tensor = lambda size: random.standard_normal(size).astype("f4")
    data = [((tensor(shape) + offset + i).astype("f4"), tensor(shape)) for i in range(4)]
    scale, bias = tensor(shape[1]), tensor(shape[1])
    expected = torch_steps(shape, data, scale, bias, cumulative)
    ours, at, worst = our_steps(driver, shape, data, scale, bias, cumulative), 0, 0.0
    for i, want in enumerate(expected):
        got = ours[at:at + want.size].reshape(want.shape)
        at += want.size
        error = float(abs(got.astype("f8") - want).max() / abs(want).max())
        worst = max(worst, error)
        if not error <= BOUND:
            name = "inference y" if i == len(expected) - 1 else f"{NAMES[i % 6]} of step {i // 6}"
            sys.exit(f"{shape}: {name} differs by {error:.2g} (bound {BOUND:.2g})")
    assert at == ours.size
    print(f"{list(shape)} {'cumulative' if cumulative else 'momentum 0.1'}: within {worst:.2g} (bound {BOUND:.2g})")


for shape in [(4, 3, 5, 6), (16, 10, 7, 7), (33, 5, 1, 1)]:
    for cumulative in (False, True):
        compare(sys.argv[1], shape, cumulative, 0.5)
try:
    torch.nn.BatchNorm2d(3)(torch.zeros(1, 3, 1, 1))
    sys.exit("PyTorch takes one value per channel: EK_PRESET_TORCH should not be EK_SMALL_ERROR")
except ValueError:
    print("one value per channel: an error in PyTorch, too")
