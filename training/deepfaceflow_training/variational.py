"""Variational refinement of a flow, as the engine's `variationalRefinement` computes it (docs/architecture.md), for batches of pairs."""
import numpy as np
import torch
import torch.nn.functional as F

from .inverse_search import GAIN_FLOOR, GAIN_LIMIT, grey

BRIGHTNESS, GRADIENT, SMOOTHNESS, REST = 6.0, 12.0, 20.0, 1.0  # weights of the terms
NOISE, SHARPNESS = 3.0, 0.02  # grey levels beside the length of a gradient; px that robust norms count at least
SWEEPS, RELAXATION = 4, 1.6
_SIDES = ((0, -1), (0, 1), (-1, 0), (1, 0))


def _beside(maps, down, right):
    """Every pixel's neighbour, itself beyond the border; maps (..., h, w) of four dimensions."""
    height, width = maps.shape[-2:]
    return F.pad(maps, (1, 1, 1, 1), mode='replicate')[..., 1 + down:1 + down + height, 1 + right:1 + right + width]


def _slopes(maps):
    return (_beside(maps, 0, 1) - _beside(maps, 0, -1)) / 2, (_beside(maps, 1, 0) - _beside(maps, -1, 0)) / 2


def _warped(images, flow):
    """images (n, 1, h, w) at p + flow, bilinear, repeated at the border."""
    height, width = images.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing='ij')
    place = torch.stack([(x + flow[:, 0]) * (2 / (width - 1)), (y + flow[:, 1]) * (2 / (height - 1))], 3) - 1
    return F.grid_sample(images, place, padding_mode='border', align_corners=True)


def _lit_alike(first, second, face):
    """The second image with the mean and variance that the first one has on the face."""
    count = face.sum((2, 3), keepdim=True).clamp_min(1)
    mean = lambda values: (values * face).sum((2, 3), keepdim=True) / count
    of_first, of_second = mean(first), mean(second)
    variance = mean((first - of_first) ** 2) + GAIN_FLOOR, mean((second - of_second) ** 2) + GAIN_FLOOR
    return (second - of_second) * (variance[0] / variance[1]).sqrt().clamp(1 / GAIN_LIMIT, GAIN_LIMIT) + of_first


def _robust(square):
    return (square + SHARPNESS ** 2).rsqrt()


def _data_terms(first, second, face):
    """-> matrix (xx, xy, yy) and right side (x, y) of each pixel's equation for the change of its displacement."""
    middle, change = (first + second) / 2, second - first
    gx, gy = _slopes(middle)
    corner = lambda down, right: _beside(middle, down, right)
    xx, yy = corner(0, 1) + corner(0, -1) - 2 * middle, corner(1, 0) + corner(-1, 0) - 2 * middle
    xy = (corner(1, 1) + corner(-1, -1) - corner(1, -1) - corner(-1, 1)) / 4
    rows = [(gx, gy, change)] + [(*second_order, slope) for second_order, slope in zip(((xx, xy), (xy, yy)), _slopes(change))]
    scales = [face / (x * x + y * y + NOISE ** 2) for x, y, _ in rows]
    square = [scale * t * t for scale, (*_, t) in zip(scales, rows)]
    of_gradient = GRADIENT * _robust(square[1] + square[2])
    weights = [BRIGHTNESS * _robust(square[0]) * scales[0], of_gradient * scales[1], of_gradient * scales[2]]
    total = lambda term: sum(weight * term(*row) for weight, row in zip(weights, rows))
    matrix = total(lambda x, y, t: x * x) + REST, total(lambda x, y, t: x * y), total(lambda x, y, t: y * y) + REST
    return matrix, torch.cat([total(lambda x, y, t: -x * t), total(lambda x, y, t: -y * t)], 1)


def _pulls(flow, face):
    """Weights of the pull between each pixel and its four neighbours."""
    inside = [F.pad(torch.ones_like(face), (1, 1, 1, 1))[..., 1 + down:face.shape[2] + 1 + down, 1 + right:face.shape[3] + 1 + right] for down, right in _SIDES]
    shown = lambda down, right: torch.where(_beside(face, down, right) > 0, _beside(flow, down, right), flow)
    bends = (shown(0, 1) - shown(0, -1)) / 2, (shown(1, 0) - shown(-1, 0)) / 2
    smoothness = SMOOTHNESS * _robust(sum((bend * bend).sum(1, keepdim=True) for bend in bends))
    return [(smoothness + _beside(smoothness, *side)) / 2 * face * _beside(face, *side) * within for side, within in zip(_SIDES, inside)]


def varied(flows, i1, i2, masks):
    """Flows (n, h, w, 3) px with (dx, dy) refined on the masks (n, h, w) bool; i1, i2 (n, h, w, 3) u8."""
    with torch.no_grad():
        face = torch.from_numpy(masks)[:, None].float()
        start = torch.from_numpy(np.ascontiguousarray(flows[..., :2])).permute(0, 3, 1, 2)
        first = grey(i1)[:, None]
        second = _lit_alike(first, _warped(grey(i2)[:, None], start), face)
        (xx, xy, yy), right = _data_terms(first, second, face)
        pulls = _pulls(start, face)
        total = sum(pulls)
        ax, ay = xx + total, yy + total
        determinant = ax * ay - xy * xy
        goal = right + torch.cat([xx * start[:, :1] + xy * start[:, 1:], xy * start[:, :1] + yy * start[:, 1:]], 1)
        y, x = torch.meshgrid(torch.arange(face.shape[2]), torch.arange(face.shape[3]), indexing='ij')
        red = (x + y) % 2 == 0
        flow = start
        for _ in range(SWEEPS):
            for colour in (red, ~red):
                pulled = goal + sum(pull * _beside(flow, *side) for pull, side in zip(pulls, _SIDES))
                solution = torch.cat([ay * pulled[:, :1] - xy * pulled[:, 1:], ax * pulled[:, 1:] - xy * pulled[:, :1]], 1) / determinant
                flow = torch.where(colour & (face > 0), flow + RELAXATION * (solution - flow), flow)
        out = flows.copy()
        out[..., :2] = flow.permute(0, 2, 3, 1).numpy()
        return out
