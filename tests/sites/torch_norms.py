"""torch_norms.py FOLDER: norms as PyTorch itself exports them, with what each is and what PyTorch computes in float64.

FOLDER/cases.json lists them: the file, the sites that should be found in it (a twin has none), inputs, results. A spelling
that is met here for the first time belongs into site_families.c too, which the gate runs without PyTorch.
"""
import json
import sys
import warnings

try:
    import torch
    import torch.nn as nn
    import torch.nn.functional as F
    import torch.onnx.utils
except ImportError:
    print("skipped: PyTorch (python3-torch) is not installed")
    sys.exit(77)

warnings.filterwarnings("ignore")
folder = sys.argv[1]
cases, refused = [], []
EVAL, TRAIN, KEEP = torch.onnx.TrainingMode.EVAL, torch.onnx.TrainingMode.TRAINING, torch.onnx.TrainingMode.PRESERVE
OPSETS = (9, 11, 12, 13, 14, 15, 16, 17)


def numbers(tensor):
    return None if tensor is None else [float(v) for v in tensor.detach().double().flatten()]


def norm(kind, axes=None, epsilon=1e-5, scale=None, bias=None, mean=None, variance=None, groups=None, training=False,
         count=1):
    """A site; of what is None nothing is expected."""
    parameters = {"scale": scale, "bias": bias, "mean": mean, "variance": variance}
    return {"kind": kind, "axes": axes, "epsilon": epsilon, "groups": groups, "training": training, "count": count,
            "parameters": {k: numbers(v) for k, v in parameters.items() if v is not None}}


def randomize(module):
    """Parameters and running statistics that hide nothing."""
    for name, p in list(module.named_parameters()) + list(module.named_buffers()):
        if not p.dtype.is_floating_point:
            continue
        with torch.no_grad():
            positive = name.endswith(("running_var", "weight"))
            p.copy_(torch.rand(p.shape) + 0.5 if positive and p.dim() <= 3 else 0.3 * torch.randn(p.shape))
    return module


def as_lists(tensor):
    return {"dims": list(tensor.shape), "half": tensor.dtype == torch.float16, "data": numbers(tensor)}


def add(name, module, inputs, norms, opset, script=False, half=False, training=EVAL, exact=None, **options):
    """norms: sites, or a function that makes them of the module; [] = a twin."""
    torch.manual_seed(len(cases) + len(name))
    randomize(module)
    module.train(training == TRAIN)
    inputs = [v if v.dim() == 0 else v * 2 + 0.5 if v.dtype.is_floating_point else v for v in inputs]
    with torch.no_grad():
        result = module.double()(*[v.double() if v.dtype.is_floating_point else v for v in inputs])
    module.float()
    results = list(result) if isinstance(result, tuple) else [result]
    names = [f"x{i}" if i else "x" for i in range(len(inputs))]
    file = f"{folder}/{len(cases):03d}.onnx"
    if half:
        module, inputs = module.half(), [v.half() for v in inputs]
    sites = norms(module) if callable(norms) else norms
    target = torch.jit.script(module) if script or half else module
    real = torch.onnx.utils._get_example_outputs
    if half:  # of most layers the CPU has no half-precision kernel, but exporting a script runs none
        torch.onnx.utils._get_example_outputs = lambda *_: [r.half() for r in results]
    try:
        torch.onnx.export(target, tuple(inputs), file, opset_version=opset, input_names=names, training=training,
                          **options)
    except Exception as error:  # an opset that lacks the operator
        refused.append(f"{name}, opset {opset}: {str(error).splitlines()[0][:100]}")
        return
    finally:
        torch.onnx.utils._get_example_outputs = real
    cases.append({"label": f"{name}, opset {opset}", "file": file, "sites": sites, "half": half,
                  "inputs": {n: as_lists(v) for n, v in zip(names, inputs)},
                  "results": [as_lists(r) for r in results]})


def over(shape):
    return torch.randn(shape)


# ---- layers of PyTorch ----

