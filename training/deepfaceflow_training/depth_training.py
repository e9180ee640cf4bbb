"""`train-depth`: training of depth from motion on the flows that a finished network gives for pairs with exact flow.

The network runs once over every set; what it says at the vertices is kept in a file a shard, and training reads only that: an epoch over thousands of
pairs and their mirror images takes seconds. Its inputs are projected on their principal components first and its output is a sum of those of dz, because there are far fewer
pairs than coordinates; the projection is what is written as the first layer, the sum is folded into the last.
"""
import json
import os
import time
import zipfile

import numpy as np
import torch
import torch.nn as nn

from . import refinement, safetensors
from .batches import to_inputs
from .depth import LEAST_COVER, NAME, VERTICES, joined_inputs, load_depth, look_up, with_depth
from .evaluation import load_network
from .geometry import SIZE
from .inference import BATCH, predict
from .metrics import FlowErrors, format_summary
from .nets import FLOW_UNIT, PRIOR_DEPTH_UNIT, SLOPE
from .registered_meshes import mirrored_vertices
from .regressor import MeshRegressor
from .shards import PairSet, list_shards

HIDDEN_WEIGHT = 0.5  # of vertices that B does not show, against 1
INPUT_COMPONENTS, OUTPUT_COMPONENTS = 128, 48
HIDDEN_UNITS, DROPOUT = 1024, 0.4
LEARNING_RATE, WEIGHT_DECAY, MINIBATCH = 1e-3, 0.03, 128
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
    """-> (inputs (n, 468 * c) as `vertex_inputs` gives them, what dz lacks (n, 468) in units of 20 px, squared error in the plane (n, 468) likewise)."""
    mesh_a, mesh_b, motion, truth = (torch.from_numpy(seen[name]).float() for name in ('mesh_a', 'mesh_b', 'motion', 'truth'))
    inputs = joined_inputs(motion, torch.from_numpy(seen['seen']), mesh_a, mesh_b if prior else None).flatten(1)
    error = (truth - motion) / FLOW_UNIT
    return inputs, error[..., 2], error[..., :2].pow(2).sum(-1)


class Components:
    """Principal components of the rows of a matrix."""

    def __init__(self, rows, count):
        rows = rows[torch.randperm(len(rows))[:_SAMPLE]].double()
        self.mean = rows.mean(0)
        values, vectors = torch.linalg.eigh((rows - self.mean).T @ (rows - self.mean) / len(rows))
        self.mean, self.axes = self.mean.float(), vectors[:, -count:].flip(1).float()
        self.deviations = values[-count:].flip(0).clamp_min(1e-12).sqrt().float()


