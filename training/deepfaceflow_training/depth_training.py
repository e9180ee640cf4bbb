"""`train-depth`: training of depth from motion on the flows that a finished network gives for pairs with exact flow.

The network runs once over every set; what it says at the vertices is kept in a file a shard, and training reads only that: an epoch over thousands of
pairs takes seconds, so that every pass can have pairs of its own: mirrored, reversed, turned further behind other cameras (`vertex_pairs.py`). Its inputs are projected on their principal components first and its output is a sum of those of dz, because there are far fewer
pairs than coordinates; the projection is what is written as the first layer, the sum is folded into the last. With --plane the outputs are (dx, dy, dz).
"""
import json
import os
import time
import zipfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from . import refinement, safetensors
from .batches import to_inputs
from .depth import LEAST_COVER, NAME, VERTICES, joined_inputs, load_depth, look_up, plane_share, with_depth
from .evaluation import load_network
from .geometry import SIZE
from .inference import BATCH, predict
from .metrics import FlowErrors, format_summary
from .nets import FLOW_UNIT, PRIOR_DEPTH_UNIT, SLOPE
from .registered_meshes import mirrored_vertices
from .regressor import MeshRegressor
from .shards import PairSet, list_shards
from .vertex_pairs import reversed_pairs, turned_further

HIDDEN_WEIGHT = 0.5  # of vertices that B does not show, against 1
INPUT_COMPONENTS, OUTPUT_COMPONENTS, PLANE_COMPONENTS = 128, 48, 64
HIDDEN_UNITS, DROPOUT = 1024, 0.4
WEIGHT_DECAY, MINIBATCH = 0.03, 128
_WARMUP = 0.05  # of all steps
REVERSED_SHARE = 0.3
FAR_LEVELS = ('rendered', 'photowarp')
_SAMPLE = 8000  # pairs that the components are taken from
_FIELDS = ('mesh_a', 'mesh_b', 'motion', 'seen', 'truth', 'weight')


def _areas(meshes, triangles):
    """Of each vertex a third of its triangles' area in the image, px^2: how many pixels it stands for. (n, 468, 3) -> (n, 468)."""
    corners = meshes[:, triangles, :2]
    u, v = corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]
    thirds = np.abs(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]) / 6
    out = np.zeros(meshes.shape[:2], np.float32)
    for corner in range(3):
        np.add.at(out.T, triangles[:, corner], thirds.T)
    return out


def observe(net, pairs, canonical):
    """Everything that training needs of a set: arrays by the names of _FIELDS, (count, 468, ...)."""
    parts = {name: [] for name in _FIELDS}
    for start in range(0, len(pairs), BATCH):
        fields = pairs.batch(np.arange(start, min(len(pairs), start + BATCH)))
        # bfloat16 changes dz by 0.01 px and the refined plane by 0.002, in a quarter of the time.
        flows, masks = predict(net, fields, canonical, bf16=True)
        flows = refinement.refined(flows, fields['i1'], fields['i2'], masks)
        _, _, encoding, truth, visible, face = to_inputs(fields, canonical, 7)
        mask, depth = (encoding[:, :3].sum(1, keepdim=True) > 0).float(), encoding[:, 6:] * PRIOR_DEPTH_UNIT
        mesh = torch.from_numpy(fields['mesh_a'])
        motion, seen = look_up(torch.from_numpy(flows).permute(0, 3, 1, 2), depth, mask, mesh)
        true, known = look_up(truth * FLOW_UNIT, depth, face, mesh)
        shown, _ = look_up(visible, depth, face, mesh)
        weight = known * (HIDDEN_WEIGHT + (1 - HIDDEN_WEIGHT) * shown[..., 0]) * torch.from_numpy(_areas(fields['mesh_a'], canonical.triangles))
        values = (fields['mesh_a'], fields['mesh_b'], motion.numpy(), seen.numpy(), true.numpy(), weight.numpy())
        for name, value in zip(_FIELDS, values):
            parts[name].append(value.astype(np.float16 if name in ('motion', 'truth') else value.dtype))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _fingerprint(net):
    """Of what the kept flows depend on beside the pairs: the network and the refinement."""
    digest = refinement.fingerprint()
    digest.update(b'bfloat16')
    for value in net.state_dict().values():
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _kept(path, fingerprint, pairs):
    """What an earlier call kept of a shard, or None: by another network or refinement, of other meshes (`remesh`), damaged, or not there."""
    try:
        with np.load(path) as file:
            if str(file['made_by']) == fingerprint and all(np.array_equal(file[name], pairs.shards[0][name]) for name in ('mesh_a', 'mesh_b')):
                return {name: file[name] for name in _FIELDS}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        pass
    return None