def layer(shape, given, affine=True, epsilon=1e-5, alternatives=("layer",)):
    module = nn.Sequential(nn.LayerNorm(given, eps=epsilon, elementwise_affine=affine))
    axes = list(range(len(shape) - len(given), len(shape)))
    return module, [over(shape)], lambda m: [norm(list(alternatives), axes, epsilon, m[0].weight, m[0].bias)]


def group(shape, groups, affine=True, epsilon=1e-5):
    module = nn.Sequential(nn.GroupNorm(groups, shape[1], eps=epsilon, affine=affine))
    return module, [over(shape)], lambda m: [
        norm(["group", "instance"], list(range(1, len(shape))) if groups < shape[1] else None, epsilon, m[0].weight,
             m[0].bias, groups=groups)]


def batch(shape, epsilon=1e-5, training=False, **options):
    make = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[len(shape)]
    module = nn.Sequential(make(shape[1], eps=epsilon, **options))
    axes = [i for i in range(len(shape)) if i != 1]
    return module, [over(shape)], lambda m: [
        norm(["batch"], axes, epsilon, m[0].weight, m[0].bias, None if training else m[0].running_mean,
             None if training else m[0].running_var, training=training)]


def instance(shape, epsilon=1e-5, **options):
    make = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}[len(shape)]
    module = nn.Sequential(make(shape[1], eps=epsilon, **options))
    tracked = options.get("track_running_stats", False)
    axes = list(range(2, len(shape)))
    return module, [over(shape)], lambda m: [
        norm(["batch"] if tracked else ["instance"], None if tracked else axes, epsilon,
             *(each(m[0].weight, shape[0], tracked), each(m[0].bias, shape[0], tracked)))]


def each(parameter, examples, tracked):
    """Running statistics in an instance norm: PyTorch writes a batch norm of all channels of all examples."""
    return parameter.repeat(examples) if tracked and parameter is not None else parameter


def layers():
    for opset in OPSETS:
        add("LayerNorm of a row", *layer((2, 5, 12), (12,)), opset)
        add("LayerNorm of two axes", *layer((3, 4, 6), (4, 6)), opset)
        add("LayerNorm of an image", *layer((2, 3, 4, 5), (3, 4, 5), epsilon=1e-3), opset)
        add("LayerNorm, no affine", *layer((2, 5, 12), (12,), affine=False), opset)
        add("LayerNorm of height and width, no affine",
            *layer((2, 3, 4, 5), (4, 5), affine=False, alternatives=("layer", "instance")), opset)
        add("LayerNorm of height and width", *layer((2, 3, 4, 5), (4, 5)), opset)
        add("GroupNorm", *group((2, 6, 4, 5), 3), opset)
        add("GroupNorm, no affine", *group((2, 6, 4, 5), 2, affine=False), opset)
        add("GroupNorm of sequences", *group((2, 6, 7), 2, epsilon=1e-3), opset)
        add("GroupNorm of volumes", *group((2, 6, 3, 4, 5), 3), opset)
        add("GroupNorm of one group", *group((2, 6, 4, 5), 1), opset)
        add("GroupNorm of single channels", *group((2, 6, 4, 5), 6), opset)
        add("InstanceNorm1d", *instance((2, 6, 7)), opset)
        add("InstanceNorm2d, affine", *instance((2, 6, 4, 5), affine=True), opset)
        add("InstanceNorm3d, affine", *instance((2, 6, 3, 4, 5), affine=True, epsilon=1e-3), opset)
        add("InstanceNorm2d with running statistics", *instance((2, 6, 4, 5), affine=True, track_running_stats=True),
            opset)
        for shape in ((4, 6), (2, 6, 7), (2, 6, 4, 5), (2, 6, 3, 4, 5)):
            add(f"BatchNorm of {len(shape)} axes", *batch(shape), opset)
        add("BatchNorm2d, no affine", *batch((2, 6, 4, 5), affine=False, epsilon=1e-3), opset)
        add("BatchNorm2d, momentum None", *batch((2, 6, 4, 5), momentum=None), opset)
        add("BatchNorm2d in training mode", *batch((4, 6, 4, 5), training=True), opset, training=TRAIN)
        add("BatchNorm2d as it is", *batch((4, 6, 4, 5)), opset, training=KEEP)
        add("BatchNorm2d without statistics", *batch((4, 6, 4, 5), training=True, track_running_stats=False), opset)


