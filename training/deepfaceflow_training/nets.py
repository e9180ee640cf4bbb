"""DFFNet: U-shaped flow network with a correlation layer and the PNCC as third input (design table in training/README.md).

Written so that bf16 autocast on one CPU thread is fast: channels in multiples of 16, channels_last, transposed convolutions computed
as 3x3 convolutions with masked taps followed by a pixel shuffle, correlation as a batched product and a gather.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

FLOW_UNIT = 20.0  # px: networks predict flow in this unit
PRIOR_DEPTH_UNIT = 100.0  # px: unit of the mesh depth in the prior
INPUT_SHIFT, INPUT_SCALE = 0.45, 2.0  # colour inputs are (RGB / 255 - shift) * scale
SLOPE = 0.1  # of every LeakyReLU
NORM_EPSILON = 1e-4  # added to the mean square of a feature vector before it is normalised
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


def upsample(flow, size, dtype):
    """Bilinear, pixel centres at +0.5. In f32 and plain layout: its backward is five times faster there than in bf16 channels_last."""
    return F.interpolate(flow.float().contiguous(), size=size, mode='bilinear', align_corners=False).to(dtype)


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


_gather_cache = {}


def _gather_indices(h, w, r):
    """(1, h*w, (2r+1)^2) positions of the displaced pixels in a padded (h+2r) x (w+2r) plane."""
    if (h, w, r) not in _gather_cache:
        ys, xs = torch.meshgrid(torch.arange(h), torch.arange(w), indexing='ij')
        d = torch.arange(2 * r + 1)
        rows, columns = ys[..., None, None] + d[:, None], xs[..., None, None] + d
        _gather_cache[h, w, r] = (rows * (w + 2 * r) + columns).reshape(1, h * w, -1)
    return _gather_cache[h, w, r]


def correlation(a, b, radius):
    """Cosine similarity of a(p) and b(p + d), |d| <= radius, zero outside: (n, c, h, w) x 2 -> (n, (2r+1)^2, h, w), d row by row."""
    n, c, h, w = a.shape
    a, b = [x * torch.rsqrt(x.float().pow(2).mean(1, keepdim=True) + NORM_EPSILON).to(x.dtype) for x in (a, b)]
    flat = lambda x: x.permute(0, 2, 3, 1).reshape(n, h * w, c)
    products = torch.bmm(flat(a), flat(b).transpose(1, 2)) / c
    padded = F.pad(products.view(n, h * w, h, w), (radius,) * 4).view(n, h * w, -1)
    indices = _gather_indices(h, w, radius).expand(n, -1, -1)
    return padded.gather(2, indices).view(n, h, w, -1).permute(0, 3, 1, 2)


class DFFNet(nn.Module):
    """flow = DFFNet(a, prior)(i1, i2, encoding).

    i1, i2: (n, 3, s, s) colours, (RGB / 255 - 0.45) * 2; encoding: (n, 3 + prior, s, s), PNCC in [0, 1] and, with prior = 4, the mesh
    difference / 20 px and mesh depth / 100 px. Returns seven flows (n, 3, h, w) from 1/64 to full size, in units of 20 px of the
    224 px template frame whatever the size of the input.
    """

    RADIUS = 6

    def __init__(self, a=0.375, prior=0):
        super().__init__()
        self.a, self.prior = a, prior
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
        cin = c(1024)
        for width, skip in zip((512, 256, 128, 64, 32, 16), (c(512), c(512), c(256), c(128), c(64), 6 + inputs)):
            self.predict.append(nn.Conv2d(cin, 3, 3, 1, 1))
            self.up.append(UpConv(cin, c(width)))
            cin = c(width) + skip + 3  # order of the concatenation: up, skip, upsampled flow
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
        for predict, up, skip in zip(self.predict, self.up, skips):
            flows.append(predict(y))
            size = skip.shape[2:]
            decoded = up(y)[:, :, :size[0], :size[1]]
            y = torch.cat([decoded, skip.to(decoded.dtype), upsample(flows[-1], size, decoded.dtype)], 1)
        return flows + [self.predict[-1](y)]


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


# The networks that ship: name -> (width multiplier, channels of the prior).
NETWORKS = {'dffnet-m': (0.375, PRIOR_CHANNELS), 'dffnet': (0.375, 0)}


def build(name):
    if name not in NETWORKS:
        raise ValueError(f'unknown network {name!r}; known: {", ".join(NETWORKS)}')
    return DFFNet(*NETWORKS[name])


def without_prior(state):
    """The state dict of a network with a mesh prior, less the prior's input channels: a start for the three-input network."""
    state = dict(state)
    encoding, last = 'pncc1.weight', 'predict.6.weight'
    if state[encoding].shape[1] == 3:
        return state
    state[encoding] = state[encoding][:, :3]
    # Order of the last concatenation: up.5, I1, I2, PNCC, prior, flow.
    prior = state[last].shape[1] - 3 - PRIOR_CHANNELS
    state[last] = torch.cat([state[last][:, :prior], state[last][:, prior + PRIOR_CHANNELS:]], 1)
    return state


def count_macs(a, prior, size=224):
    """Multiply-accumulates of one pair, convolutions and correlation."""
    net, total, hooks = DFFNet(a, prior), [0], []

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
    grid = (size // 8) ** 2
    return total[0] + grid * (2 * DFFNet.RADIUS + 1) ** 2 * channels(256, a)
