"""The occlusion network: what of A is hidden in B, and where the flow is right to a pixel; the engine's `nets/occlusion.ts`.

Inputs are what the engine makes of a pair and its flows (`tools/occlusion-inputs.ts`), at half of the resolution: of A and, moved to A by the flow, of B
picture (3), depth / 100 px, face, flow / 20 px (3)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from .nets import FLOW_UNIT, SLOPE
from .weights import read_tensors

NAME = 'occlusion'
CHANNELS = 16
DEPTH_UNIT = 100
WIDTHS = (16, 32, 48, 64)  # at 1/2, 1/4, 1/8 and 1/16 of the resolution
LAST = 8
FLOW_X = (5, 13)  # channels that change their sign in a mirror
OUTPUTS = 2  # logits: hidden; flow within CONFIDENT px of the truth
CONFIDENT = 1.0


def _contrasts():
    """(16, 16): the inputs of A, and how far those of B differ from what they would be of a point that is seen; each with a spread near 1. What tells most is a small
    difference of large numbers, which convolutions are long in finding by themselves."""
    out = torch.zeros(CHANNELS, CHANNELS)
    a, b = range(CHANNELS // 2), range(CHANNELS // 2, CHANNELS)
    for channel in a:
        out[channel, a[channel]] = 2 if channel in (5, 6, 7) else 1
        out[b[channel], b[channel]] = 1
        out[b[channel], a[channel]] = 1 if channel in (5, 6, 7) else -1  # flows there and back add up to nothing
    out[b[3], a[7]] = -FLOW_UNIT / DEPTH_UNIT  # a point's depth changes by dz
    gains = torch.tensor([4.0, 4, 4, 10, 1, 10, 10, 10])
    out[b] *= gains[:, None]
    return out


class OcclusionNet(nn.Module):
    """A small U of 3x3 convolutions; (n, 16, s, s) -> logits (n, 2, 2 s, 2 s). In training the first one sees contrasts of the inputs, which `folded` makes part of it."""

    def __init__(self, contrasts=False):
        super().__init__()
        self.contrasts = _contrasts() if contrasts else None
        a, b, c, d = WIDTHS
        conv = lambda inputs, outputs, stride=1, kernel=3: nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        self.occlusion = nn.ModuleDict(dict(
            down1=conv(CHANNELS, a), down2=conv(a, b, 2), down3=conv(b, c, 2), deep3=conv(c, c), down4=conv(c, d, 2), deep4=conv(d, d),
            lift3=conv(d, c, kernel=1), up3=conv(c, c), lift2=conv(c, b, kernel=1), up2=conv(b, b), lift1=conv(b, a, kernel=1), up1=conv(a, LAST),
            out=conv(LAST, OUTPUTS)))
        for layer in self.occlusion.values():
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.occlusion.out.weight)

    def forward(self, x):
        net = self.occlusion
        active = lambda name, x: F.leaky_relu(net[name](x), SLOPE)
        enlarged = lambda x: F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)
        if self.contrasts is not None:
            x = F.conv2d(x, self.contrasts[..., None, None])
        one = active('down1', x)
        two = active('down2', one)
        three = active('deep3', active('down3', two))
        four = active('deep4', active('down4', three))
        up = active('up3', enlarged(net['lift3'](four)) + three)
        up = active('up2', enlarged(net['lift2'](up)) + two)
        up = active('up1', enlarged(net['lift1'](up)) + one)
        return enlarged(net['out'](up))


def folded(net):
    """The network of a file that does what `net` does, values rounded to f16."""
    out = OcclusionNet().eval()
    state = {name: value.detach().clone() for name, value in net.state_dict().items()}
    if net.contrasts is not None:
        state['occlusion.down1.weight'] = torch.einsum('oihw,ij->ojhw', state['occlusion.down1.weight'], net.contrasts)
    out.load_state_dict({name: value.half().float() for name, value in state.items()})
    return out


def load_occlusion_net(path):
    """The network of a weight file."""
    net = OcclusionNet().eval()
    net.load_state_dict(read_tensors(path)[0])
    return net


def mirrored(x):
    """Inputs (n, 16, s, s) of the mirrored pairs."""
    x = x.flip(3)
    x[:, FLOW_X] *= -1
    return x
