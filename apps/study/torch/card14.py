# Card 14: ten times the weights: the same output, a tenth of the gradient, at right angles to the weights.
import torch

torch.manual_seed(0)
x, target, norm = torch.randn(64, 8), torch.randn(64, 4), torch.nn.BatchNorm1d(4, eps=0)


def gradient(w):
    w = w.clone().requires_grad_()
    y = norm(x @ w)
    (y * target).sum().backward()
    return y.detach(), w.grad


w = torch.randn(8, 4)
y, g = gradient(w)
y10, g10 = gradient(10 * w)
print((w * g).sum() / (w.norm() * g.norm()), (g / g10).median())  # 0 and 10
assert torch.allclose(y, y10, atol=1e-4) and torch.allclose(g10, g / 10, atol=1e-4)
assert (w * g).sum().abs() < 1e-4 * w.norm() * g.norm()