def ways_of_exporting():
    for opset in (9, 12, 13, 15, 17):
        for folding in (True, False):
            options = {"do_constant_folding": folding}
            add(f"LayerNorm, folding {folding}", *layer((2, 5, 12), (12,)), opset, **options)
            add(f"GroupNorm, folding {folding}", *group((2, 6, 4, 5), 3), opset, **options)
            add(f"GroupNorm, weights as inputs, folding {folding}", *group((2, 6, 4, 5), 3), opset,
                keep_initializers_as_inputs=True, **options)
            add(f"LayerNorm, weights as inputs, folding {folding}", *layer((2, 5, 12), (12,)), opset,
                keep_initializers_as_inputs=True, **options)
        open_batch = {"dynamic_axes": {"x": {0: "N"}}}
        open_image = {"dynamic_axes": {"x": {0: "N", 2: "H", 3: "W"}}}
        add("GroupNorm, any batch", *group((2, 6, 4, 5), 3), opset, **open_batch)
        add("GroupNorm, any image", *group((2, 6, 4, 5), 3), opset, **open_image)
        add("GroupNorm, any image, no folding", *group((2, 6, 4, 5), 3), opset, do_constant_folding=False, **open_image)
        add("GroupNorm, any image, no affine", *group((2, 6, 4, 5), 3, affine=False), opset, **open_image)
        add("InstanceNorm2d, any image", *instance((2, 6, 4, 5)), opset, **open_image)
        add("LayerNorm, any rows", *layer((2, 5, 12), (12,)), opset, dynamic_axes={"x": {0: "N", 1: "T"}})
        add("LayerNorm as a script", *layer((2, 5, 12), (12,)), opset, script=True)
        add("BatchNorm2d as a script", *batch((2, 6, 4, 5)), opset, script=True)
        add("GroupNorm as a script", *group((2, 6, 4, 5), 3), opset, script=True)
        add("InstanceNorm2d as a script", *instance((2, 6, 4, 5), affine=True), opset, script=True)
        add("LayerNorm, fallback", *layer((2, 5, 12), (12,)), opset,
            operator_export_type=torch.onnx.OperatorExportTypes.ONNX_ATEN_FALLBACK)
        add("LayerNorm in half precision", *layer((2, 5, 12), (12,)), opset, half=True)
        add("LayerNorm in half precision, no affine", *layer((2, 5, 12), (12,), affine=False), opset, half=True)
        add("GroupNorm in half precision", *group((2, 6, 4, 5), 3), opset, half=True)
        add("InstanceNorm2d in half precision", *instance((2, 6, 4, 5), affine=True), opset, half=True)
        add("BatchNorm2d in half precision", *batch((2, 6, 4, 5)), opset, half=True)
        if opset >= 15:
            for make, what in ((layer((2, 5, 12), (12,)), nn.LayerNorm), (group((2, 6, 4, 5), 3), nn.GroupNorm),
                               (batch((2, 6, 4, 5)), nn.BatchNorm2d)):
                module, inputs, sites = make
                add(f"{what.__name__} as a function", module, inputs, lambda m, s=sites: without_numbers(s(m)), opset,
                    export_modules_as_functions={what})


def without_numbers(sites):
    """In a function the parameters are its caller's."""
    return [{**s, "parameters": {}, "epsilon": None, "axes": None} for s in sites]


# ---- layers that models write themselves ----

class T5Norm(nn.Module):
    def __init__(self, width, epsilon=1e-6):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(width)), epsilon

    def forward(self, x):
        variance = x.to(torch.float32 if x.dtype != torch.float64 else x.dtype).pow(2).mean(-1, keepdim=True)
        x = x * torch.rsqrt(variance + self.epsilon)
        if self.weight.dtype in [torch.float16, torch.bfloat16]:
            x = x.to(self.weight.dtype)
        return self.weight * x


class LlamaNorm(T5Norm):
    def forward(self, x):
        kept = x.dtype
        y = x.to(torch.float32 if kept != torch.float64 else kept)
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return self.weight * y.to(kept)


