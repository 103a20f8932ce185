# Card 2: noise behind batch norm shakes the distributions and does not undo the gain.
import torch
from torch import nn


class Noise(nn.Module):
    def forward(self, x):
        return x * (1 + 0.5 * torch.randn(x.shape[1])) + 0.5 * torch.randn(x.shape[1])


def accuracy(*norm):
    torch.manual_seed(0)
    hidden = [[nn.Linear(32, 32), *[n() for n in norm], nn.Sigmoid()] for _ in range(6)]
    net = nn.Sequential(*sum(hidden, []), nn.Linear(32, 2))
    sgd = torch.optim.SGD(net.parameters(), lr=0.5)
    for _ in range(400):
        x = torch.randn(64, 32)
        loss = nn.functional.cross_entropy(net(x), (x[:, 0] > 0).long())
        sgd.zero_grad(), loss.backward(), sgd.step()
    x = torch.randn(2000, 32)
    return (net(x).argmax(1) == (x[:, 0] > 0)).float().mean().item()


plain, batch = accuracy(), accuracy(lambda: nn.BatchNorm1d(32))
noisy = accuracy(lambda: nn.BatchNorm1d(32), Noise)
print(plain, batch, noisy)
assert batch > plain + 0.2 and noisy > plain + 0.1
