# Card 15: in a deep stack without skips, batch norm makes the gradient grow by about a fifth per layer.
import torch
from torch import nn

torch.manual_seed(0)
width, depth = 256, 24
layers = [[nn.Linear(width, width, bias=False), nn.BatchNorm1d(width), nn.ReLU()] for _ in range(depth)]
for layer in layers:
    nn.init.normal_(layer[0].weight, std=(2 / width) ** 0.5)
x = torch.randn(256, width, requires_grad=True)
y = nn.Sequential(*sum(layers, []))(x)
slope = torch.randn_like(y)
y.backward(slope)
growth = (x.grad.norm() / slope.norm()) ** (1 / depth)
print(growth)  # near 1.21, the square root of pi / (pi - 1)
assert 1.15 < growth < 1.27
