# Card 4: one value per channel gives beta, two give the sign, accumulation does not enlarge the batch.
import torch

torch.manual_seed(0)
norm, x = torch.nn.BatchNorm1d(4, affine=False), 5 * torch.randn(2, 4)
print(norm(x))  # plus and minus 1, whatever x is
assert torch.allclose(norm(x).abs(), torch.ones(2, 4), atol=0.01)
try:
    norm(x[:1])
    raise AssertionError
except ValueError as error:  # PyTorch refuses; elsewhere the result is beta
    print(error)
x = torch.randn(32, 4)
whole, halves = norm(x), torch.cat([norm(x[:16]), norm(x[16:])])
print((whole - halves).abs().max())
assert (whole - halves).abs().max() > 0.01
