"""Inverse search for what a flow lacks, as the engine's `inverseSearch` computes it (docs/architecture.md), for batches of pairs."""
import numpy as np
import torch

PATCH, STRIDE, STEPS, ROUNDS, SMOOTHINGS = 8, 4, 2, 4, 8  # px, px, Gauss-Newton steps a round, rounds, Jacobi steps a round
LEAST_FACE = 0.5  # share of a patch that must lie on the face
NOISE, MISMATCH = 0.5, 100.0  # variances in grey levels^2: of the noise; of the mismatch above which patches count little and are mistrusted
DAMPING, LONGEST_STEP, LONGEST = 0.25, 1.5, 8.0  # grey levels^2 / px^2 a pixel; px; px at which a patch counts no more
GAIN_FLOOR, GAIN_LIMIT = 4.0, 2.0
SMOOTHNESS, REST = 1.5, 0.3
_LUMA = (0.299, 0.587, 0.114)


def grey(images):
    return torch.from_numpy(np.ascontiguousarray(images)).float() @ torch.tensor(_LUMA)


def _gradients(grey):
    """Half differences along x and y, one-sided at the border, rounded as the engine stores them."""
    padded = torch.nn.functional.pad(grey[:, None], (1, 1, 1, 1), mode='replicate')[:, 0]
    x, y = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2, (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    return x.half().float(), y.half().float()


class _Patches:
    """Every patch with enough face, of all pairs of a batch: `pair`, and indices `pixels` (k, 64) into the flattened maps of the batch."""

    def __init__(self, mask):
        count, side, _ = mask.shape
        self.side = side
        self.grid = (side - PATCH) // STRIDE + 1
        corner = torch.arange(self.grid) * STRIDE
        within = torch.arange(PATCH)
        rows = corner[:, None, None, None] + within[None, None, :, None]
        columns = corner[None, :, None, None] + within[None, None, None, :]
        one = (rows * side + columns).reshape(self.grid ** 2, PATCH ** 2)
        shares = mask.flatten(1)[:, one].float().mean(2)
        self.chosen = shares >= LEAST_FACE
        self.pair, patch = self.chosen.nonzero(as_tuple=True)
        self.pixels = one[patch] + self.pair[:, None] * side * side
        self.weight = mask.flatten()[self.pixels].float()
        self.count = self.weight.sum(1)
        x, y = (one % side)[patch].float(), torch.div(one, side, rounding_mode='floor')[patch].float()
        self.x, self.y = x, y

    def take(self, maps):
        return maps.flatten()[self.pixels]

    def centred(self, values):
        return (values - ((values * self.weight).sum(1) / self.count)[:, None]) * self.weight

    def on_grid(self, values):
        """(k, c) -> (n, c, grid, grid), zero where no patch is."""
        out = values.new_zeros(*self.chosen.shape, values.shape[1])
        out[self.chosen] = values
        return out.transpose(1, 2).reshape(len(out), -1, self.grid, self.grid)

    def of_grid(self, maps):
        return maps.flatten(2).transpose(1, 2)[self.chosen]

    def sample(self, maps, x, y):
        """Bilinear, repeated at the border."""
        last = self.side - 1
        x, y = x.clamp(0, last), y.clamp(0, last)
        left, top = x.floor(), y.floor()
        dx, dy = x - left, y - top
        left, top = left.long(), top.long()
        right, bottom = (left + 1).clamp_max(last), (top + 1).clamp_max(last)
        flat, first = maps.flatten(), (self.pair * self.side ** 2)[:, None]
        at = lambda row, column: flat[first + row * self.side + column]
        return (at(top, left) * (1 - dx) + at(top, right) * dx) * (1 - dy) + (at(bottom, left) * (1 - dx) + at(bottom, right) * dx) * dy


def _match(patches, displacement, first, gradient, matrix, flow, second):
    """One round: -> (own displacement, weighted matrix (k, 3), weighted right side (k, 2), trust (k, 1))."""
    (gx, gy), (xx, xy, yy) = gradient, matrix
    count, moved = patches.count, displacement
    ax, ay = xx + DAMPING * count, yy + DAMPING * count
    determinant = ax * ay - xy * xy
    floor, spread = GAIN_FLOOR * count, (first * first).sum(1)
    for _ in range(STEPS):
        other = patches.centred(patches.sample(second, patches.x + flow[0] + moved[:, :1], patches.y + flow[1] + moved[:, 1:]))
        gain = ((spread + floor) / ((other * other).sum(1) + floor)).sqrt().clamp(1 / GAIN_LIMIT, GAIN_LIMIT)
        difference = gain[:, None] * other - first
        mismatch = (difference * difference).sum(1) / count
        bx, by = (gx * difference).sum(1), (gy * difference).sum(1)
        step = torch.stack([ay * bx - xy * by, ax * by - xy * bx], 1) / determinant[:, None]
        moved = moved - step * (LONGEST_STEP / step.norm(dim=1, keepdim=True).clamp_min(1e-6)).clamp_max(1)
    near = (2 - 2 * moved.norm(dim=1) / LONGEST).clamp(0, 1)
    weight = near / ((NOISE + mismatch * (1 + mismatch / MISMATCH)) * count)
    weighted = torch.stack([xx, xy, yy], 1) * weight[:, None]
    right = torch.stack([(weighted[:, :2] * moved).sum(1), (weighted[:, 1:] * moved).sum(1)], 1)
    trust = 1 / (1 + (mismatch / MISMATCH) ** 2)
    return torch.where((near > 0)[:, None], moved, displacement), weighted, right, trust[:, None]


def _smoothed(displacement, matrix, right, exists):
    """One Jacobi step on grids (n, c, g, g)."""
    padded = torch.nn.functional.pad(torch.cat([displacement, exists], 1), (1, 1, 1, 1))
    around = padded[:, :, 1:-1, :-2] + padded[:, :, 1:-1, 2:] + padded[:, :, :-2, 1:-1] + padded[:, :, 2:, 1:-1]
    pull = SMOOTHNESS * around[:, 2] + REST
    gx, gy = right[:, 0] + SMOOTHNESS * around[:, 0], right[:, 1] + SMOOTHNESS * around[:, 1]
    ax, xy, ay = matrix[:, 0] + pull, matrix[:, 1], matrix[:, 2] + pull
    solution = torch.stack([ay * gx - xy * gy, ax * gy - xy * gx], 1) / (ax * ay - xy * xy)[:, None]
    return solution * exists


def _spread(displacement, exists, side):
    """Displacements of the grid at every pixel, interpolated between the patches that exist: (n, 2, side, side)."""
    grid = displacement.shape[2]
    place = ((torch.arange(side) - (PATCH - 1) / 2) / STRIDE).clamp(0, grid - 1)
    low = place.floor().long()
    high, part = (low + 1).clamp_max(grid - 1), place - low
    maps = torch.cat([displacement, exists], 1)
    rows = maps[:, :, low] * (1 - part)[:, None] + maps[:, :, high] * part[:, None]
    both = rows[..., low] * (1 - part) + rows[..., high] * part
    return both[:, :2] / both[:, 2:].clamp_min(1e-3)


def searched(flows, i1, i2, masks):
    """Flows (n, 224, 224, 3) px with (dx, dy) refined on the masks (n, 224, 224) bool; i1, i2 (n, 224, 224, 3) u8."""
    with torch.no_grad():
        a, b, mask = grey(i1), grey(i2), torch.from_numpy(masks)
        patches = _Patches(mask)
        if not len(patches.pair):
            return flows
        first = patches.centred(patches.take(a))
        gradient = [patches.centred(patches.take(values)) for values in _gradients(a)]
        gx, gy = gradient
        matrix = (gx * gx).sum(1), (gx * gy).sum(1), (gy * gy).sum(1)
        flow = torch.from_numpy(np.ascontiguousarray(flows))
        own = [patches.take(flow[..., axis]) for axis in (0, 1)]
        exists = patches.on_grid(torch.ones(len(patches.pair), 1))
        displacement = torch.zeros(len(patches.pair), 2)
        for _ in range(ROUNDS):
            displacement, weighted, right, trust = (patches.on_grid(values) for values in _match(patches, displacement, first, gradient, matrix, own, b))
            for _ in range(SMOOTHINGS):
                displacement = _smoothed(displacement, weighted, right, exists)
            trusted, displacement = displacement * trust, patches.of_grid(displacement)
        change = _spread(trusted, exists, patches.side) * mask[:, None]
        out = flow.clone()
        out[..., :2] += change.permute(0, 2, 3, 1)
        return out.numpy()
