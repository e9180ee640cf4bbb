"""`train-occlusion`: what is hidden and where the flow is right, learned from what the engine's own flows of pairs with exact visibility look like."""
import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

from . import safetensors
from .geometry import SIZE
from .nets import FLOW_UNIT, SLOPE
from .occlusion import CHANNELS, CONFIDENT, NAME, OcclusionNet, folded, mirrored
from .pairs import HIDDEN, VISIBLE
from .schedule import Progress
from .shards import open_shard

# Bits of a pixel's label: it counts, it is hidden, its flow is within CONFIDENT px, it lies on the mesh.
COUNTS, IS_HIDDEN, IS_RIGHT, ON_MESH = 1, 2, 4, 8
EMA_DECAY, WARMUP, SAVE_EVERY, CLIP_NORM, WEIGHT_DECAY = 0.998, 100, 200, 1.0, 1e-3
CONFIDENCE_WEIGHT = 0.5
BINS = 10
WINDOW = 96  # px at half of the resolution that a step sees of a pair
EXPOSURE, CHANNEL_EXPOSURE, CONTRAST, NOISE = 0.12, 0.04, 0.1, 0.02  # of the pictures, which lie in [-0.9, 1.1]


def _parts(folder):
    """Names of the complete parts of a set's inputs, in order."""
    return sorted(name[:-len('.inputs.npy')] for name in os.listdir(folder) if name.endswith('.inputs.npy'))


def labels(flow, truth, state, mask):
    """Bits of each pixel, uint8: flow, truth (n, s, s, 3) px, state (n, s, s), mask: the mesh's."""
    face = (flow != 0).any(-1) & ((state == VISIBLE) | (state == HIDDEN))
    error = np.square(flow[..., :2].astype(np.float32) - truth[..., :2].astype(np.float32)).sum(-1)
    return (COUNTS * face + IS_HIDDEN * (state == HIDDEN) + IS_RIGHT * (error < CONFIDENT ** 2) + ON_MESH * (mask > 0)).astype(np.uint8)


class Observed:
    """Pairs of a set as the engine saw them, with their labels."""

    def __init__(self, folder, inputs, limit=None):
        """folder: of shards; inputs: the folder that `tools/occlusion-inputs.ts` wrote for sets."""
        seen = os.path.join(inputs, os.path.basename(os.path.normpath(folder)))
        self.inputs, self.labels, count = [], [], 0
        for part in _parts(seen):
            if limit is not None and count >= limit:
                break
            shard, start = part.rsplit('-', 1)
            load = lambda name: np.load(os.path.join(seen, f'{part}.{name}.npy'), mmap_mode='r')
            rows = np.s_[int(start):int(start) + len(load('inputs'))]
            fields = open_shard(os.path.join(folder, shard))
            self.inputs.append(np.asarray(load('inputs')))
            self.labels.append(labels(np.asarray(load('flow')), fields['flow'][rows], fields['state'][rows], load('mask')))
            count += len(self.inputs[-1])
        if not self.inputs:
            raise ValueError(f'{seen}: no inputs; write them with tools/occlusion-inputs.ts')
        self.inputs, self.labels = np.concatenate(self.inputs), np.concatenate(self.labels)

    def __len__(self):
        return len(self.inputs)

    def batch(self, indices):
        """-> inputs (n, 16, s/2, s/2) f32, labels (n, s, s) uint8."""
        return torch.from_numpy(self.inputs[indices]).permute(0, 3, 1, 2).float(), torch.from_numpy(self.labels[indices])


