# Card 1: centre and spread of the batch, whatever the scale of the input.
import torch

torch.manual_seed(0)
x = 3 + 7 * torch.randn(64, 8)
norm = torch.nn.BatchNorm1d(8, affine=False)
y = norm(x)
print(y.mean(0).abs().max(), y.var(0, unbiased=False).mean())  # 0 and 1
assert torch.allclose(norm(7 * x), y, atol=1e-4)
small = norm(1e-3 * (x - x.mean(0)) / x.std(0))
print(small.var(0).mean())  # a tenth: v / (v + epsilon), v = 1e-6
assert 0.08 < small.var(0).mean() < 0.12
