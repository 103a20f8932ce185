# Card 3: in training an image's result depends on its batch mates, in evaluation it does not.
import torch

torch.manual_seed(0)
norm = torch.nn.BatchNorm2d(4)
image, mates = torch.randn(1, 4, 6, 6), torch.randn(7, 4, 6, 6)
batch = torch.cat([image, mates])
print((norm(batch)[0] - norm(torch.cat([image, 2 * mates]))[0]).abs().max())  # not 0
assert not torch.equal(norm(batch)[0], norm(torch.cat([image, 2 * mates]))[0])
norm.eval()
assert torch.equal(norm(batch)[0], norm(image)[0])
