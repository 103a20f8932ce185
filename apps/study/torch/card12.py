# Card 12: in evaluation batch norm is a fixed scale and shift, for one image or a thousand.
import torch

torch.manual_seed(0)
norm, x = torch.nn.BatchNorm2d(4), torch.randn(1000, 4, 6, 6)
for _ in range(20):
    norm(1 + 2 * torch.randn(64, 4, 6, 6))
norm.eval()
assert torch.equal(norm(x), torch.cat([norm(one) for one in x.split(1)]))
a = norm.weight / (norm.running_var + norm.eps).sqrt()
b = norm.bias - a * norm.running_mean
assert torch.allclose(norm(x), a[:, None, None] * x + b[:, None, None], atol=1e-5)