class MetaNorm(T5Norm):  # as in LLaMA's first release: the product is cast
    def forward(self, x):
        y = x.float() if x.dtype != torch.float64 else x
        y = (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.epsilon)).type_as(x)
        return y * self.weight


class GemmaNorm(T5Norm):
    def forward(self, x):
        y = x.float() if x.dtype != torch.float64 else x
        y = y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return (y * (1.0 + self.weight)).type_as(x)


class RootNorm(T5Norm):  # by norm(): sqrt(sum of squares), as RMSNorm's authors have it, epsilon outside
    def forward(self, x):
        rms = x.norm(2, dim=-1, keepdim=True) * x.shape[-1] ** -0.5
        return self.weight * (x / (rms + self.epsilon))


class DividedNorm(T5Norm):
    def forward(self, x):
        return x / torch.sqrt(torch.mean(x * x, dim=-1, keepdim=True) + self.epsilon) * self.weight


class ChannelNorm(nn.Module):  # ConvNeXt's, channels first
    def __init__(self, width, epsilon=1e-6):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.epsilon = epsilon

    def forward(self, x):
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + self.epsilon)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class BertNorm(ChannelNorm):  # TensorFlow style, epsilon within the root
    def forward(self, x):
        u = x.mean(-1, keepdim=True)
        s = (x - u).pow(2).mean(-1, keepdim=True)
        x = (x - u) / torch.sqrt(s + self.epsilon)
        return self.weight * x + self.bias


class VarNorm(ChannelNorm):
    def forward(self, x):
        y = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + self.epsilon)
        return y * self.weight + self.bias


class RsqrtNorm(ChannelNorm):
    def forward(self, x):
        var, mean = torch.var_mean(x, dim=-1, keepdim=True, unbiased=False)
        return (x - mean) * torch.rsqrt(var + self.epsilon) * self.weight + self.bias


class RawNorm(ChannelNorm):
    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        var = (x * x).mean(-1, keepdim=True) - mean * mean
        return (x - mean) * (var + self.epsilon) ** -0.5 * self.weight + self.bias


class StdNorm(ChannelNorm):  # of the Annotated Transformer: unbiased, epsilon outside
    def forward(self, x):
        return self.weight * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + self.epsilon) + self.bias


class UnbiasedNorm(ChannelNorm):
    def forward(self, x):
        y = (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True) + self.epsilon)
        return y * self.weight + self.bias


class SpatialNorm(ChannelNorm):  # instance norm
    def forward(self, x):
        mean, var = x.mean((2, 3), keepdim=True), x.var((2, 3), keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.epsilon)
        return y * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class GroupsNorm(ChannelNorm):  # as TensorFlow's authors have it
    def forward(self, x):
        n, c, h, w = x.shape
        y = x.view(n, 3, c // 3, h, w)
        mean, var = y.mean((2, 3, 4), keepdim=True), y.var((2, 3, 4), keepdim=True, unbiased=False)
        y = (y - mean) / torch.sqrt(var + self.epsilon)
        return y.view(n, c, h, w) * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)


class GlobalNorm(ChannelNorm):  # GRN of ConvNeXt V2: none of ours
    def forward(self, x):
        g = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        return self.weight * (x * (g / (g.mean(dim=-1, keepdim=True) + self.epsilon))) + self.bias + x


class FrozenNorm(nn.Module):  # torchvision's FrozenBatchNorm2d
    def __init__(self, width, epsilon=1e-5):
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        w, b = self.weight.reshape(1, -1, 1, 1), self.bias.reshape(1, -1, 1, 1)
        v, m = self.running_var.reshape(1, -1, 1, 1), self.running_mean.reshape(1, -1, 1, 1)
        scale = w * (v + self.epsilon).rsqrt()
        return x * scale + (b - m * scale)


class RunningNorm(FrozenNorm):
    def forward(self, x):
        w, b = self.weight.reshape(1, -1, 1, 1), self.bias.reshape(1, -1, 1, 1)
        v, m = self.running_var.reshape(1, -1, 1, 1), self.running_mean.reshape(1, -1, 1, 1)
        return (x - m) / torch.sqrt(v + self.epsilon) * w + b


