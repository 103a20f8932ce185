# Card 9: layer norm looks at one example, batch norm at one feature of all.
import torch

torch.manual_seed(0)
layer, batch, x = torch.nn.LayerNorm(8), torch.nn.BatchNorm1d(8), torch.randn(16, 8)
print((layer(x)[0] - layer(x[:1])[0]).abs().max())  # 0: no mates
assert torch.allclose(layer(x)[0], layer(x[:1])[0])
print((batch(x)[0] - batch(x[:4])[0]).abs().max())  # other mates, other result
assert not torch.allclose(batch(x)[0], batch(x[:4])[0], atol=0.01)
trained, evaluated = layer(x), layer.eval()(x)
assert torch.equal(trained, evaluated) and not torch.equal(batch(x), batch.eval()(x))
