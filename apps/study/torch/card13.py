# Card 13: freezing the gradients does not freeze the statistics; eval() does.
import torch

torch.manual_seed(0)
norm = torch.nn.BatchNorm2d(4)
for p in norm.parameters():
    p.requires_grad = False
before = norm.running_mean.clone()
norm(5 + torch.randn(2, 4, 6, 6))
print((norm.running_mean - before).abs().max())  # the classic mistake: they moved
assert (norm.running_mean - before).abs().max() > 0.1
norm.eval()
before = norm.running_mean.clone()
norm(5 + torch.randn(2, 4, 6, 6))
assert torch.equal(norm.running_mean, before)
