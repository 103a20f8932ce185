"""declared.py: files that declare huge, empty or open shapes. Written field by field, so that nothing but Python is needed."""
import gzip
import struct
import zlib

FLOAT, INT64 = 1, 7


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def piece(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def tensor(name, dims, values, kind=FLOAT):
    raw = struct.pack(f"<{len(values)}{'f' if kind == FLOAT else 'q'}", *values)
    return b"".join(number(1, d) for d in dims) + number(2, kind) + piece(8, name) + piece(9, raw)


def declared(name, dims, kind=FLOAT):
    shape = b"".join(piece(1, piece(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return piece(1, name) + piece(2, piece(1, number(1, kind) + piece(2, shape)))


def attribute(name, value):
    if isinstance(value, bytes):
        return piece(1, name) + piece(6, value) + number(20, 5)
    if isinstance(value, str):
        return piece(1, name) + piece(4, value) + number(20, 3)
    if isinstance(value, int):
        return piece(1, name) + number(3, value) + number(20, 2)
    return piece(1, name) + b"".join(number(8, v) for v in value) + number(20, 7)


def node(kind, inputs, outputs, **attributes):
    return (b"".join(piece(1, i) for i in inputs) + b"".join(piece(2, o) for o in outputs) + piece(3, f"the_{kind}") +
            piece(4, kind) + b"".join(piece(5, attribute(k, v)) for k, v in attributes.items()))


def graph(nodes, inputs, outputs, weights=()):
    return (b"".join(piece(1, n) for n in nodes) + piece(2, "g") + b"".join(piece(5, w) for w in weights) +
            b"".join(piece(11, i) for i in inputs) + b"".join(piece(12, o) for o in outputs))


def model(*parts, opset=17):
    return number(1, 8) + piece(7, graph(*parts)) + piece(8, piece(1, "") + number(2, opset))


def norm_weights(channels):
    return [tensor(n, [channels], [v] * channels) for n, v in (("s", 1), ("b", 0), ("m", 0), ("v", 1))]


def norm(given, result):
    return node("BatchNormalization", [given, "s", "b", "m", "v"], [result])


def classes(given):
    """From any number of rows of 4 channels to 10 classes."""
    return ([node("GlobalAveragePool", [given], ["p"]), node("Flatten", ["p"], ["f"]), node("Gemm", ["f", "w", "c"], ["y"])],
            [tensor("w", [4, 10], [0.1] * 40), tensor("c", [10], [0] * 10)])


def network(dims, channels=1):
    """Convolution, norm, ReLU and a head, whose input is declared as `dims`."""
    tail, weights = classes("r")
    kernel = tensor("k", [4, channels, 3, 3], [0.1] * (36 * channels))
    return model([node("Conv", ["x", "k"], ["a"], pads=[1, 1, 1, 1]), norm("a", "n"), node("Relu", ["n"], ["r"])] + tail,
                 [declared("x", dims)], [declared("y", ["N", 10])], [kernel] + norm_weights(4) + weights)


def behind(kind, dims, channels, inputs=(), weights=(), opset=17, **attributes):
    """A node whose attributes or constants ask for a large result, and a norm behind it."""
    return model([node(kind, ["x", *inputs], ["a"], **attributes), norm("a", "y")], [declared("x", dims)],
                 [declared("y", [f"d{i}" for i in range(4)])], [*weights, *norm_weights(channels)], opset=opset)


def ints(name, values):
    return tensor(name, [len(values)], values, INT64)


def many_inputs(count, dims):
    names = [f"x{i}" for i in range(count)]
    return model([node("Sum", names, ["a"]), norm("a", "y")], [declared(n, dims) for n in names],
                 [declared("y", dims)], norm_weights(4))


def nested(dims):
    branch = graph([node("Identity", ["x"], ["t"])], [], [declared("t", dims)])
    return model([node("If", ["q"], ["a"], then_branch=branch, else_branch=branch), norm("a", "y")],
                 [declared("x", dims), declared("q", [], 9)], [declared("y", dims)], norm_weights(4))


def looped(dims):
    body = graph([node("Identity", ["go"], ["on"]), node("Concat", ["t", "t"], ["u"], axis=0)],
                 [declared("i", [], INT64), declared("go", [], 9), declared("t", ["A", 4, 2, 2])],
                 [declared("on", [], 9), declared("u", ["B", 4, 2, 2])])
    return model([node("Loop", ["trips", "", "x"], ["a"], body=body), norm("a", "y")], [declared("x", dims)],
                 [declared("y", ["N", 4, 2, 2])], [tensor("trips", [], [40], INT64)] + norm_weights(4))


HUGE, LARGE = 1 << 60, 1 << 31

MODELS = {
    "batch_60": network([HUGE, 1, 28, 28]),
    "batch_58": network([1 << 58, 1, 28, 28]),
    "batch_22": network([1 << 22, 1, 28, 28]),
    "batch_max": network([(1 << 63) - 1, 1, 28, 28]),
    "batch_minus": network([-5, 1, 28, 28]),
    "batch_0": network([0, 1, 28, 28]),
    "batch_open": network(["N", 1, 28, 28]),
    "all_open": network(["N", "C", "H", "W"]),
    "channels_31": network(["N", LARGE, 28, 28]),
    "side_31": network(["N", 1, LARGE, LARGE]),
    "side_62": network(["N", 1, 1 << 62, 28]),
    "side_16": network([1, 1, 1 << 16, 1 << 15]),
    "side_0": network(["N", 1, 0, 28]),
    "inputs_16": many_inputs(16, [1 << 8, 4, 512, 512]),
    "inputs_60": many_inputs(60, [1, 4, 4096, 4096]),
    "vector_31": model([node("Relu", ["x"], ["y"])], [declared("x", [LARGE])], [declared("y", [LARGE])]),
    "conv_kernel": behind("Conv", ["N", 4, 8, 8], 4, ["k"], [tensor("k", [4, 4, HUGE, 1], [])]),
    "conv_pads": behind("Conv", [1, 4, 8, 8], 4, ["k"], [tensor("k", [4, 4, 1, 1], [1] * 16)], pads=[1 << 20] * 4),
    "conv_pads_62": behind("Conv", [1, 4, 8, 8], 4, ["k"], [tensor("k", [4, 4, 1, 1], [1] * 16)], pads=[1 << 62] * 4),
    "conv_group": behind("Conv", [1, 4, 8, 8], 4, ["k"], [tensor("k", [4, 4, 1, 1], [1] * 16)], group=HUGE),
    "transpose_stride": behind("ConvTranspose", [1, 4, 8, 8], 4, ["k"], [tensor("k", [4, 4, 1, 1], [1] * 16)],
                               strides=[1 << 24, 1 << 24]),
    "transpose_output": behind("ConvTranspose", [1, 4, 8, 8], 4, ["k"], [tensor("k", [4, 4, 1, 1], [1] * 16)],
                               output_shape=[1 << 30, 1 << 30]),
    "pool_kernel": behind("MaxPool", [1, 4, 8, 8], 4, kernel_shape=[1 << 40, 1], pads=[1 << 39, 0, 1 << 39, 0]),
    "average_pads": behind("AveragePool", [1, 4, 8, 8], 4, kernel_shape=[1 << 20, 1 << 20], pads=[1 << 19] * 4),
    "resize": behind("Resize", [1, 4, 8, 8], 4, ["", "", "z"], [ints("z", [1, 4, 1 << 20, 1 << 20])]),
    "resize_scale": behind("Resize", [1, 4, 8, 8], 4, ["", "z"], [tensor("z", [4], [1, 1, 1e9, 1e9])]),
    "resize_turn": behind("Resize", [1, 4, 1 << 20, 1], 4, ["", "", "z"], [ints("z", [1, 4, 1, 1 << 20])]),
    "expand": behind("Expand", [1, 4, 1, 1], 4, ["z"], [ints("z", [1, 4, 1 << 20, 1 << 20])]),
    "expand_62": behind("Expand", [1, 4, 1, 1], 4, ["z"], [ints("z", [1 << 62, 4, 2, 2])]),
    "tile": behind("Tile", [1, 4, 8, 8], 4, ["z"], [ints("z", [1 << 20, 1, 1 << 10, 1])]),
    "tile_62": behind("Tile", [1, 4, 8, 8], 4, ["z"], [ints("z", [1 << 62, 1, 8, 1])]),
    "pad": behind("Pad", [1, 4, 8, 8], 4, ["z"], [ints("z", [0, 0, 1 << 20, 1 << 20, 0, 0, 0, 0])]),
    "pad_62": behind("Pad", [1, 4, 8, 8], 4, ["z"], [ints("z", [0, 0, 1 << 62, 1 << 62, 0, 0, 1 << 62, 1 << 62])]),
    "reshape": behind("Reshape", [1, 4, 8, 8], 4, ["z"], [ints("z", [1 << 62, 4, 2, 2])]),
    "constant_of": model([node("ConstantOfShape", ["z"], ["a"]), node("Add", ["x", "a"], ["t"]), norm("t", "y")],
                         [declared("x", [1, 4, 1, 1])], [declared("y", [1, 4, 1 << 20, 1 << 20])],
                         [ints("z", [1, 4, 1 << 20, 1 << 20])] + norm_weights(4)),
    "one_hot": model([node("OneHot", ["x", "depth", "two"], ["y"])], [declared("x", [4, 4], INT64)],
                     [declared("y", [4, 4, "D"])], [tensor("depth", [], [1 << 40], INT64), tensor("two", [2], [0, 1])]),
    "outer": model([node("MatMul", ["x", "z"], ["y"])], [declared("x", [1 << 20, 1])], [declared("y", [1 << 20, 1 << 20])],
                   [tensor("z", [1, 1 << 16], [0] * (1 << 16))]),
    "nested": nested([1 << 40, 4, 2, 2]),
    "looped": looped([1, 4, 2, 2]),
    "weight_62": model([node("Add", ["x", "z"], ["y"])], [declared("x", [4])], [declared("y", [4])],
                       [tensor("z", [1 << 62], [1] * 4)]),
    "weight_empty": model([node("Conv", ["x", "z"], ["a"]), norm("a", "y")], [declared("x", [1, 4, 8, 8])],
                          [declared("y", [1, 4, 1, 1])], [tensor("z", [LARGE, 0, LARGE, 1], [])] + norm_weights(4)),
}


def npy(shape, kind="<f4", data=b""):
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def png(width, height, data=b"\0" * 64):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def bmp(width, height):
    return b"BM" + struct.pack("<IHHIIiiHHIIIIII", 58, 0, 0, 54, 40, width, height, 1, 24, 0, 4, 0, 0, 0, 0) + b"\0" * 4


def idx(kind, dims, data=b""):
    return struct.pack(f">BBBB{len(dims)}I", 0, 0, kind, len(dims), *dims) + data


ARRAYS = {
    "npy_60": npy(f"({HUGE}, 1, 28, 28)"),
    "npy_31": npy(f"({LARGE},)"),
    "npy_wraps": npy(f"({1 << 32}, {1 << 32}, 4)"),
    "npy_zero": npy(f"(0, {HUGE}, {HUGE})"),
    "npy_header": b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFF0) + b"{",
    "npy_gz": gzip.compress(npy(f"({1 << 20}, 1, 28, 28)", data=b"\0" * (1 << 20))),
}
IMAGES = {
    "png_31": png((1 << 31) - 1, (1 << 31) - 1),
    "png_16": png(1 << 16, 1 << 16),
    "png_large": png(1 << 14, 1 << 12),
    "bmp_30": bmp(1 << 30, 1 << 30),
}
SETS = {
    "idx_32": (idx(8, [0xFFFFFFFF, 28, 28]), idx(8, [0xFFFFFFFF])),
    "idx_side": (idx(8, [1 << 20, 1 << 20, 1 << 20]), idx(8, [1 << 20])),
    "idx_31": (idx(8, [1 << 31, 1, 1]), idx(8, [1 << 31])),
}