def observations(net, folder, cache, canonical, log):
    """`observe` of a set. Each shard's is kept in a file below `cache`, so that an interrupted call goes on where it stopped."""
    target, fingerprint, parts = os.path.join(cache, os.path.basename(os.path.normpath(folder))), _fingerprint(net), []
    os.makedirs(target, exist_ok=True)
    for name in list_shards(folder):
        pairs, path = PairSet(folder, [name], log), os.path.join(target, name + '.npz')
        if not len(pairs):
            continue
        part = _kept(path, fingerprint, pairs)
        if part is None:
            part = observe(net, pairs, canonical)
            np.savez(path + '.part.npz', made_by=fingerprint, **part)
            os.replace(path + '.part.npz', path)
            log(path)
        parts.append(part)
    if not parts:
        raise ValueError(f'{folder}: no complete shard')
    return {field: np.concatenate([part[field] for part in parts]) for field in _FIELDS}


def mirrored(seen, order):
    """Observations of the mirrored pairs."""
    out = {name: values[:, order].copy() for name, values in seen.items()}
    for name in ('mesh_a', 'mesh_b'):
        out[name][..., 0] = SIZE - out[name][..., 0]
    for name in ('motion', 'truth'):
        out[name][..., 0] *= -1
    return out


def training_inputs(seen, prior):
    """-> (inputs (n, 468 * c) as `vertex_inputs` gives them, what the flow lacks (n, 468, 3) in units of 20 px)."""
    mesh_a, mesh_b, motion, truth = (torch.from_numpy(seen[name]).float() for name in ('mesh_a', 'mesh_b', 'motion', 'truth'))
    inputs = joined_inputs(motion, torch.from_numpy(seen['seen']), mesh_a, mesh_b if prior else None).flatten(1)
    return inputs, (truth - motion) / FLOW_UNIT


class Components:
    """Principal components of the rows of a matrix."""

    def __init__(self, rows, count):
        rows = rows[torch.randperm(len(rows))[:_SAMPLE]].double()
        self.mean = rows.mean(0)
        values, vectors = torch.linalg.eigh((rows - self.mean).T @ (rows - self.mean) / len(rows))
        self.mean, self.axes = self.mean.float(), vectors[:, -count:].flip(1).float()
        self.deviations = values[-count:].flip(0).clamp_min(1e-12).sqrt().float()


