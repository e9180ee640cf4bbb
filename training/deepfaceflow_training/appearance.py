"""Changes of how training frames look: new pairs of the training photos are no harder than those trained on, other photos are (EXPERIMENTS.md)."""
import numpy as np
import torch
import torch.nn.functional as F

BLURRED_SHARE, NOISE = 0.25, 0.03
_COVER_MARGIN, _COVER_SIDE = 20, (8, 50)  # px


def _tensor(array):
    return torch.from_numpy(array.astype(np.float32))


def altered(g, frames):
    """Frames (2 n, 3, h, w) in [0, 1], n first and n second ones, looking like other people's: colours mixed, gamma, light from a side; less of it apart for
    each frame, and noise and blur."""
    count, (height, width) = len(frames) // 2, frames.shape[2:]
    both = lambda draw: np.concatenate([draw] * 2)
    normal = lambda scale, *shape: g.normal(0, scale, shape)
    mixing = both(np.eye(3) + normal(0.06, count, 3, 3)) * np.exp(both(normal(0.12, count, 1, 1)) + normal(0.06, 2 * count, 3, 1))
    gamma = np.exp(both(normal(0.2, count)) + normal(0.05, 2 * count))
    slopes = both(normal(0.2, count, 2)) + normal(0.08, 2 * count, 2)
    light = np.exp(slopes[:, 0, None, None] * np.linspace(-1, 1, width) + slopes[:, 1, None, None] * np.linspace(-1, 1, height)[:, None])
    frames = frames.clamp_min(1e-3).pow(_tensor(gamma)[:, None, None, None])
    frames = torch.einsum('nij,njhw->nihw', _tensor(mixing), frames) * _tensor(light)[:, None]
    blurred = torch.from_numpy(g.random(2 * count) < BLURRED_SHARE)
    frames[blurred] = F.avg_pool2d(frames[blurred], 3, 1, 1, count_include_pad=False)
    noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(int(g.integers(2 ** 31)))) * _tensor(g.uniform(0, NOISE, 2 * count))[:, None, None, None]
    return (frames + noise).clamp_(0, 1)


def covered(g, frames, share):
    """Frames (n, 3, s, s), a share of them with a rectangle of one colour over something."""
    for frame in np.nonzero(g.random(len(frames)) < share)[0]:
        (y, x), (height, width) = g.integers(_COVER_MARGIN, frames.shape[2] - _COVER_MARGIN, 2), g.integers(*_COVER_SIDE, 2)
        frames[frame, :, y:y + height, x:x + width] = _tensor(g.random((3, 1, 1)))
    return frames