class StandardConv(nn.Conv2d):
    def forward(self, x):
        w = self.weight
        mean = w.mean((1, 2, 3), keepdim=True)
        var = w.var((1, 2, 3), keepdim=True, unbiased=False)
        return F.conv2d(x, (w - mean) / torch.sqrt(var + 1e-5), self.bias, self.stride, self.padding)


class BitConv(nn.Conv2d):  # as BiT has it
    def forward(self, x):
        v, m = torch.var_mean(self.weight, dim=[1, 2, 3], keepdim=True, unbiased=False)
        return F.conv2d(x, (self.weight - m) / torch.sqrt(v + 1e-10), self.bias)


class TimmConv(nn.Conv2d):  # as timm has it
    def forward(self, x):
        w = F.batch_norm(self.weight.reshape(1, self.out_channels, -1), None, None, training=True, momentum=0.0,
                         eps=1e-6).reshape_as(self.weight)
        return F.conv2d(x, w, self.bias)


class PaperConv(nn.Conv2d):  # weight standardization's authors: the unbiased deviation of the flat rows, epsilon outside
    def forward(self, x):
        w = self.weight
        w = w - w.mean(dim=1, keepdim=True).mean(dim=2, keepdim=True).mean(dim=3, keepdim=True)
        std = w.view(w.size(0), -1).std(dim=1).view(-1, 1, 1, 1) + 1e-5
        return F.conv2d(x, w / std.expand_as(w), self.bias)


class Call(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x):
        return self.call(x)


def rows(make, kind="rms", **more):
    module = nn.Sequential(make(12, **more))
    bias = lambda m: getattr(m[0], "bias", None)
    scale = lambda m: 1 + m[0].weight if make is GemmaNorm else m[0].weight
    return module, [over((2, 5, 12))], lambda m: [norm([kind], [2], m[0].epsilon, scale(m), bias(m))]


def image(make, kind, axes, groups=None):
    return nn.Sequential(make(6)), [over((2, 6, 4, 5))], lambda m: [
        norm([kind], axes, m[0].epsilon, m[0].weight, m[0].bias, groups=groups)]


def written():
    for opset in (9, 11, 13, 16, 17):
        for make in (T5Norm, LlamaNorm, MetaNorm, GemmaNorm, DividedNorm):
            for folding in (True, False):
                add(f"{make.__name__}, folding {folding}", *rows(make), opset, do_constant_folding=folding)
            if make is not DividedNorm:
                add(f"{make.__name__} in half precision", *rows(make), opset, half=True)
        add("T5Norm, any rows", *rows(T5Norm), opset, dynamic_axes={"x": {0: "N", 1: "T"}})
        for make in (BertNorm, VarNorm, RsqrtNorm, RawNorm):
            add(make.__name__, *rows(make, "layer"), opset)
        add("ChannelNorm", *image(ChannelNorm, "layer", [1]), opset)
        add("ChannelNorm, any image", *image(ChannelNorm, "layer", [1]), opset,
            dynamic_axes={"x": {0: "N", 2: "H", 3: "W"}})
        add("SpatialNorm", *image(SpatialNorm, "instance", [2, 3]), opset)
        add("GroupsNorm", *image(GroupsNorm, "group", [1, 2, 3], 3), opset)
        add("GroupsNorm, any image", *image(GroupsNorm, "group", [1, 2, 3], 3), opset,
            dynamic_axes={"x": {0: "N", 2: "H", 3: "W"}})
        for folding in (True, False):
            add(f"FrozenNorm behind a convolution, folding {folding}", nn.Sequential(nn.Conv2d(3, 6, 3), FrozenNorm(6)),
                [over((2, 3, 6, 6))], frozen, opset, do_constant_folding=folding)
            add(f"RunningNorm behind a convolution, folding {folding}",
                nn.Sequential(nn.Conv2d(3, 6, 3), RunningNorm(6)), [over((2, 3, 6, 6))],
                lambda m: [norm(["batch", "affine"], None, None)], opset, do_constant_folding=folding)
        for make, epsilon in ((StandardConv, 1e-5), (BitConv, 1e-10), (TimmConv, 1e-6)):
            add(make.__name__, nn.Sequential(make(3, 6, 3)), [over((2, 3, 6, 6))],
                [norm(["weight"], [1, 2, 3], epsilon)], opset, do_constant_folding=False)
        add("functional layer norm", Call(lambda x: F.layer_norm(x, (12,), None, None, 1e-3)), [over((2, 5, 12))],
            [norm(["layer"], [2], 1e-3)], opset)
        add("functional group norm", Call(lambda x: F.group_norm(x, 2)), [over((2, 6, 4, 4))],
            [norm(["group"], [1, 2, 3], groups=2)], opset)
        add("functional instance norm", Call(lambda x: F.instance_norm(x)), [over((2, 6, 4, 4))],
            [norm(["instance"], [2, 3])], opset)


