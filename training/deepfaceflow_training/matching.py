"""Matching of feature maps: the global correlation of FlowNetC, and the local one around a flow that is already known."""
import torch
import torch.nn.functional as F

NORM_EPSILON = 1e-4  # added to the mean square of a feature vector before it is normalised
TILE = 8  # side of the blocks whose products are computed together

_gather_cache = {}


def _normalised(x):
    """Features divided by their RMS over channels, in the features' own type."""
    return x * torch.rsqrt(x.float().pow(2).mean(1, keepdim=True) + NORM_EPSILON).to(x.dtype)


def _gather_indices(h, w, r, device):
    """(1, h*w, (2r+1)^2) positions of the displaced pixels in a padded (h+2r) x (w+2r) plane."""
    key = h, w, r, device
    if key not in _gather_cache:
        ys, xs = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing='ij')
        d = torch.arange(2 * r + 1, device=device)
        rows, columns = ys[..., None, None] + d[:, None], xs[..., None, None] + d
        _gather_cache[key] = (rows * (w + 2 * r) + columns).reshape(1, h * w, -1)
    return _gather_cache[key]


def correlation(a, b, radius):
    """Cosine similarity of a(p) and b(p + d), |d| <= radius, zero outside: (n, c, h, w) x 2 -> (n, (2r+1)^2, h, w), d row by row.

    By all products of the two maps: for small maps and wide radii."""
    n, c, h, w = a.shape
    a, b = _normalised(a), _normalised(b)
    flat = lambda x: x.permute(0, 2, 3, 1).reshape(n, h * w, c)
    products = torch.bmm(flat(a), flat(b).transpose(1, 2)) / c
    padded = F.pad(products.view(n, h * w, h, w), (radius,) * 4).view(n, h * w, -1)
    indices = _gather_indices(h, w, radius, a.device).expand(n, -1, -1)
    return padded.gather(2, indices).view(n, h, w, -1).permute(0, 3, 1, 2)


class _LocalProducts(torch.autograd.Function):
    """Mean over channels of a(p) b(p + d), tile by tile. PyTorch's own backward of unfold and gather takes four times as long as this one.

    a (n, c, h, w) with h and w multiples of TILE, b padded by the radius; both bf16 or f32."""

    @staticmethod
    def _displaced(products, radius):
        """(tiles, TILE^2, side^2) -> view (tiles, TILE, TILE, 2r+1, 2r+1) of the products at the displacements of each pixel."""
        side, diameter = TILE + 2 * radius, 2 * radius + 1
        strides = (TILE * TILE * side * side, TILE * side * side + side, side * side + 1, side, 1)
        return products.as_strided((len(products), TILE, TILE, diameter, diameter), strides)

    @staticmethod
    def forward(ctx, a, b, radius):
        n, c, h, w = a.shape
        rows, columns, side = h // TILE, w // TILE, TILE + 2 * radius
        first = a.reshape(n, c, rows, TILE, columns, TILE).permute(0, 2, 4, 3, 5, 1).reshape(-1, TILE * TILE, c)
        second = b.permute(0, 2, 3, 1).unfold(1, side, TILE).unfold(2, side, TILE)  # n, rows, columns, c, side, side
        second = second.permute(0, 1, 2, 4, 5, 3).reshape(-1, side * side, c)
        ctx.save_for_backward(first, second)
        ctx.shape, ctx.radius = (n, c, h, w), radius
        products = torch.bmm(first, second.transpose(1, 2))
        found = _LocalProducts._displaced(products, radius).reshape(n, rows, columns, TILE, TILE, -1) / c
        return found.permute(0, 5, 1, 3, 2, 4).reshape(n, -1, h, w)

    @staticmethod
    def backward(ctx, gradient):
        first, second = ctx.saved_tensors
        (n, c, h, w), r = ctx.shape, ctx.radius
        rows, columns, side, diameter = h // TILE, w // TILE, TILE + 2 * r, 2 * r + 1
        products = torch.zeros(len(first), TILE * TILE, side * side, dtype=first.dtype, device=first.device)
        spread = (gradient.to(first.dtype) / c).reshape(n, diameter, diameter, rows, TILE, columns, TILE).permute(0, 3, 5, 4, 6, 1, 2)
        _LocalProducts._displaced(products, r).copy_(spread.reshape(-1, TILE, TILE, diameter, diameter))
        to_a = torch.bmm(products, second).reshape(n, rows, columns, TILE, TILE, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)
        parts = torch.bmm(products.transpose(1, 2), first).reshape(n, rows, columns, side, side, c)
        # Neighbouring tiles overlap in 2r rows and columns.
        to_b = torch.zeros(n, rows + 1, TILE, columns + 1, TILE, c, dtype=first.dtype, device=first.device)
        for top, y in ((0, slice(0, TILE)), (1, slice(TILE, side))):
            for left, x in ((0, slice(0, TILE)), (1, slice(TILE, side))):
                part = parts[:, :, :, y, x].transpose(2, 3)
                to_b[:, top:top + rows, :part.shape[2], left:left + columns, :part.shape[4]] += part
        to_b = to_b.reshape(n, (rows + 1) * TILE, (columns + 1) * TILE, c)[:, :h + 2 * r, :w + 2 * r].permute(0, 3, 1, 2)
        return to_a, to_b, None


def local_correlation(a, b, radius):
    """As `correlation`, for large maps and radii up to TILE / 2."""
    h, w = a.shape[2:]
    bottom, right = -h % TILE, -w % TILE
    a, b = _normalised(a), _normalised(b)
    found = _LocalProducts.apply(F.pad(a, (0, right, 0, bottom)), F.pad(b, (radius, radius + right, radius, radius + bottom)), radius)
    return found[:, :, :h, :w]


def warp(x, flow, outside='zeros'):
    """x (n, c, h, w) sampled bilinearly at p + flow(p), flow (n, 2 or more, h, w) in pixels of the map; outside: 'zeros' or 'border'. Computed in f32."""
    h, w = x.shape[2:]
    line = lambda size: torch.arange(size, dtype=torch.float32, device=flow.device)
    ys, xs = torch.meshgrid(line(h), line(w), indexing='ij')
    grid = torch.stack([(xs + flow[:, 0]) * 2 / (w - 1) - 1, (ys + flow[:, 1]) * 2 / (h - 1) - 1], -1)
    return F.grid_sample(x.float().contiguous(), grid, mode='bilinear', padding_mode=outside, align_corners=True).to(x.dtype)
