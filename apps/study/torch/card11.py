# Card 11: the noise that batch mates put on a result has a variance that falls like 1/n.
import torch

torch.manual_seed(0)
norm, image = torch.nn.BatchNorm1d(1, affine=False), torch.ones(1, 1)


def variance(n):
    return torch.stack([norm(torch.cat([image, torch.randn(n - 1, 1)]))[0] for _ in range(2000)]).var().item()


few, many = variance(16), variance(256)
print(few, many, few / many)  # about 16 times
assert 11 < few / many < 23
