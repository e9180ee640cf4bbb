"""From sets on disk to network inputs: deterministic order, augmentation, encoding."""
import numpy as np
import torch
import torch.nn.functional as F

from .appearance import altered
from .encoding import encode
from .geometry import SIZE
from .nets import FLOW_UNIT, INPUT_SCALE, INPUT_SHIFT
from .pairs import HIDDEN, VISIBLE
from .shards import PairSet

LAST = torch.channels_last
COLOUR_SWAP_SHARE = 0.1
STILL_SHARE = 0.04  # of the pairs whose second frame becomes the first: users compare a photo with itself and expect no motion
WINDOW_SHIFT = 20  # px that a training window may lie off the middle of the face


class Stream:
    """Endless shuffled passes over a set that may still be growing: each pass covers the shards that were complete when it began.

    `state` (pass, position, shard names of the pass) restores the exact order."""

    def __init__(self, folder, seed, state=None):
        self.folder, self.seed = folder, seed
        if state is None:
            self._begin(0, None, 0)
        else:
            self._begin(*state)

    def _begin(self, number, names, position):
        self.number, self.position = number, position
        self.pairs = PairSet(self.folder, names)
        if not len(self.pairs):
            raise ValueError(f'{self.folder}: no complete shard')
        self.order = np.random.default_rng([self.seed, number]).permutation(len(self.pairs))

    @property
    def state(self):
        return self.number, list(self.pairs.names), self.position

    def take(self, count):
        """Fields of the next `count` pairs, stacked."""
        if self.position + count > len(self.order):
            self._begin(self.number + 1, None, 0)
        chosen = np.sort(self.order[self.position:self.position + count])
        self.position += count
        return self.pairs.batch(chosen)


def _window(g, mask, size):
    """Slices of a size x size window about the middle of a face mask, shifted at random, inside the frame."""
    starts = []
    for axis in (1, 0):
        line = np.where(mask.any(axis))[0]
        middle = (line[0] + line[-1]) / 2 if len(line) else SIZE / 2
        starts.append(int(np.clip(round(middle - size / 2 + g.uniform(-WINDOW_SHIFT, WINDOW_SHIFT)), 0, SIZE - size)))
    return np.s_[starts[0]:starts[0] + size, starts[1]:starts[1] + size]


def to_inputs(fields, canonical, channels, window=SIZE, g=None):
    """Stacked fields -> (i1, i2, encoding, flow, visible, face): tensors (n, c, s, s); colours in [0, 1], flow in units of 20 px.

    window: side s of the part that is taken of every frame, about its face (g draws where); default: all of it."""
    encodings, masks = zip(*(encode(a, b, canonical) for a, b in zip(fields['mesh_a'], fields['mesh_b'])))
    parts = [np.s_[:, :] if window == SIZE else _window(g, mask, window) for mask in masks]
    cut = lambda arrays: torch.from_numpy(np.stack([array[part] for array, part in zip(arrays, parts)]))
    first = lambda arrays: cut(arrays).permute(0, 3, 1, 2)
    i1, i2 = (first(fields[key]).float().div_(255) for key in ('i1', 'i2'))
    encoding = first([encoding[..., :channels] for encoding in encodings])
    flow = first(fields['flow']).float().div_(FLOW_UNIT)
    state, mask = cut(fields['state'])[:, None], cut(masks)[:, None]
    visible = ((state == VISIBLE) & mask).float()
    face = (((state == VISIBLE) | (state == HIDDEN)) & mask).float()
    return i1, i2, encoding, flow, visible, face


def still(g, fields):
    """Stacked fields with the second frame of a few pairs replaced by the first: nothing moves, all of the face is visible."""
    chosen = g.random(len(fields['i1'])) < STILL_SHARE
    fields = {name: array.copy() for name, array in fields.items()}
    for first, second in (('i1', 'i2'), ('mesh_a', 'mesh_b')):
        fields[second][chosen] = fields[first][chosen]
    fields['flow'][chosen] = 0
    state = fields['state'][chosen]
    fields['state'][chosen] = np.where(state == HIDDEN, VISIBLE, state)
    return fields


def augment(g, i1, i2, encoding, flow, visible, face):
    """Mirror half of the pairs; change the looks of both frames together and a little apart."""
    n = len(i1)
    mirrored = torch.from_numpy(g.random(n) < 0.5)
    for x in (i1, i2, encoding, flow, visible, face):
        x[mirrored] = x[mirrored].flip(3)
    flow[mirrored, 0] *= -1
    code = encoding[mirrored]
    code[:, 0] = torch.where(code[:, :3].sum(1) > 0, 1 - code[:, 0], code[:, 0])  # the canonical face is symmetric in x
    if code.shape[1] > 3:
        code[:, 3] *= -1
    encoding[mirrored] = code
    i1, i2 = altered(g, torch.cat([i1, i2])).chunk(2)
    if g.random() < COLOUR_SWAP_SHARE:
        order = torch.from_numpy(np.argsort(g.random((n, 3)), 1))[:, :, None, None].expand(-1, -1, *i1.shape[2:])
        i1, i2 = i1.gather(1, order), i2.gather(1, order)
    return i1, i2, encoding, flow, visible, face


def normalise(i1, i2, encoding):
    """Colours in [0, 1] -> what the network takes, channels last."""
    return [x.contiguous(memory_format=LAST) for x in ((i1 - INPUT_SHIFT) * INPUT_SCALE, (i2 - INPUT_SHIFT) * INPUT_SCALE, encoding)]


def resize(size, i1, i2, encoding, flow, visible, face):
    """Average 224 px frames down to size x size (224 / size an integer); the flow keeps its unit, masks keep pixels that are mostly face."""
    k = SIZE // size
    if k == 1:
        return i1, i2, encoding, flow, visible, face
    share = F.avg_pool2d(face, k)
    flow = F.avg_pool2d(flow * face, k) / share.clamp_min(1e-6)
    seen = F.avg_pool2d(visible, k)
    return *(F.avg_pool2d(x, k) for x in (i1, i2, encoding)), flow, (seen > 0.6).float(), (share > 0.6).float()


def training_batch(fields, canonical, channels, size, window, g):
    """-> network inputs (3), flow, visible, face. window < 224: only that part of each frame, at full resolution (size is then ignored)."""
    tensors = augment(g, *to_inputs(still(g, fields), canonical, channels, window, g))
    if window == SIZE:
        tensors = resize(size, *tensors)
    return normalise(*tensors[:3]) + [x.contiguous(memory_format=LAST) for x in tensors[3:]]