class Trained(nn.Module):
    """The network with its projections apart: of the inputs, which is not trained, and of the outputs, which the last layer is a sum of."""

    def __init__(self, inputs, changes, prior, free=None):
        """With projections on the components of `inputs` (n, 468 * c) and `changes` (n, 468, 3); says zero before training. free (468,): the share of `with_plane`."""
        super().__init__()
        self.prior, self.outputs, channels = prior, 1, 9 if prior else 6
        by_vertex, rows = inputs.view(len(inputs), VERTICES, channels), np.arange(VERTICES * channels).reshape(VERTICES, channels)
        projection, means = torch.zeros(channels // 3 * INPUT_COMPONENTS, VERTICES * channels), torch.zeros(VERTICES * channels)
        for number, start in enumerate(range(0, channels, 3)):
            part, own = Components(by_vertex[:, :, start:start + 3].flatten(1), INPUT_COMPONENTS), rows[:, start:start + 3].reshape(-1)
            # The square root keeps some of the order of the components: the last ones are mostly noise.
            scales = 2 / (part.deviations[0] * part.deviations).sqrt()
            projection[number * INPUT_COMPONENTS:(number + 1) * INPUT_COMPONENTS, own], means[own] = (part.axes * scales).T, part.mean
        out = Components(changes[..., 2], OUTPUT_COMPONENTS)
        self._assemble(projection, -projection.half().float() @ means, out.axes * out.deviations, HIDDEN_UNITS)
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)
        if free is not None:
            self.with_plane(changes, free)

    def with_plane(self, changes, share):
        """Give a network of dz alone outputs of (dx, dy) too, which say zero before training: on components of `changes` (n, 468, 3), of each vertex by `share` (468,)."""
        out, dz, last = Components(changes[..., :2].flatten(1), PLANE_COMPONENTS), self.basis, self.layers[-1]
        plane = (out.axes * out.deviations).view(VERTICES, 2, PLANE_COMPONENTS) * torch.as_tensor(share)[:, None, None]
        basis = torch.zeros(VERTICES, 3, dz.shape[1] + PLANE_COMPONENTS)
        basis[:, 2, :dz.shape[1]], basis[:, :2, dz.shape[1]:] = dz, plane
        self.basis, self.outputs = basis.flatten(0, 1), 3
        self.layers[-1] = nn.Linear(last.in_features, basis.shape[2])
        with torch.no_grad():
            for new, old in zip(self.layers[-1].parameters(), last.parameters()):
                new.zero_()[:len(old)] = old

    def _assemble(self, projection, bias, basis, hidden):
        # Rounded as in the file: the mean goes through the projection as the inputs will.
        self.projection, self.bias, self.basis = projection.half().float(), bias.half().float(), basis
        drop = lambda: nn.Dropout(DROPOUT)
        self.layers = nn.Sequential(nn.Linear(len(projection), hidden), nn.LeakyReLU(SLOPE), drop(), nn.Linear(hidden, hidden), nn.LeakyReLU(SLOPE), drop(),
                                    nn.Linear(hidden, basis.shape[1]))

    @classmethod
    def continued(cls, net):
        """What goes on from a DepthFromMotion: the same projections; its last layer is taken apart again."""
        self = cls.__new__(cls)
        nn.Module.__init__(self)
        self.prior, self.outputs, last = net.prior, net.outputs, net.depth['4']
        count = OUTPUT_COMPONENTS + (PLANE_COMPONENTS if net.outputs == 3 else 0)
        u, s, v = (part.detach() for part in torch.linalg.svd(last.weight, full_matrices=False))
        basis = u[:, :count] * s[:count].sqrt()
        self._assemble(net.depth['1'].weight.detach(), net.depth['1'].bias.detach(), basis, len(net.depth['2'].bias))
        with torch.no_grad():
            self.layers[0].load_state_dict(net.depth['2'].state_dict())
            self.layers[3].load_state_dict(net.depth['3'].state_dict())
            self.layers[6].weight.copy_(s[:count].sqrt()[:, None] * v[:count])
            self.layers[6].bias.copy_(u[:, :count].T @ last.bias / s[:count].sqrt())
        return self

    def averaged(self, start, share):
        """Move the layers to start + share * (what they are - start), where start is the state of `layers` that training went on from: that keeps most of what
        the new pairs taught and nearly all that was known before (EXPERIMENTS.md)."""
        self.layers.load_state_dict({name: torch.lerp(start[name], value, share) for name, value in self.layers.state_dict().items()})

    def project(self, inputs):
        return inputs @ self.projection.T + self.bias

    def forward(self, projected):
        """-> what to add to (dx, dy, dz), (n, 468, 3), units of 20 px."""
        return F.pad((self.layers(projected) @ self.basis.T).unflatten(1, (VERTICES, self.outputs)), (3 - self.outputs, 0))

    def folded(self):
        """State of the DepthFromMotion that does the same, f16 values."""
        first, second, last = (self.layers[index] for index in (0, 3, 6))
        layers = {1: (self.projection, self.bias), 2: (first.weight, first.bias), 3: (second.weight, second.bias),
                  4: (self.basis @ last.weight, self.basis @ last.bias)}
        return {f'depth.{number}.{name}': value.detach().half() for number, pair in layers.items() for name, value in zip(('weight', 'bias'), pair)}


