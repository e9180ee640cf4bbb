"""Tuning 3DMeshReg for registered frames: the difference of its meshes of two frames shall be the true flow of the face.

The package's network estimates each frame's pose by itself, wrong by two to three degrees between the frames, which is most of the error in depth of
everything that is built on it. Pairs with exact flow say how far every vertex should have moved. Where the flow cannot tell, at the rims of lids and lips,
and for what no motion tells (how far eyes and mouth are open, where the chin ends, how deep the head is), the head's true landmarks are asked (`contours.py`). Elsewhere the
meshes are held near those of the package's network.
"""
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from . import safetensors
from .appearance import altered, covered
from .batches import Stream
from .contours import CHIN, CHIN_LANDMARK, LID_GAPS, LIP_GAPS, MIRRORED_LANDMARKS, MOUTH_WIDTHS, rim_weights
from .encoding import encode, mesh_difference
from .geometry import SIZE
from .metrics import FlowErrors, format_summary
from .pairs import NONE
from .registered_meshes import BATCH, RegisteredMeshes, Views, frame_tensor, registered_meshes
from .regressor import LANDMARKS68, SHIPPED, MeshRegressor
from .schedule import Progress
from .shards import PairSet

# Weights of the distances from the package's meshes, in the plane and along z (mean removed): enough to keep the face in its place. Ten times as much
# holds the relief of the package's meshes, whose error is much of the error of the motion (EXPERIMENTS.md).
ANCHOR_PLANE, ANCHOR_DEPTH = 0.03, 0.005
RIM_WEIGHT = 3.0  # of the motion of a vertex on the rims, against 1 elsewhere
OPENING, CHIN_PLACE, RELIEF = 0.5, 0.1, 0.2  # weights of the errors of lid and lip openings and the mouth's width, of the chin along y and of the landmarks' depth (mean removed)
_DEEP = np.r_[CHIN_LANDMARK, 27:68]  # landmarks whose depth means the same on every mesh: not the brows and the contour, which slide
_RIMS, _RIM_WEIGHTS = (torch.from_numpy(value) for value in rim_weights(list(LANDMARKS68)))
COVERED_SHARE = 0.25
EMA_DECAY = 0.99
CLIP_NORM = 20.0
_WARMUP, _EPSILON = 50, 0.04  # steps; px^2, smooths the norms at zero


def _distance(difference):
    return (difference.pow(2).sum(-1) + _EPSILON).sqrt()


def mirrored(g, fields):
    """Stacked frames, flow, state and true landmarks with half of the pairs turned left to right."""
    chosen = g.random(len(fields['i1'])) < 0.5
    fields = {name: fields[name].copy() for name in ('i1', 'i2', 'flow', 'state', 'points_a', 'points_b')}
    for name in ('i1', 'i2', 'flow', 'state'):
        fields[name][chosen] = fields[name][chosen][:, :, ::-1]
    fields['flow'][chosen, ..., 0] *= -1
    for name in ('points_a', 'points_b'):
        turned = fields[name][chosen][:, MIRRORED_LANDMARKS]
        turned[..., 0] = SIZE - turned[..., 0]
        fields[name][chosen] = turned
    return fields


def tuning_loss(found, anchors, fields):
    """found, anchors: meshes of the first frames, then of the second ones, by the network and by the package's (2n, 468, 3).
    -> (mean error of the vertices' motion, mean distances from the anchors in the plane and along z, errors of openings, chin and relief), px."""
    count = len(fields['i1'])
    flow = torch.from_numpy(fields['flow']).permute(0, 3, 1, 2).float()
    face = torch.from_numpy(fields['state'] != NONE).float()[:, None]
    # Looked up where the package's network sees the vertex: a place that the tuning cannot move.
    place = (anchors[:count, :, :2] / (SIZE / 2) - 1)[:, :, None]
    motion = F.grid_sample(flow * face, place, align_corners=False)[..., 0].transpose(1, 2)
    known = (F.grid_sample(face, place, align_corners=False)[:, 0, :, 0] > 0.99).float()
    points = torch.from_numpy(np.concatenate([fields['points_a'], fields['points_b']]))
    given = points.isfinite().flatten(1).all(1)
    points = torch.where(given[:, None, None], points, torch.zeros(()))
    rims = torch.einsum('vk,nkc->nvc', _RIM_WEIGHTS, points)
    told = given[:count, None] & given[count:, None]
    motion, known, weight = motion.clone(), known.clone(), torch.ones(found.shape[1])
    motion[:, _RIMS] = torch.where(told[..., None], rims[count:] - rims[:count], motion[:, _RIMS])
    known[:, _RIMS] = torch.where(told, torch.ones(()), known[:, _RIMS])
    weight[_RIMS] = RIM_WEIGHT
    known = known * weight
    error = _distance(found[count:] - found[:count] - motion)
    drift = found - anchors
    depth = drift[..., 2] - drift[..., 2].mean(1, keepdim=True)
    return (error * known).sum() / known.sum().clamp_min(1), _distance(drift[..., :2]).mean(), depth.abs().mean(), *shape_errors(found[given], points[given])


