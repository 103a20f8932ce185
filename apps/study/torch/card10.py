# Card 10: one group is layer norm, a group per channel instance norm; space is shared, too.
import torch

torch.manual_seed(0)
x = torch.randn(8, 16, 5, 6)
norm = torch.nn.functional.group_norm
assert torch.allclose(norm(x, 1), torch.nn.functional.layer_norm(x, x.shape[1:]), atol=1e-5)
assert torch.allclose(norm(x, 16), torch.nn.functional.instance_norm(x), atol=1e-5)
y = norm(x, 4)[0, :4]
print(y.mean(), y.mean(0).abs().max())  # 0 over the group, not at one place
assert y.mean().abs() < 1e-5 and y.mean(0).abs().max() > 0.1
