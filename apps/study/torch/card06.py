# Card 6: gamma and beta can undo the norm; a bias in front of it has no gradient.
import torch

torch.manual_seed(0)
x, norm = 3 + 2 * torch.randn(64, 4), torch.nn.BatchNorm1d(4)
with torch.no_grad():
    norm.weight.copy_((x.var(0, unbiased=False) + norm.eps).sqrt())
    norm.bias.copy_(x.mean(0))
assert torch.allclose(norm(x), x, atol=1e-4)
linear = torch.nn.Linear(4, 4)
(norm(linear(x)) * torch.randn(64, 4)).sum().backward()
print(linear.bias.grad.abs().max(), norm.weight.grad.abs().max())  # rounding; not 0
assert linear.bias.grad.abs().max() < 1e-3 * norm.weight.grad.abs().max()