def disturbed(g, x, label):
    """A window of each pair, half of them mirrored; light of both frames changed together and of one alone, noise."""
    corners = g.integers(0, x.shape[2] - WINDOW + 1, (len(x), 2))
    x = torch.stack([one[:, v:v + WINDOW, u:u + WINDOW] for one, (v, u) in zip(x, corners)])
    label = torch.stack([one[2 * v:2 * (v + WINDOW), 2 * u:2 * (u + WINDOW)] for one, (v, u) in zip(label, corners)])
    half = torch.from_numpy(g.random(len(x)) < 0.5)
    x[half], label[half] = mirrored(x[half]), label[half].flip(2)
    n = len(x)
    generator = torch.Generator().manual_seed(int(g.integers(2 ** 31)))
    draw = lambda *shape: torch.from_numpy(g.normal(0, 1, (n, *shape, 1, 1)).astype(np.float32))
    together, contrast = EXPOSURE * draw(1), CONTRAST * draw(1)
    for first in (0, 8):
        own = 0.5 * EXPOSURE * draw(1) + CHANNEL_EXPOSURE * draw(3)
        gain = torch.exp(contrast + 0.5 * CONTRAST * draw(1))
        noise = NOISE * torch.from_numpy(g.random((n, 1, 1, 1)).astype(np.float32)) * torch.randn(n, 3, *x.shape[2:], generator=generator)
        x[:, first:first + 3] = x[:, first:first + 3] * gain + together + own + noise
    return x, label


def loss_of(logits, label):
    counts = ((label & COUNTS) > 0).float()
    goals = torch.stack([((label & IS_HIDDEN) > 0).float(), ((label & IS_RIGHT) > 0).float()], 1)
    loss = F.binary_cross_entropy_with_logits(logits, goals, reduction='none')
    loss = loss[:, 0] + CONFIDENCE_WEIGHT * loss[:, 1]
    return (loss * counts).sum() / counts.sum().clamp_min(1)


class Found:
    """Histograms of what a network says of a set's pixels on the mesh, from which all figures follow."""

    STEPS = 200

    def __init__(self):
        self.hidden = np.zeros((2, self.STEPS), np.int64)  # visible, hidden; by probability
        self.right = np.zeros((2, self.STEPS), np.int64)

    def add(self, probabilities, label):
        use = (label & (COUNTS | ON_MESH)) == (COUNTS | ON_MESH)
        place = np.minimum((probabilities * self.STEPS).astype(np.int64), self.STEPS - 1)
        for table, values, bit in ((self.hidden, place[:, 0], IS_HIDDEN), (self.right, place[:, 1], IS_RIGHT)):
            for truth in (0, 1):
                table[truth] += np.bincount(values[use & (((label & bit) > 0) == truth)], minlength=self.STEPS)

    def joined(self, other):
        out = Found()
        out.hidden, out.right = self.hidden + other.hidden, self.right + other.right
        return out

    def curve(self):
        """Precision and recall at each limit k / STEPS."""
        called = self.hidden[:, ::-1].cumsum(1)[:, ::-1]
        return called[1] / np.maximum(called.sum(0), 1), called[1] / max(self.hidden[1].sum(), 1)

    def at(self, limit):
        precision, recall = self.curve()
        k = int(round(limit * self.STEPS))
        return float(precision[k]), float(recall[k])

    def calibration(self):
        """Of each tenth of confidence: (share of the pixels, mean confidence, share that is right)."""
        by_bin = self.right.reshape(2, BINS, -1)
        middles = ((np.arange(self.STEPS) + 0.5) / self.STEPS).reshape(BINS, -1)
        total = by_bin.sum(0)
        count = total.sum(1)
        return [(float(n / count.sum()), float((t * m).sum() / max(n, 1)), float(r.sum() / max(n, 1))) for n, t, m, r in zip(count, total, middles, by_bin[1])]

    def calibration_error(self):
        return sum(share * abs(said - found) for share, said, found in self.calibration())


def look(net, observed, batch=16):
    """`Found` of a whole set."""
    found = Found()
    with torch.no_grad():
        for start in range(0, len(observed), batch):
            x, label = observed.batch(np.arange(start, min(len(observed), start + batch)))
            found.add(torch.sigmoid(net(x)).numpy(), label.numpy())
    return found


def describe(found, limit):
    precision, recall = found.curve()
    best = np.argmin(np.abs(precision - recall) + 10 * (recall < 0.01))
    p, r = found.at(limit)
    return f'{p:.3f} / {r:.3f} at {limit:.2f} (even {precision[best]:.3f} at {best / found.STEPS:.2f}), calibration error {found.calibration_error():.3f}'


def balanced_limit(found):
    """The limit at which as many pixels are called hidden as are, over the sets, each counting alike."""
    curves = [f.curve() for f in found]
    precision, recall = (np.mean([c[i] for c in curves], axis=0) for i in (0, 1))
    return float(np.argmin(np.abs(precision - recall) + 10 * (recall < 0.01)) / Found.STEPS)


