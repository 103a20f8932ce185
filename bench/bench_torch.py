#!/usr/bin/env python3
"""bench_torch.py LIBRARY SHAPES...: the norms of libevenkeel_norm.so beside PyTorch's (plain layout), alternating.

LIBRARY is a shared build: cmake -B build/shared -DBUILD_SHARED_LIBS=ON -DEK_ENGINE=OFF, then
build/shared/libevenkeel_norm.so. PyTorch's outputs are warm as ours are: memory that it frees is kept, not given back
to the system, which would clear it page by page in each call. Skipped, with a line saying so, where PyTorch is not installed.
"""
import ctypes
import math
import os
import statistics
import sys
import time

ROUNDS, THREADS = 9, 2
KINDS = {"batch": 1, "layer": 2, "group": 3}


class Seam(ctypes.Structure):  # ek_parallel
    _fields_ = [("context", ctypes.c_void_p), ("run", ctypes.c_void_p), ("threads", ctypes.c_int)]


class Allocator(ctypes.Structure):
    _fields_ = [("context", ctypes.c_void_p), ("alloc", ctypes.c_void_p), ("release", ctypes.c_void_p)]


class Desc(ctypes.Structure):  # ek_norm_desc
    _fields_ = [("struct_size", ctypes.c_size_t), ("kind", ctypes.c_int), ("layout", ctypes.c_int),
                ("dtype", ctypes.c_int), ("rank", ctypes.c_int), ("dims", ctypes.c_int64 * 8), ("axis", ctypes.c_int),
                ("groups", ctypes.c_int64), ("affine", ctypes.c_int), ("epsilon", ctypes.c_double),
                ("momentum", ctypes.c_double), ("momentum_convention", ctypes.c_int),
                ("running_variance", ctypes.c_int), ("small_sample", ctypes.c_int), ("ghost", ctypes.c_int64),
                ("renorm_r_max", ctypes.c_double), ("renorm_d_max", ctypes.c_double), ("masked", ctypes.c_int),
                ("chunk", ctypes.c_int64), ("activation", ctypes.c_int), ("activation_alpha", ctypes.c_double),
                ("activation_beta", ctypes.c_double), ("residual", ctypes.c_int), ("parallel", Seam),
                ("allocator", Allocator), ("reserved", ctypes.c_uint64 * 8)]


POINTERS = ("x y scale bias running_mean running_var lengths mask mean var saved workspace dy dx dscale dbias residual "
            "dresidual").split()


class Args(ctypes.Structure):  # ek_norm_args
    _fields_ = ([("struct_size", ctypes.c_size_t)] + [(name, ctypes.c_void_p) for name in POINTERS] +
                [("reserved", ctypes.c_void_p * 8)])


def read_cases(paths):
    for path in paths:
        for line in open(path):
            words = line.split("#")[0].split()
            if words:
                groups = int(words[2].split("=")[1]) if len(words) > 2 else 1
                yield " ".join(words), words[0], [int(n) for n in words[1].split("x")], groups


