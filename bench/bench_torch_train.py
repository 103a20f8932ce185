#!/usr/bin/env python3
"""bench_torch_train.py EVENKEEL [ROUNDS] [PRECISION]: images per second of training, beside PyTorch's, alternating.

resnet20 on 32x32x3 at batch 128 and cnn6 on 28x28x1 at batch 64, SGD with momentum, two threads, in f32 or
(PRECISION) bf16; PyTorch in bf16 (autocast) or f32, whichever is faster then. PyTorch's tensors lie channels last. Both train on random images that are in memory; neither's first steps count (plans, code generation,
memory never touched before). Skipped, with a line saying so, where PyTorch is not installed (Debian: python3-torch).
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

THREADS = 2
CASES = [("resnet20", 128, (3, 32, 32), 12), ("cnn6", 64, (1, 28, 28), 120)]


def cnn6(nn):
    layers, last = [], 1
    for i, width in enumerate((16, 16, 32, 32, 64, 64)):
        layers += [nn.Conv2d(last, width, 3, 2 if i in (2, 4) else 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        last = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def resnet20(nn):
    class Block(nn.Module):
        def __init__(self, last, width, stride):
            super().__init__()
            self.a = nn.Sequential(nn.Conv2d(last, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
                                   nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))
            self.b = nn.Identity() if stride == 1 and last == width else nn.Sequential(
                nn.Conv2d(last, width, 1, stride, bias=False), nn.BatchNorm2d(width))
            self.relu = nn.ReLU()

        def forward(self, x):
            return self.relu(self.a(x) + self.b(x))

    layers, last = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for stage, width in enumerate((16, 32, 64)):
        for i in range(3):
            layers.append(Block(last, width, 2 if stage > 0 and i == 0 else 1))
            last = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def theirs(torch, model, batch, shape, steps, bf16=False):
    """Images per second of `steps` steps, after two that warm up."""
    x = torch.randn(batch, *shape).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, 10, (batch,))
    loss, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    model = model.to(memory_format=torch.channels_last).train()
    for step in range(steps + 2):
        if step == 2:
            began = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            value = loss(model(x), y)
        value.backward()
        optimizer.step()
    return batch * steps / (time.perf_counter() - began)


def ours(tool, name, batch, data, steps, folder, precision):
    """The same of the second of two epochs of `steps` steps: the first one warms up."""
    done = subprocess.run([tool, "train", "--data", data, "--model", name, "--batch", str(batch), "--epochs", "2",
                           "--lr", "0.01", "--threads", str(THREADS), "--precision", precision, "--json", "--out",
                           os.path.join(folder, "m.onnx")], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return batch * steps / json.loads(done.stdout)["epochs"][1]["seconds"]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        import numpy
        import torch
    except ImportError:
        print("bench_torch_train.py: skipped, PyTorch is not installed (Debian: python3-torch)")
        return
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    precision = sys.argv[3] if len(sys.argv) > 3 else "f32"
    torch.set_num_threads(THREADS)
    print(f"{'model':10}{'ours':>10}{'PyTorch':>10}{'ratio':>8}   images per second, median of {rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        for name, batch, shape, steps in CASES:
            images, labels = os.path.join(folder, "images.npy"), os.path.join(folder, "labels.npy")
            numpy.save(images, numpy.random.rand(batch * steps, *shape).astype("float32"))
            numpy.save(labels, numpy.random.randint(0, 10, batch * steps).astype("int64"))
            model = {"cnn6": cnn6, "resnet20": resnet20}[name](torch.nn)
            half = precision == "bf16" and (theirs(torch, model, batch, shape, steps, True) >
                                            theirs(torch, model, batch, shape, steps))
            runs = [(ours(sys.argv[1], name, batch, images + "," + labels, steps, folder, precision),
                     theirs(torch, model, batch, shape, steps, half)) for _ in range(rounds)]
            ratios = sorted(a / b for a, b in runs)
            print(f"{name:10}{statistics.median(a for a, _ in runs):10.0f}{statistics.median(b for _, b in runs):10.0f}"
                  f"{statistics.median(ratios):8.2f}   [{ratios[0]:.2f}, {ratios[-1]:.2f}]")


main()
