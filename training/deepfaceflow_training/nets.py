"""DFFNet: U-shaped flow network with a correlation layer and the PNCC as third input (design table in training/README.md).

Written so that bf16 autocast on one CPU thread is fast: channels in multiples of 16, channels_last, transposed convolutions computed
as 3x3 convolutions with masked taps followed by a pixel shuffle, correlation as a batched product and a gather.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from .matching import correlation, local_correlation, warp
from .narrowing import narrowed

FLOW_UNIT = 20.0  # px: networks predict flow in this unit
PRIOR_DEPTH_UNIT = 100.0  # px: unit of the mesh depth in the prior
INPUT_SHIFT, INPUT_SCALE = 0.45, 2.0  # colour inputs are (RGB / 255 - shift) * scale
SLOPE = 0.1  # of every LeakyReLU
PRIOR_CHANNELS = 4  # mesh difference / FLOW_UNIT (3) and depth of mesh A / PRIOR_DEPTH_UNIT


def channels(k, a):
    """Width of a layer of nominal width k under multiplier a: a multiple of 16, so that no kernel has a scalar tail."""
    return max(16, round(k * a / 16) * 16)


class _Activation(torch.autograd.Function):
    """LeakyReLU in place. Gradients that arrive through concatenations and slices are strided views, on which PyTorch's own backward is ten
    times slower than on dense channels_last memory; they are copied first."""

    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        out = F.leaky_relu_(x, SLOPE)
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx, gradient):
        out, = ctx.saved_tensors
        layout = torch.channels_last if out.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
        return torch.ops.aten.leaky_relu_backward(gradient.contiguous(memory_format=layout), out, SLOPE, True)


def activate(x):
    return _Activation.apply(x) if torch.is_grad_enabled() else F.leaky_relu_(x, SLOPE)


def upsample(flow, size):
    """Bilinear, pixel centres at +0.5. In f32 and plain layout: its backward is five times faster there than in bf16 channels_last."""
    return F.interpolate(flow.float().contiguous(), size=size, mode='bilinear', align_corners=False)


class Conv(nn.Conv2d):
    """Convolution with 'same' padding, then LeakyReLU."""

    def __init__(self, cin, cout, size, stride=1):
        super().__init__(cin, cout, size, stride, size // 2)

    def forward(self, x):
        return activate(super().forward(x))


class UpConv(nn.Module):
    """Transposed convolution 4x4, stride 2, padding 1 (weight I O 4 4), then LeakyReLU; computed as convolution + pixel shuffle."""

    # For output parity 0 and 1: (input offset + 1, kernel tap) pairs.
    TAPS = (((0, 3), (1, 1)), ((1, 2), (2, 0)))

    def __init__(self, cin, cout):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(cin, cout, 4, 4))
        self.bias = nn.Parameter(torch.zeros(cout))

    def forward(self, x):
        cout, kernels = self.weight.shape[1], []
        for rows in self.TAPS:
            for columns in self.TAPS:
                taps = self.weight[:, :, [k for _, k in rows]][:, :, :, [k for _, k in columns]]
                left, top = columns[0][0], rows[0][0]
                kernels.append(F.pad(taps, (left, 1 - left, top, 1 - top)))
        kernel = torch.stack(kernels, 2).permute(1, 2, 0, 3, 4).reshape(cout * 4, -1, 3, 3)
        return activate(F.pixel_shuffle(F.conv2d(x, kernel, self.bias.repeat_interleave(4), 1, 1), 2))


class DFFNet(nn.Module):
    """flow = DFFNet(a, prior, fine)(i1, i2, encoding).

    i1, i2: (n, 3, s, s) colours, (RGB / 255 - 0.45) * 2; encoding: (n, 3 + prior, s, s), PNCC in [0, 1] and, with prior = 4, the mesh
    difference / 20 px and mesh depth / 100 px. Returns seven flows (n, 3, h, w) from 1/64 to full size, in units of 20 px of the
    224 px template frame whatever the size of the input.

    fine: matching at 1/4 and 1/2 resolution too. There the decoder warps the features of I2 by the flow that it has so far, correlates them
    with those of I1 over a few pixels, and takes what one convolution makes of it beside the skip connection.
    """

    RADIUS = 6
    FINE = {3: (3, 32), 4: (2, 16)}  # decoder step -> correlation radius, channels

    def __init__(self, a=0.375, prior=0, fine=False):
        super().__init__()
        self.a, self.prior, self.fine = a, prior, fine
        self.scale = 1.0  # px of the input per px of the template frame: below 1 for frames that were averaged down
        c = lambda k: channels(k, a)
        inputs = 3 + prior
        self.conv1, self.conv2, self.conv3 = Conv(3, c(64), 7, 2), Conv(c(64), c(128), 5, 2), Conv(c(128), c(256), 5, 2)
        self.pncc1, self.pncc2, self.pncc3 = Conv(inputs, c(32), 7, 2), Conv(c(32), c(64), 5, 2), Conv(c(64), c(128), 5, 2)
        self.redir = Conv(c(256), c(32), 1)
        self.conv3_1 = Conv((2 * self.RADIUS + 1) ** 2 + c(32) + c(128), c(256), 3)
        self.conv4, self.conv4_1 = Conv(c(256), c(512), 3, 2), Conv(c(512), c(512), 3)
        self.conv5, self.conv5_1 = Conv(c(512), c(512), 3, 2), Conv(c(512), c(512), 3)
        self.conv6, self.conv6_1 = Conv(c(512), c(1024), 3, 2), Conv(c(1024), c(1024), 3)
        self.predict, self.up = nn.ModuleList(), nn.ModuleList()
        steps = self.FINE if fine else {}
        self.match = nn.ModuleDict({str(step): Conv((2 * radius + 1) ** 2 + 3, width, 3) for step, (radius, width) in steps.items()})
        cin = c(1024)
        for step, (width, skip) in enumerate(zip((512, 256, 128, 64, 32, 16), (c(512), c(512), c(256), c(128), c(64), 6 + inputs))):
            self.predict.append(nn.Conv2d(cin, 3, 3, 1, 1))
            self.up.append(UpConv(cin, c(width)))
            cin = c(width) + skip + 3 + steps.get(step, (0, 0))[1]  # order of the concatenation: up, skip, upsampled flow, match
        self.predict.append(nn.Conv2d(cin, 3, 3, 1, 1))
        initialise(self)

    def forward(self, i1, i2, encoding):
        n = len(i1)
        f1 = self.conv1(torch.cat([i1, i2]))
        f2 = self.conv2(f1)
        f3 = self.conv3(f2)
        mesh = self.pncc3(self.pncc2(self.pncc1(encoding)))
        matches = F.leaky_relu(correlation(f3[:n], f3[n:], self.RADIUS), SLOPE)
        c3 = self.conv3_1(torch.cat([matches, self.redir(f3[:n]), mesh], 1))
        c4 = self.conv4_1(self.conv4(c3))
        c5 = self.conv5_1(self.conv5(c4))
        y = self.conv6_1(self.conv6(c5))
        flows = []
        skips = (c5, c4, c3, f2[:n], f1[:n], torch.cat([i1, i2, encoding], 1))
        others = {3: f2[n:], 4: f1[n:]}
        for step, (predict, up, skip) in enumerate(zip(self.predict, self.up, skips)):
            flows.append(predict(y))
            size = skip.shape[2:]
            decoded = up(y)[:, :, :size[0], :size[1]]
            flow = upsample(flows[-1], size)
            parts = [decoded, skip.to(decoded.dtype), flow.to(decoded.dtype)]
            if self.fine and step in self.FINE:
                pixels = FLOW_UNIT * self.scale * size[1] / i1.shape[3]
                parts.append(self._match(step, skip, others[step], flow, pixels))
            y = torch.cat(parts, 1)
        return flows + [self.predict[-1](y)]

    def _match(self, step, first, second, flow, pixels):
        """How well I2 fits around the flow: features for the decoder. pixels: of the maps, per unit of flow. No gradient goes through the warp's positions."""
        moved = warp(second, flow.detach() * pixels)
        matches = F.leaky_relu(local_correlation(first, moved, self.FINE[step][0]), SLOPE)
        return self.match[str(step)](torch.cat([matches, flow.to(matches.dtype)], 1))


