# Card 5: before the activation batch norm folds into the convolution in front of it.
import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

torch.manual_seed(0)
conv, norm, x = torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.randn(4, 3, 8, 8)
for _ in range(20):
    norm(conv(torch.randn(16, 3, 8, 8)))
conv.eval(), norm.eval()
folded = fuse_conv_bn_eval(conv, norm)
print((folded(x) - norm(conv(x))).abs().max())  # rounding
assert torch.allclose(folded(x), norm(conv(x)), atol=1e-5)