def shape_errors(meshes, points):
    """What one mesh gets wrong of its head: meshes (n, 468, 3), points (n, 68, 3) px, n may be 0 -> errors of lid and lip openings and the mouth's width, of the chin along y and of the landmarks' depth."""
    if not len(meshes):
        return (meshes.sum(),) * 3  # zero, with a gradient
    own = meshes[:, LANDMARKS68]
    upper, lower = np.array(LID_GAPS + LIP_GAPS + MOUTH_WIDTHS).T
    opening = (own[:, lower, :2] - own[:, upper, :2] - points[:, lower, :2] + points[:, upper, :2]).pow(2).sum(-1).add(_EPSILON).sqrt().mean()
    depth = own[:, _DEEP, 2] - points[:, _DEEP, 2]
    return opening, (meshes[:, CHIN, 1] - points[:, CHIN_LANDMARK, 1]).abs().mean(), (depth - depth.mean(1, keepdim=True)).abs().mean()


def mesh_errors(meshes, pairs, canonical, limit=None):
    """Errors of the mesh difference on a set, as the flow of every face pixel."""
    errors, count = FlowErrors(), min(limit or len(pairs), len(pairs))
    for start in range(0, count, BATCH):
        fields = pairs.batch(np.arange(start, min(count, start + BATCH)))
        for a, b, truth, state in zip(meshes.of_images(fields['i1']), meshes.of_images(fields['i2']), fields['flow'], fields['state']):
            channels, mask = encode(a, b, canonical)
            errors.add(mesh_difference(channels), truth, state, mask)
    return errors.summary()


def tune(args, log):
    """`tune-regressor`: every test prints errors of the averaged weights and writes them."""
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    original, regressor = MeshRegressor(args.assets), MeshRegressor(args.assets, args.init)
    names = original.net.layer_names(safetensors.load(SHIPPED)[0])
    net = regressor.net.trainable()
    meshes, anchor = (RegisteredMeshes(own, original.canonical) for own in (net, original.net))
    streams = [Stream(folder, [args.seed, number]) for number, folder in enumerate(args.sets)]
    shares = np.diff(np.linspace(0, BATCH, len(streams) + 1).astype(int))
    tests = {os.path.basename(os.path.normpath(folder)): PairSet(folder, log=log) for folder in args.tests}
    average = {name: value.detach().clone() for name, value in net.named_parameters()}
    optimiser = torch.optim.AdamW(net.parameters(), lr=args.lr, betas=(0.9, 0.99), weight_decay=0)
    mean, clock, progress, step = None, time.process_time(), Progress(args.steps, args.minutes), 0

    def report():
        live = {name: value.detach().clone() for name, value in net.named_parameters()}
        net.load_state_dict(average, strict=False)
        results = {name: mesh_errors(meshes, pairs, regressor.canonical, args.test_limit) for name, pairs in tests.items()}
        save_tuned(args.out, net, names, step)
        net.load_state_dict(live, strict=False)
        log(f'step {step} CPU-s {time.process_time() - clock:.0f} motion {mean[0]:.2f} px, drift {mean[1]:.2f} px and {mean[2]:.2f} px along z, '
            f'openings {mean[3]:.2f}, chin {mean[4]:.2f}, relief {mean[5]:.2f} | ' + ' | '.join(f'{name}: {format_summary(result)}' for name, result in results.items()))

    while (share := progress.at(step)) < 1:
        optimiser.param_groups[0]['lr'] = args.lr * min(1, (step + 1) / _WARMUP) * 0.5 * (1 + np.cos(np.pi * share))
        parts = [stream.take(share) for stream, share in zip(streams, shares)]
        g = np.random.default_rng([args.seed, 1, step])
        fields = mirrored(g, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
        views = Views.random(g, 2 * BATCH)
        crops = meshes.crops(torch.cat([frame_tensor(fields['i1']), frame_tensor(fields['i2'])]), views)
        with torch.no_grad():
            anchors = anchor.of_crops(crops, views)
        terms = tuning_loss(meshes.of_crops(covered(g, altered(g, crops), COVERED_SHARE), views), anchors, fields)
        optimiser.zero_grad(set_to_none=True)
        sum(weight * term for weight, term in zip((1, ANCHOR_PLANE, ANCHOR_DEPTH, OPENING, CHIN_PLACE, RELIEF), terms)).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), CLIP_NORM)
        optimiser.step()
        with torch.no_grad():
            for name, value in net.named_parameters():
                average[name].lerp_(value, 1 - EMA_DECAY)
        values = np.array([term.item() for term in terms])
        mean = values if mean is None else 0.98 * mean + 0.02 * values
        step += 1
        if step % args.test_every == 0:
            report()
    if step % args.test_every:
        report()


def save_tuned(path, net, names, steps):
    """The engine's layout and names, f16."""
    shipped, metadata = safetensors.load(SHIPPED)
    state = {names[name]: value for name, value in net.state_dict().items() if name in names}
    tensors = {name: state[name].numpy().reshape(array.shape).astype(np.float16) for name, array in shipped.items()}
    kept = {key: metadata[key] for key in ('source', 'licence')}
    safetensors.save(path, tensors, dict(kept, network='registered-mesh-regressor', changes=f'tuned on registered pairs in {steps} steps (training/README.md)'))


def remesh(args, log):
    """`remesh`: the meshes of complete shards made again by the tuned network, each file replaced at once."""
    torch.set_num_threads(args.threads)
    meshes = registered_meshes(args.assets)
    for folder in args.sets:
        pairs = PairSet(folder, log=log)
        for name, shard in zip(pairs.names, pairs.shards):
            for frames, field in (('i1', 'mesh_a'), ('i2', 'mesh_b')):
                target = os.path.join(folder, name, field + '.npy')
                np.save(target + '.part.npy', meshes.of_images(shard[frames]))
                os.replace(target + '.part.npy', target)
        log(f'{folder}: {len(pairs)} pairs')
