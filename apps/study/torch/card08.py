# Card 8: batch, height and width together: reordering them changes nothing but the order.
import torch

torch.manual_seed(0)
norm, x = torch.nn.BatchNorm2d(4), torch.randn(8, 4, 5, 6)
flat, order = x.transpose(0, 1).reshape(4, -1), torch.randperm(8 * 5 * 6)
mixed = flat[:, order].reshape(4, 8, 5, 6).transpose(0, 1)
a = norm(x).transpose(0, 1).reshape(4, -1)[:, order]
b = norm(mixed).transpose(0, 1).reshape(4, -1)
print((a - b).abs().max(), sum(p.numel() for p in norm.parameters()))  # rounding; 2C = 8
assert torch.allclose(a, b, atol=1e-5) and sum(p.numel() for p in norm.parameters()) == 8