def frozen(m):
    scale = m[1].weight * (m[1].running_var + m[1].epsilon).rsqrt()
    return [norm(["affine", "batch"], None, None)]


# ---- whole models ----

class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a, self.b = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.n, self.m = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(x + self.m(self.b(F.relu(self.n(self.a(x))))))


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.c, self.g, self.d, self.i = nn.Conv2d(3, 6, 3), nn.GroupNorm(3, 6), nn.Conv2d(6, 6, 3), nn.InstanceNorm2d(6)
        self.l, self.o = nn.LayerNorm(6), nn.Linear(6, 4)

    def forward(self, x):
        x = self.i(self.d(F.silu(self.g(self.c(x)))))
        return self.o(self.l(x.flatten(2).transpose(1, 2)))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.n, self.a, self.b = nn.LayerNorm(12), nn.Linear(12, 12), nn.Linear(12, 12)

    def forward(self, x):
        return self.n(self.b(self.n(self.a(x))))


class Chosen(nn.Module):
    def __init__(self):
        super().__init__()
        self.n, self.m = nn.LayerNorm(12), nn.LayerNorm(12)

    def forward(self, x):
        if x.sum() > 0:
            y = self.n(x)
        else:
            y = self.m(x) * 2
        return y


class Looped(nn.Module):
    def __init__(self):
        super().__init__()
        self.n = nn.LayerNorm(12)

    def forward(self, x, times: torch.Tensor):
        for _ in range(int(times)):
            x = self.n(x) + 1
        return x


def models():
    for opset in (9, 11, 13, 15, 17):
        add("residual block", nn.Sequential(Block(6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)),
            [over((2, 6, 5, 5))], lambda m: [norm(["batch"], [0, 2, 3], count=2)], opset, training=KEEP)
        add("residual block in training mode", Block(6), [over((4, 6, 5, 5))],
            lambda m: [norm(["batch"], [0, 2, 3], training=True, count=2)], opset, training=TRAIN,
            do_constant_folding=False)
        add("group, instance and layer norm", Mixed(), [over((2, 3, 9, 9))],
            lambda m: [norm(["group"], [1, 2, 3], 1e-5, m.g.weight, m.g.bias, groups=3), norm(["instance"], [2, 3]),
                       norm(["layer"], [2], 1e-5, m.l.weight, m.l.bias)], opset)
        encoder = nn.TransformerEncoderLayer(12, 2, 24, dropout=0.0, batch_first=True)
        add("encoder layer", encoder, [over((2, 5, 12))],
            lambda m: [norm(["layer"], [2], 1e-5, m.norm1.weight, m.norm1.bias),
                       norm(["layer"], [2], 1e-5, m.norm2.weight, m.norm2.bias)], opset, training=KEEP_TRAIN(encoder))
        add("one layer norm read twice", Tied(), [over((2, 5, 12))],
            lambda m: [norm(["layer"], [2], 1e-5, m.n.weight, m.n.bias, count=2)], opset)
        if opset >= 11:
            add("layer norms in branches", Chosen(), [over((2, 5, 12))],
                lambda m: [norm(["layer"], None, count=2)], opset, script=True)
            add("layer norm in a loop", Looped(), [over((2, 5, 12)), torch.tensor(3)],
                lambda m: [norm(["layer"], None)], opset, script=True)