def save(path, trained, network, pairs, provenance, epe=None):
    tensors = {name: value.numpy() for name, value in trained.folded().items()}
    safetensors.save(path, tensors, dict(
        format='deepfaceflow', version='1', network=NAME, flows_of=network, prior=trained.prior, unit=FLOW_UNIT, position_unit=PRIOR_DEPTH_UNIT, slope=SLOPE,
        least_cover=LEAST_COVER, pairs=pairs, epe=json.dumps(epe or {}), provenance=provenance))


def evaluate_depth(net, depth, pairs, canonical):
    """Summary of the errors of the network's flows, and of the same flows after `depth`."""
    before, after = FlowErrors(), FlowErrors()
    for start in range(0, len(pairs), BATCH):
        fields = pairs.batch(np.arange(start, min(len(pairs), start + BATCH)))
        flows, masks = predict(net, fields, canonical, bf16=True)
        flows = refinement.refined(flows, fields['i1'], fields['i2'], masks)
        changed = with_depth(depth, flows, fields['mesh_a'], fields['mesh_b'], canonical)
        for flow, other, mask, truth, state in zip(flows, changed, masks, fields['flow'], fields['state']):
            before.add(flow, truth, state, mask)
            after.add(other, truth, state, mask)
    return before.summary(), after.summary()


def _chosen(seen, rows):
    return {name: values[rows] for name, values in seen.items()}


def _joined(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in _FIELDS}


class Pool:
    """Observed pairs to draw passes from: each has all of them, some also the other way round (`reversed_pairs`), some turned further (`turned_further`);
    half of everything mirrored. A batch is made when it is asked for: whole passes of thousands of pairs are gigabytes, written once and read once."""

    def __init__(self, sets, further, order):
        """sets: (observations, whether their cameras are far) of each; further: share of pairs that are turned further, against all."""
        self.pairs, self.further, self.order = _joined([seen for seen, _ in sets]), further, order
        self.far = np.flatnonzero(np.repeat([far for _, far in sets], [len(seen['weight']) for seen, _ in sets]))
        if further and not len(self.far):
            raise ValueError('pairs can be turned further only where a set has far cameras (a level rendered, photowarp or varied)')

    def __len__(self):
        return len(self.pairs['weight'])

    def draw(self, g, size):
        """A pass as observations of `size` pairs at most each."""
        rows = [np.arange(len(self)), np.flatnonzero(g.random(len(self)) < REVERSED_SHARE)]
        rows.append(self.far[g.integers(0, len(self.far), int(self.further * len(self)))] if self.further else rows[0][:0])
        kinds, rows = np.repeat(np.arange(3), [len(part) for part in rows]), np.concatenate(rows)
        order = g.permutation(len(rows))
        for chosen in np.split(order, np.arange(size, len(order), size)):
            plain, other_way, further = (_chosen(self.pairs, rows[chosen][kinds[chosen] == kind]) for kind in range(3))
            drawn = _joined([plain, reversed_pairs(other_way), *([turned_further(g, further)] if len(further['weight']) else [])])
            half = g.random(len(chosen)) < 0.5
            yield _joined([_chosen(drawn, ~half), mirrored(_chosen(drawn, half), self.order)])


def leaning(seen, share):
    """Observations whose true dz gives way to the mesh difference's by a share: what is trained on that leans on the mesh by as much where it is unsure and where it is not.

    On real measured faces, which none of the pairs are, the mesh difference had the better dz (weights/README.md); that of `dffnet-m` leans by a fifth (EXPERIMENTS.md)."""
    truth = seen['truth'].astype(np.float32)
    truth[..., 2] += share * ((seen['mesh_b'] - seen['mesh_a'])[..., 2] - truth[..., 2])
    return dict(seen, truth=truth)


def _tensors(seen, prior):
    """-> (inputs, [what the flow lacks, weight])."""
    inputs, change = training_inputs(seen, prior)
    return inputs, [change, torch.from_numpy(seen['weight'])]


