# Card 7: PyTorch's momentum is the share replaced; after t steps (1 - momentum)^t of the start is left.
import torch

norm = torch.nn.BatchNorm1d(1, momentum=0.01)  # 0.99 where the share kept is meant
for _ in range(100):
    norm(torch.ones(8, 1) + torch.tensor([[1.0], [-1.0]] * 4))
print(1 - norm.running_mean.item(), 0.99**100)  # how much of the initial 0 is left
assert abs(1 - norm.running_mean.item() - 0.99**100) < 1e-4