def KEEP_TRAIN(module):
    """The fast path of an encoder layer in inference has no export; without dropout training is the same."""
    return TRAIN


# ---- what is none of ours ----

def twins():
    for opset in (9, 11, 13, 16, 17):
        for make in (StdNorm, UnbiasedNorm):
            add(f"{make.__name__}, a twin", nn.Sequential(make(12)), [over((2, 5, 12))], [], opset)
        add("RootNorm, a twin", nn.Sequential(RootNorm(12)), [over((2, 5, 12))], [], opset)
        add("GlobalNorm, a twin", nn.Sequential(GlobalNorm(6)), [over((2, 4, 5, 6))], [], opset)
        add("LocalResponseNorm, a twin", nn.LocalResponseNorm(3), [over((2, 6, 4, 5))], [], opset)
        add("weight_norm, a twin", nn.utils.weight_norm(nn.Conv2d(3, 6, 3)), [over((2, 3, 6, 6))], [], opset,
            do_constant_folding=False)
        add("spectral_norm, a twin", nn.utils.spectral_norm(nn.Linear(12, 6)), [over((2, 12))], [], opset,
            do_constant_folding=False)
        add("PaperConv, a twin", PaperConv(3, 6, 3), [over((2, 3, 6, 6))], [], opset, do_constant_folding=False)
        for name, call in (
                ("normalize", lambda x: F.normalize(x, dim=-1)),
                ("softmax", lambda x: F.softmax(x, -1)),
                ("cosine", lambda x: F.cosine_similarity(x, x * 2 + 1, dim=-1)),
                ("centred", lambda x: x - x.mean(-1, keepdim=True)),
                ("variance of another axis", lambda x: (x - x.mean(-1, keepdim=True)) /
                 torch.sqrt((x - x.mean(-1, keepdim=True)).pow(2).mean(1, keepdim=True) + 1e-5)),
                ("range", lambda x: (x - x.amin(-1, keepdim=True)) / (x.amax(-1, keepdim=True) - x.amin(-1, keepdim=True))),
                ("absolute deviation", lambda x: (x - x.mean(-1, keepdim=True)) /
                 ((x - x.mean(-1, keepdim=True)).abs().mean(-1, keepdim=True) + 1e-5)),
                ("sum of squares", lambda x: x * torch.rsqrt(x.pow(2).sum(-1, keepdim=True) + 1e-5)),
                ("root of the square", lambda x: x / (x.pow(2).mean(-1, keepdim=True) + 1e-5)),
                ("added twice", lambda x: (x - x.mean(-1, keepdim=True)) * torch.rsqrt(
                    (x + x.mean(-1, keepdim=True)).pow(2).mean(-1, keepdim=True) + 1e-5)),
                ("moments over the batch of a row", lambda x: (x - x.mean(0, keepdim=True)) / torch.sqrt(
                    (x - x.mean(0, keepdim=True)).pow(2).mean((0, 2), keepdim=True) + 1e-5)),
                ("clamped", lambda x: (x - x.mean(-1, keepdim=True)) / torch.sqrt(
                    x.var(-1, keepdim=True, unbiased=False).clamp(min=1e-5)))):
            add(f"{name}, a twin", Call(call), [over((2, 5, 12))], [], opset)

        class Peeped(nn.Module):  # what is within is an output too
            def forward(self, x):
                d = x - x.mean(-1, keepdim=True)
                return d / torch.sqrt(d.pow(2).mean(-1, keepdim=True) + 1e-5), d

        add("a value within is read, a twin", Peeped(), [over((2, 5, 12))], [], opset)


for part in (layers, ways_of_exporting, written, models, twins):
    part()
with open(f"{folder}/cases.json", "w") as out:
    json.dump({"cases": cases, "refused": refused}, out)
twins_made = sum(not c["sites"] for c in cases)
print(f"{len(cases) - twins_made} models with norms, {twins_made} twins; PyTorch refused {len(refused)}")