def initialise(net):
    """He initialisation for LeakyReLU(0.1), small predictions: with PyTorch's default the network does not leave its plateau."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, SLOPE)
            nn.init.zeros_(module.bias)
        elif isinstance(module, UpConv):
            nn.init.normal_(module.weight, 0, (2 / (1 + SLOPE ** 2) / (4 * module.weight.shape[0])) ** 0.5)
    for predict in net.predict:
        nn.init.normal_(predict.weight, 0, 1e-3)


# name -> (width multiplier, channels of the prior, fine matching). The coarse ones match at 1/8 resolution alone, as FlowNetC does.
NETWORKS = {
    'dffnet-m': (0.375, PRIOR_CHANNELS, True), 'dffnet': (0.375, 0, True), 'dffnet-m-small': (0.2, PRIOR_CHANNELS, True),
    'dffnet-m-coarse': (0.375, PRIOR_CHANNELS, False), 'dffnet-coarse': (0.375, 0, False)}


def build(name):
    if name not in NETWORKS:
        raise ValueError(f'unknown network {name!r}; known: {", ".join(NETWORKS)}')
    return DFFNet(*NETWORKS[name])


def adapted(state, net):
    """A state dict of the same family as a start for `net`. The prior's input channels are dropped where `net` has none, and the channels of its fine
    matching get zero weights where the state has none, so that the flow is what it was; of wider layers the channels that matter most are taken."""
    own = net.state_dict()
    state = narrowed(state, net) if len(state['conv3.bias']) > len(own['conv3.bias']) else dict(state)
    encoding, last = 'pncc1.weight', 'predict.6.weight'
    if not net.prior and state[encoding].shape[1] > 3:
        state[encoding] = state[encoding][:, :3]
        # Order of the last concatenation: up.5, I1, I2, PNCC, prior, flow.
        prior = state[last].shape[1] - 3 - PRIOR_CHANNELS
        state[last] = torch.cat([state[last][:, :prior], state[last][:, prior + PRIOR_CHANNELS:]], 1)
    for step, (_, width) in net.FINE.items() if net.fine else ():
        for name, axis in ((f'predict.{step + 1}.weight', 1), (f'up.{step + 1}.weight', 0)):
            if state[name].shape[axis] == own[name].shape[axis] - width:
                shape = list(state[name].shape)
                shape[axis] = width
                state[name] = torch.cat([state[name], torch.zeros(shape)], axis)
    return state


def count_macs(a, prior, fine=False, size=224):
    """Multiply-accumulates of one pair, convolutions and correlations."""
    net, total, hooks = DFFNet(a, prior, fine), [0], []

    def hook(module, inputs, output):
        if isinstance(module, UpConv):
            total[0] += inputs[0].shape[0] * inputs[0].shape[2] * inputs[0].shape[3] * module.weight.numel()
        else:
            total[0] += output.shape[0] * output.shape[2] * output.shape[3] * module.weight.numel()
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, UpConv)):
            hooks.append(module.register_forward_hook(hook))
    image = torch.zeros(1, 3, size, size)
    with torch.no_grad():
        net(image, image, torch.zeros(1, 3 + prior, size, size))
    correlations = [(size // 8, DFFNet.RADIUS, channels(256, a))]
    if fine:
        correlations += [(size // 4, DFFNet.FINE[3][0], channels(128, a)), (size // 2, DFFNet.FINE[4][0], channels(64, a))]
    return total[0] + sum(side ** 2 * (2 * radius + 1) ** 2 * width for side, radius, width in correlations)