def _epochs(trained, pool, g, args):
    """Train for so many passes; yields the mean loss of each and the number of samples."""
    optimiser = torch.optim.AdamW(trained.layers.parameters(), args.lr, weight_decay=WEIGHT_DECAY)
    expected = len(pool) * (1 + REVERSED_SHARE + args.further)  # the pairs of a pass, but for who is drawn to be reversed
    for epoch in range(args.epochs):
        trained.train()
        total, count, batches = 0.0, 0, 0
        for seen in pool.draw(g, MINIBATCH):
            inputs, rest = _tensors(leaning(seen, args.lean), trained.prior)
            progress = (epoch + min(count / expected, 1)) / args.epochs
            optimiser.param_groups[0]['lr'] = args.lr * min(1, progress / _WARMUP + 0.05) * (1 - progress)
            loss = _epe(trained(trained.project(inputs)), *rest).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            total, count, batches = total + loss.item(), count + len(inputs), batches + 1
        trained.eval()
        yield total / batches * FLOW_UNIT, count


def _is_far(folder):
    """Whether the cameras of a set are orthographic, by its name."""
    name = os.path.basename(os.path.normpath(folder))
    return name.startswith(FAR_LEVELS) and 'perspective' not in name


def train_depth(args, log):
    """`train-depth`: writes --out, and a line an epoch to --log."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)
    net, network = load_network(args.weights)
    canonical, g = MeshRegressor(args.assets).canonical, np.random.default_rng(args.seed)
    pool = Pool([(observations(net, folder, args.cache, canonical, log), _is_far(folder)) for folder in args.sets], args.further, mirrored_vertices(canonical).numpy())
    free = plane_share(canonical) if args.plane else None
    if args.init:
        trained = Trained.continued(load_depth(args.init))
        if args.plane and trained.outputs == 1:
            _, (change, weight) = _tensors(next(pool.draw(g, _SAMPLE)), net.prior)
            trained.with_plane(change * (weight > 0)[..., None], free)
        start = {name: value.clone() for name, value in trained.layers.state_dict().items()}
    else:
        inputs, (change, weight) = _tensors(next(pool.draw(g, _SAMPLE)), net.prior)
        trained = Trained(inputs, change * (weight > 0)[..., None], net.prior, free)
    tests = {}
    for folder in args.tests:
        own, others = _tensors(observations(net, folder, args.cache, canonical, log), net.prior)
        tests[os.path.basename(os.path.normpath(folder))] = (trained.project(own), *others)
    clock, samples = time.process_time(), 0
    for epoch, (loss, count) in enumerate(_epochs(trained, pool, g, args), 1):
        with torch.no_grad():
            results = {name: _epe(trained(own), *others).mean().item() * FLOW_UNIT for name, (own, *others) in tests.items()}
        samples += count
        log(f'epoch {epoch} CPU-s {time.process_time() - clock:.0f} EPE3D at the vertices {loss:.3f} px' + ''.join(f' | {name} {value:.3f} px' for name, value in results.items()))
        if args.log:
            with open(args.log, 'a') as handle:
                handle.write(json.dumps(dict(samples=samples, loss=loss, test={name: dict(epe3d=value) for name, value in results.items()})) + '\n')
    if args.init:
        trained.averaged(start, args.share)
    save(args.out, trained, network, len(pool), args.provenance)
    epe = {}
    for folder in args.tests:
        name = os.path.basename(os.path.normpath(folder))
        before, after = evaluate_depth(net, load_depth(args.out), PairSet(folder, log=log), canonical)
        epe[name] = {key: round(after[key], 4) for key in ('epe3d', 'epe2d', 'dz', 'occluded_epe3d')}
        log(f'{name}: {format_summary(before)} -> {format_summary(after)}')
    save(args.out, trained, network, len(pool), args.provenance, epe)


def _epe(found, change, weight):
    """Mean 3D endpoint error of each pair over its vertices, by the pixels that they stand for; units of 20 px."""
    error = ((found - change).pow(2).sum(-1) + 1e-5).sqrt()
    return (error * weight).sum(1) / weight.sum(1).clamp_min(1e-6)