class Run:
    """State of a training run, kept in a checkpoint beside the output."""

    def __init__(self, args, log):
        self.net = OcclusionNet(contrasts=True).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), args.lr, weight_decay=WEIGHT_DECAY)
        self.path, self.step, spent = args.out + '.checkpoint', 0, 0.0
        self.average = {name: value.clone() for name, value in self.net.state_dict().items()}
        if os.path.exists(self.path):
            saved = torch.load(self.path)
            self.net.load_state_dict(saved['net'])
            self.optimiser.load_state_dict(saved['optimiser'])
            self.average, self.step, spent = saved['average'], saved['step'], saved['spent']
            log(f'going on from step {self.step}')
        self.lr, self.progress = args.lr, Progress(args.steps, args.minutes, spent)

    def save(self):
        torch.save(dict(net=self.net.state_dict(), optimiser=self.optimiser.state_dict(), average=self.average, step=self.step, spent=self.progress.spent), self.path + '.part')
        os.replace(self.path + '.part', self.path)

    def update(self, x, label):
        rate = self.lr * min(1, (self.step + 1) / WARMUP) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.progress.at(self.step))))
        for group in self.optimiser.param_groups:
            group['lr'] = rate
        loss = loss_of(self.net(x.contiguous(memory_format=torch.channels_last)), label)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP_NORM)
        self.optimiser.step()
        self.step += 1
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        for name, value in self.net.state_dict().items():
            self.average[name].lerp_(value, 1 - decay)
        return loss.item()

    def averaged(self):
        net = OcclusionNet(contrasts=True)
        net.load_state_dict(self.average)
        return folded(net)


def train_occlusion(args, log):
    """`train-occlusion`: writes --out."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)
    sets = {os.path.basename(os.path.normpath(folder)): Observed(folder, args.inputs) for folder in args.sets}
    tests = {os.path.basename(os.path.normpath(folder)): Observed(folder, args.inputs) for folder in args.tests}
    log(', '.join(f'{name}: {len(observed)} pairs' for name, observed in (sets | tests).items()))
    run, owners = Run(args, log), [(name, i) for name, observed in sets.items() for i in range(len(observed))]
    log(f'{sum(p.numel() for p in run.net.parameters()):,} parameters')
    losses = []
    while run.progress.at(run.step) < 1:
        epoch, at = divmod(run.step * args.batch, len(owners) - len(owners) % args.batch)
        order = np.random.default_rng([args.seed, 1, epoch]).permutation(len(owners))
        parts = [sets[name].batch([i]) for name, i in (owners[k] for k in order[at:at + args.batch])]
        x, label = (torch.cat(values) for values in zip(*parts))
        losses.append(run.update(*disturbed(np.random.default_rng([args.seed, 2, run.step]), x, label)))
        if run.step % SAVE_EVERY == 0:
            run.save()
            log(f'step {run.step} ({run.step * args.batch / len(owners):.1f} passes, {run.progress.spent / 60:.1f} min): loss {np.mean(losses):.4f}')
            losses = []
        if run.step % args.test_every == 0:
            report(run.averaged(), tests, 0.4, log)
    run.save()
    net = run.averaged()
    limit = balanced_limit([look(net, observed) for observed in sets.values()])
    figures = report(net, tests, limit, log)
    save(args.out, net, limit, len(owners), figures, args.provenance)


def report(net, tests, limit, log):
    figures = {}
    for name, observed in tests.items():
        found = look(net, observed)
        precision, recall = found.at(limit)
        figures[name] = dict(precision=round(precision, 4), recall=round(recall, 4), calibration_error=round(found.calibration_error(), 4))
        log(f'  {name}: {describe(found, limit)}')
    return figures


def save(path, net, limit, pairs, figures, provenance):
    tensors = {name: value.numpy().astype(np.float16) for name, value in net.state_dict().items()}
    safetensors.save(path, tensors, dict(
        format='deepfaceflow', version='1', network=NAME, channels=CHANNELS, slope=SLOPE, unit=FLOW_UNIT, limit=limit, pairs=pairs, measured=json.dumps(figures),
        provenance=provenance))