class Trained(nn.Module):
    """The network with its projections apart."""

    def __init__(self, inputs, changes, prior):
        super().__init__()
        self.prior, channels = prior, 9 if prior else 6
        by_vertex = inputs.view(len(inputs), VERTICES, channels)
        self.parts = [np.arange(VERTICES * channels).reshape(VERTICES, channels)[:, start:start + 3].reshape(-1) for start in range(0, channels, 3)]
        self.components = [Components(by_vertex[:, :, start:start + 3].flatten(1), INPUT_COMPONENTS) for start in range(0, channels, 3)]
        out = Components(changes, OUTPUT_COMPONENTS)
        self.basis = out.axes * out.deviations
        drop = lambda: nn.Dropout(DROPOUT)
        self.layers = nn.Sequential(
            nn.Linear(len(self.parts) * INPUT_COMPONENTS, HIDDEN_UNITS), nn.LeakyReLU(SLOPE), drop(), nn.Linear(HIDDEN_UNITS, HIDDEN_UNITS),
            nn.LeakyReLU(SLOPE), drop(), nn.Linear(HIDDEN_UNITS, OUTPUT_COMPONENTS))
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def scales(self, part):
        # The square root keeps some of the order of the components: the last ones are mostly noise.
        return 2 / (part.deviations[0] * part.deviations).sqrt()

    def project(self, inputs):
        return torch.cat([(inputs[:, rows] - part.mean) @ part.axes * self.scales(part) for rows, part in zip(self.parts, self.components)], 1)

    def forward(self, projected):
        return self.layers(projected) @ self.basis.T

    def folded(self):
        """State of the DepthFromMotion that does the same, f16 values."""
        first, second, last = (self.layers[index] for index in (0, 3, 6))
        projection = torch.zeros(len(self.parts) * INPUT_COMPONENTS, sum(len(rows) for rows in self.parts))
        means = torch.zeros(projection.shape[1])
        for number, (rows, part) in enumerate(zip(self.parts, self.components)):
            own = slice(number * INPUT_COMPONENTS, (number + 1) * INPUT_COMPONENTS)
            projection[own, rows], means[rows] = (part.axes * self.scales(part)).T, part.mean
        projection = projection.half().float()
        # The mean goes through the rounded projection, as the inputs will.
        layers = {1: (projection, -projection @ means), 2: (first.weight, first.bias), 3: (second.weight, second.bias),
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
        flows, masks = predict(net, fields, canonical)
        flows = refinement.refined(flows, fields['i1'], fields['i2'], masks)
        changed = with_depth(depth, flows, fields['mesh_a'], fields['mesh_b'], canonical)
        for flow, other, mask, truth, state in zip(flows, changed, masks, fields['flow'], fields['state']):
            before.add(flow, truth, state, mask)
            after.add(other, truth, state, mask)
    return before.summary(), after.summary()


def _training_set(net, args, canonical, log):
    """Inputs, what dz lacks, squared error in the plane and weight of all pairs and their mirror images; how many pairs these are."""
    order, parts, pairs = mirrored_vertices(canonical).numpy(), [], 0
    for folder in args.sets:
        seen = observations(net, folder, args.cache, canonical, log)
        pairs += len(seen['weight'])
        parts += [(*training_inputs(own, net.prior), torch.from_numpy(own['weight'])) for own in (seen, mirrored(seen, order))]
    return [torch.cat(values) for values in zip(*parts)], pairs


def _epochs(trained, inputs, rest, count):
    """Train for so many passes; yields the mean loss of each."""
    optimiser = torch.optim.AdamW(trained.layers.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    steps, done = count * -(-len(inputs) // MINIBATCH), 0
    for _ in range(count):
        trained.train()
        total, batches = 0.0, torch.randperm(len(inputs)).split(MINIBATCH)
        for chosen in batches:
            optimiser.param_groups[0]['lr'] = LEARNING_RATE * (1 - done / steps)
            loss = _epe(trained(inputs[chosen]), *(values[chosen] for values in rest)).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            total, done = total + loss.item(), done + 1
        trained.eval()
        yield total / len(batches) * FLOW_UNIT


def train_depth(args, log):
    """`train-depth`: writes --out, and a line an epoch to --log."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    torch.set_flush_denormal(True)
    net, network = load_network(args.weights)
    canonical = MeshRegressor(args.assets).canonical
    (inputs, *rest), pairs = _training_set(net, args, canonical, log)
    trained = Trained(inputs, rest[0] * (rest[-1] > 0), net.prior)
    inputs = trained.project(inputs)
    tests = {}
    for folder in args.tests:
        seen = observations(net, folder, args.cache, canonical, log)
        own, *others = training_inputs(seen, net.prior)
        tests[os.path.basename(os.path.normpath(folder))] = (trained.project(own), *others, torch.from_numpy(seen['weight']))
    clock = time.process_time()
    for epoch, loss in enumerate(_epochs(trained, inputs, rest, args.epochs), 1):
        with torch.no_grad():
            results = {name: _epe(trained(own), *others).mean().item() * FLOW_UNIT for name, (own, *others) in tests.items()}
        log(f'epoch {epoch} CPU-s {time.process_time() - clock:.0f} EPE3D at the vertices {loss:.3f} px' + ''.join(f' | {name} {value:.3f} px' for name, value in results.items()))
        if args.log:
            with open(args.log, 'a') as handle:
                handle.write(json.dumps(dict(samples=epoch * len(inputs), loss=loss, test={name: dict(epe3d=value) for name, value in results.items()})) + '\n')
    save(args.out, trained, network, pairs, args.provenance)
    epe = {}
    for folder in args.tests:
        name = os.path.basename(os.path.normpath(folder))
        before, after = evaluate_depth(net, load_depth(args.out), PairSet(folder, log=log), canonical)
        epe[name] = {key: round(after[key], 4) for key in ('epe3d', 'epe2d', 'dz', 'occluded_epe3d')}
        log(f'{name}: {format_summary(before)} -> {format_summary(after)}')
    save(args.out, trained, network, pairs, args.provenance, epe)


def _epe(found, change, plane, weight):
    """Mean 3D endpoint error of each pair over its vertices, by the pixels that they stand for; units of 20 px."""
    error = ((found - change).pow(2) + plane + 1e-5).sqrt()
    return (error * weight).sum(1) / weight.sum(1).clamp_min(1e-6)