def ours(lib, torch, kind, dims, groups, x, dy, scale, bias):
    """Forward and backward as functions without arguments."""
    desc = lib.ek_norm_desc_default(KINDS[kind])
    if desc.struct_size != ctypes.sizeof(Desc):
        sys.exit("ek_norm_desc has another size than this script knows: adapt Desc")
    desc.rank, desc.groups, desc.parallel.threads = len(dims), groups, THREADS
    desc.dims[:len(dims)] = dims
    plan, err = ctypes.c_void_p(), ctypes.create_string_buffer(4096)
    if lib.ek_norm_plan_create(ctypes.byref(desc), ctypes.byref(plan), err) != 0:
        sys.exit(err.raw[4:].split(b"\0")[0].decode())
    keep = {"y": torch.empty_like(x), "dx": torch.empty_like(x), "dscale": torch.empty_like(scale),
            "dbias": torch.empty_like(bias), "x": x, "dy": dy, "scale": scale, "bias": bias}
    keep["saved"] = torch.empty(lib.ek_norm_saved_bytes(plan) // 4 + 2)
    work = torch.empty(lib.ek_norm_workspace_bytes(plan) // 4 + 16)
    args = Args(struct_size=ctypes.sizeof(Args), workspace=(work.data_ptr() + 63) // 64 * 64)
    for name, tensor in keep.items():
        setattr(args, name, tensor.data_ptr())
    keep["work"] = work

    def forward(_keep=keep):
        if lib.ek_norm_forward(plan, 0, ctypes.byref(args), err) != 0:
            sys.exit(err.raw[4:].split(b"\0")[0].decode())

    def backward():
        if lib.ek_norm_backward(plan, ctypes.byref(args), err) != 0:
            sys.exit(err.raw[4:].split(b"\0")[0].decode())

    return forward, backward, keep


def theirs(torch, kind, dims, groups, x, dy, scale, bias):
    """PyTorch, with running statistics off, and gradients of x, scale and bias."""
    xg, sg, bg = (t.clone().requires_grad_() for t in (x, scale, bias))
    f = torch.nn.functional
    call = {"batch": lambda a, s, b: f.batch_norm(a, None, None, s, b, training=True),
            "layer": lambda a, s, b: f.layer_norm(a, dims[-1:], s, b),
            "group": lambda a, s, b: f.group_norm(a, groups, s, b)}[kind]

    def forward():
        with torch.no_grad():
            call(x, scale, bias)

    graph = call(xg, sg, bg)
    return forward, lambda: torch.autograd.grad(graph, (xg, sg, bg), dy, retain_graph=True), graph


def seconds(call):
    began = time.perf_counter()
    call()
    once = time.perf_counter() - began
    repeats = max(1, int(0.002 / max(once, 1e-7)))
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


# Of the C library: no allocation is a mapping of its own, and none is given back.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_ARENA_MAX": "1"}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if any(os.environ.get(name) != value for name, value in KEEP_MEMORY.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **KEEP_MEMORY})
    try:
        import torch
    except ImportError:
        print("bench_torch.py: skipped, PyTorch is not installed (Debian: python3-torch)")
        return
    torch.set_num_threads(THREADS)
    lib = ctypes.CDLL(sys.argv[1])
    lib.ek_norm_desc_default.restype = Desc
    for name in ("ek_norm_saved_bytes", "ek_norm_workspace_bytes"):
        getattr(lib, name).restype = ctypes.c_size_t
        getattr(lib, name).argtypes = [ctypes.c_void_p]
    print(f"{'case':32}{'phase':10}{'ours us':>10}{'torch us':>10}{'ratio':>8}")
    logs = {}
    for text, kind, dims, groups in read_cases(sys.argv[2:]):
        if kind not in KINDS:
            continue
        width = dims[-1] if kind == "layer" else dims[1]
        x, dy, scale, bias = torch.randn(dims), torch.randn(dims), torch.rand(width) + 0.5, torch.randn(width)
        of, ob, kept = ours(lib, torch, kind, dims, groups, x, dy, scale, bias)
        tf, tb, graph = theirs(torch, kind, dims, groups, x, dy, scale, bias)
        of()
        worst = (kept["y"] - graph.detach()).abs().max().item()
        if not worst < 1e-3:
            sys.exit(f"{text}: results differ by {worst}")
        for phase, mine, other in (("training", of, tf), ("backward", ob, tb)):
            rounds = [(seconds(mine), seconds(other)) for _ in range(ROUNDS)]
            ratio = statistics.median(b / a for a, b in rounds)
            a, b = (statistics.median(r[i] for r in rounds) * 1e6 for i in (0, 1))
            print(f"{text:32}{phase:10}{a:10.1f}{b:10.1f}{ratio:8.2f}")
            logs.setdefault((kind, phase), []).append(math.log(ratio))
    for (kind, phase), values in logs.items():
        print(f"geometric mean, {kind} {phase}: {math.exp(statistics.mean(values)):.2f} x PyTorch")


if __name__ == "__main__":
    main()
