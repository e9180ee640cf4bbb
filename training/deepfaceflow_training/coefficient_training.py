"""Training of the network that reads coefficients, its baselines, and what leaves for the engine.

The last layer, of confidence, learns from persons that the rest never saw."""
import json
import os
import time

import numpy as np
import torch
import torch.nn.functional as F

from . import safetensors
from .coefficient_heads import PICTURES, RESTING
from .coefficient_net import (COMPONENTS, CONFIDENT, COUNT, CROPS, MIRRORED, MIRRORED_POSE, POSE_UNIT, POSITION_UNIT, SLOPE, CoefficientNet, mesh_tensor, state_of)
from .coefficient_pictures import Pictures, batches
from .coefficients import NAMES
from .regressor import GEOMETRY_BYTES, CanonicalMesh, read_assets

SHARPENING = 0.2  # weight of the absolute error where outputs are scaled and lowered at the end
REST_SHARE = 0.6  # of the persons whose rest is known in a batch
ABSOLUTE = 0.25  # weight of the absolute error beside the squared one: most coefficients of a face are 0, and shall be read as 0
POSE_WEIGHT = 3.0
RIDGE = 0.03
HELD_BACK = 0.08  # of the persons: for confidence
EMA_DECAY, WARMUP, SAVE_EVERY = 0.996, 100, 300
INIT_PERSONS = 64  # whose crops the normalisations begin from


def spread_of(targets):
    return targets.std(0) + 0.05


def ridge(inputs, targets, strength=RIDGE):
    """-> (weights (d, k), bias (k,)); strength: of the mean variance of an input."""
    mean, goal = inputs.mean(0), targets.mean(0)
    centred = (inputs - mean).astype(np.float64)
    gram = centred.T @ centred / len(inputs)
    weights = np.linalg.solve(gram + strength * 1e-3 * np.trace(gram) / len(gram) * np.eye(len(gram)), centred.T @ (targets - goal) / len(inputs))
    return weights, goal - mean @ weights


def mesh_map(meshes, targets):
    """The linear map of the mesh: ridge regression of the targets, and principal components, each with a spread near 1. meshes (n, 1404)."""
    weights, bias = ridge(meshes, targets)
    mean = meshes.mean(0)
    values, vectors = np.linalg.eigh(np.cov((meshes - mean).T.astype(np.float64)))
    components = vectors[:, ::-1][:, :COMPONENTS] / np.sqrt(values[::-1][:COMPONENTS])
    weights, bias = 3 * weights, 3 * bias
    return np.c_[weights, components].T.astype(np.float32), np.r_[bias, -mean @ components].astype(np.float32)


def rest_of(g, features, persons):
    """Features at rest for each picture: those of one of its person's resting pictures, drawn anew (never itself); and who is known."""
    rows = np.repeat(np.arange(persons) * PICTURES, PICTURES) + np.array(RESTING)[g.integers(len(RESTING), size=persons)].repeat(PICTURES)
    return features[rows], torch.from_numpy((g.random(persons) < REST_SHARE).astype(np.float32).repeat(PICTURES)[:, None])


def loss_of(found, targets, spread):
    held = torch.where((found < 0) | (found > 1), found * 0.1 + 0.9 * found.clamp(0, 1), found)
    error = (held - targets) / spread
    return error.pow(2).mean() + ABSOLUTE * error.abs().mean()


class Average:
    def __init__(self, net):
        self.state = {name: value.clone() for name, value in net.state_dict().items()}

    def update(self, net, step):
        decay = min(EMA_DECAY, (1 + step) / (10 + step))
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                self.state[name].mul_(decay).add_(value, alpha=1 - decay)


def predict(net, pictures, persons, known, both=True):
    """-> (n, 51) in [0, 1], (n, 51) confidences, (n, 3) yaw, pitch and roll in degrees; known: whether the person's first picture, at rest, is known. both: with the mirror image."""
    found, sure, turned = [], [], []
    with torch.no_grad():
        for start in range(0, len(persons), 16):
            part = persons[start:start + 16]
            views = []
            for mirrored in (False, True)[:1 + both]:
                f = net.features(*pictures.plain(part, mirrored))
                rest = f[np.repeat(np.arange(len(part)) * PICTURES, PICTURES)]
                values, logits, pose = net.head(f, rest, torch.full((len(f), 1), float(known)))
                views.append([values[:, MIRRORED], logits[:, MIRRORED], pose * torch.tensor(MIRRORED_POSE)] if mirrored else [values, logits, pose])
            values, logits, pose = (sum(x) / len(x) for x in zip(*views))
            turned.append(POSE_UNIT * pose.numpy())
            found.append(values.clamp(0, 1).numpy())
            sure.append(torch.sigmoid(logits).numpy())
    return np.concatenate(found), np.concatenate(sure), np.concatenate(turned)


def table(found, targets):
    """Figures of predictions (n, 51): pooled r, r and gain of each coefficient, mean absolute error against saying zero. Those of the eyes' direction do not count in the pool."""
    pool = [i for i, name in enumerate(NAMES) if not name.startswith('eyeLook') and name != 'mouthClose']
    corr = lambda a, b: float(np.corrcoef(a, b)[0, 1]) if a.std() > 1e-6 and b.std() > 1e-6 else 0.0
    gain = lambda a, b: float((a * b).sum() / max((b * b).sum(), 1e-9))
    return dict(r=corr(found[:, pool].ravel(), targets[:, pool].ravel()), gain=gain(found[:, pool], targets[:, pool]), mae=float(np.abs(found - targets)[:, pool].mean()),
                zero=float(np.abs(targets[:, pool]).mean()), each={name: (corr(found[:, i], targets[:, i]), gain(found[:, i], targets[:, i])) for i, name in enumerate(NAMES)})


def pose_table(found, truth):
    """Slope, mean absolute error of yaw, pitch and roll, degrees, where the truth is known."""
    told = np.isfinite(truth).all(1)
    if not told.any():
        return None
    return [[round(float(np.polyfit(truth[told, k], found[told, k], 1)[0]), 3), round(float(np.abs(found - truth)[told, k].mean()), 2)] for k in range(3)]


def moving(array):
    """Of (persons, 8, ...) the pictures that are not at rest, flat."""
    keep = [i for i in range(PICTURES) if i not in RESTING]
    return array.reshape(-1, PICTURES, *array.shape[1:])[:, keep].reshape(-1, *array.shape[1:])


def evaluate(net, tests, log, both=True):
    rows = {}
    for name, pictures in tests.items():
        persons = np.arange(len(pictures))
        goal = pictures.targets(persons).numpy()
        for known in (False, True):
            found, _, turned = predict(net, pictures, persons, known, both)
            figures = rows[f'{name} {"relative" if known else "absolute"}'] = table(moving(found), moving(goal))
            figures['pose'] = pose_table(turned, pictures.fields['pose'].reshape(-1, 3))
            log(f'  {name:28s} {"relative" if known else "absolute"}: r {figures["r"]:.3f} gain {figures["gain"]:.2f} MAE {figures["mae"]:.4f} (zero {figures["zero"]:.4f}); '
                + ' '.join(f'{n} {figures["each"][n][0]:.2f}/{figures["each"][n][1]:.2f}' for n in ('jawOpen', 'mouthSmileLeft', 'eyeBlinkLeft', 'browOuterUpLeft', 'noseSneerLeft', 'cheekPuff')) + f'; yaw, pitch, roll {figures["pose"]}')
    return rows


def train(args, log=print):
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    pictures, tests = sets_of(args)
    held = max(8, int(HELD_BACK * len(pictures)))
    persons = np.arange(len(pictures) - held)
    meshes = mesh_tensor(pictures.fields['meshes'][persons].reshape(-1, 468, 3)).numpy()
    goal = pictures.targets(persons).numpy()
    turned = mesh_tensor(pictures._mirrored(pictures.fields['meshes'][persons].reshape(-1, 468, 3))).numpy()
    g = np.random.default_rng([args.seed, 77])
    noise = lambda: pictures.noise.draw(g, len(meshes)).reshape(len(meshes), -1) / POSITION_UNIT
    weights, bias = mesh_map(np.concatenate([meshes + noise(), turned + noise()]), np.concatenate([goal, goal[:, MIRRORED]]))
    net = CoefficientNet(len(weights))
    net.mesh.weight.data, net.mesh.bias.data = torch.from_numpy(weights), torch.from_numpy(bias)
    if args.init:
        go_on_from(net, args.init, pictures, persons[:INIT_PERSONS])
    net.mesh.requires_grad_(False)
    spread = torch.from_numpy(spread_of(goal))
    log(f'{len(persons)} persons, {held} held back; {sum(p.numel() for p in net.parameters()):,} parameters')
    trained = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW([dict(params=[p for p in trained if p.dim() > 1], weight_decay=args.decay), dict(params=[p for p in trained if p.dim() == 1], weight_decay=0)], lr=args.lr)
    average, step, spent = Average(net), 0, 0.0
    checkpoint = args.out + '.checkpoint'
    if os.path.exists(checkpoint):
        saved = torch.load(checkpoint)
        net.load_state_dict(saved['net'])
        optimiser.load_state_dict(saved['optimiser'])
        average.state, step, spent = saved['average'], saved['step'], saved['spent']
        log(f'going on from step {step}')
    began, mean, size = time.time() - spent, [], args.batch
    for inputs, targets, poses, draw in batches(pictures, persons, args, step):
        share = max(step / args.steps, (time.time() - began) / 60 / args.minutes if args.minutes else 0)
        if share >= 1:
            break
        for group in optimiser.param_groups:
            group['lr'] = args.lr * min(1, (step + 1) / WARMUP) * cosine(share)
        features = net.features(*inputs, bf16=args.precision == 'bf16')
        found, _, turned_by = net.head(features, *rest_of(draw, features, size))
        told = poses.isfinite()
        loss = loss_of(found, targets, spread) + POSE_WEIGHT * (turned_by - torch.where(told, poses, turned_by.detach())).pow(2).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 5.0)
        optimiser.step()
        step += 1
        average.update(net, step)
        mean.append(loss.item())
        if step % SAVE_EVERY == 0:
            torch.save(dict(net=net.state_dict(), optimiser=optimiser.state_dict(), average=average.state, step=step, spent=time.time() - began), checkpoint + '.part')
            os.replace(checkpoint + '.part', checkpoint)
            log(f'step {step} ({step * size / len(persons):.1f} passes, {(time.time() - began) / 60:.1f} min): loss {np.mean(mean):.4f}')
            mean = []
        if step % args.test_every == 0:
            evaluate(averaged(average, len(weights)), tests, log, both=False)
    net = averaged(average, len(weights))
    sharpen(net, pictures, np.arange(len(persons), len(pictures)), log)
    learn_confidence(net, pictures, np.arange(len(persons), len(pictures)), log)
    rows = evaluate(net, tests, log)
    torch.save(dict(net=net.state_dict(), rows=rows, step=step), args.out + '.pt')
    return export(net, rows, args, step * size * PICTURES, log)


def train_pose(args, log=print):
    """The last layer of the pose alone, of a weight file whose other layers stay as they are, to the bit; its absolute error, for a few heads are drawn where they are not."""
    torch.set_num_threads(args.threads)
    pictures, tests = sets_of(args)
    tensors, metadata = safetensors.load(args.init)
    metadata.pop('sha256', None)  # of other contents; the converter writes it anew
    net = folded(CoefficientNet(len(tensors['mesh.bias'])))
    net.widen_from(state_of(args.init))
    net.requires_grad_(False)
    evaluate(net, tests, log)
    net.pose.requires_grad_(True)
    optimiser = torch.optim.AdamW(net.pose.parameters(), lr=args.lr, weight_decay=args.decay)
    began, step = time.time(), 0
    for inputs, _, poses, draw in batches(pictures, np.arange(len(pictures)), args, step):
        share = (time.time() - began) / 60 / args.minutes
        if share >= 1:
            break
        for group in optimiser.param_groups:
            group['lr'] = args.lr * cosine(share)
        with torch.no_grad():
            features = net.features(*inputs)
            rest, known = rest_of(draw, features, args.batch)
        error = (net.head(features, rest, known)[2] - poses).abs()
        optimiser.zero_grad()
        error[poses.isfinite()].mean().backward()
        optimiser.step()
        step += 1
    log(f'{step} steps')
    rows = evaluate(net, tests, log)
    metadata['pose_figures'] = json.dumps({key: row['pose'] for key, row in rows.items()})
    safetensors.save(args.out, {**tensors, **{name: value for name, value in tensors_of(net).items() if name.startswith('pose.')}}, metadata)
    log(args.out)


def sets_of(args):
    canonical = CanonicalMesh(read_assets(args.assets)[slice(*GEOMETRY_BYTES)])
    return Pictures(args.sets, canonical), {os.path.basename(folder.rstrip('/')): Pictures([folder], canonical) for folder in args.tests}


def cosine(share):
    return 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * share))


def go_on_from(net, path, pictures, persons):
    tensors = state_of(path)
    if len(tensors['mesh.bias']) != len(net.mesh.bias):
        raise ValueError(f'{path}: maps the mesh to {len(tensors["mesh.bias"])} numbers, not {len(net.mesh.bias)}')
    net.widen_from(tensors)
    _, *crops = pictures.plain(persons)
    for look, crop in zip((net.eyes, net.mouth), crops):
        look.unfold(crop)


def averaged(average, mesh_features):
    net = CoefficientNet(mesh_features)
    net.load_state_dict(average.state)
    return folded(net)


def folded(net):
    for look in (net.eyes, net.mouth):
        look.fold()
    return net.eval()


def sharpen(net, pictures, persons, log):
    """Outputs scaled and lowered, each by its own numbers, so that what is uncertain and small becomes 0 and the rest regains its size: found on persons that the others never saw, and
    made part of the last layer."""
    with torch.no_grad():
        f = torch.cat([net.features(*pictures.plain(persons[i:i + 16])) for i in range(0, len(persons), 16)])
        rest = f[np.repeat(np.arange(len(persons)) * PICTURES, PICTURES)]
        found = torch.cat([net.head(f, rest, torch.full((len(f), 1), known))[0] for known in (0.0, 1.0)]).numpy()
        goal = np.tile(pictures.targets(persons).numpy(), (2, 1))
        factors, lowered = np.ones(COUNT, np.float32), np.zeros(COUNT, np.float32)
        for pair in {tuple(sorted((i, MIRRORED[i]))) for i in range(COUNT)}:
            columns = list(dict.fromkeys(pair))  # both sides alike
            x, y = found[:, columns], goal[:, columns]

            def cost(factor, low):
                error = np.clip(factor * (x - low), 0, 1) - y
                return (error ** 2).mean() + SHARPENING * np.abs(error).mean()
            factors[columns], lowered[columns] = min(((a, t) for a in np.arange(0.8, 2.01, 0.1) for t in np.arange(0, 0.31, 0.01)), key=lambda c: cost(*c))
        net.out.weight.mul_(torch.from_numpy(factors)[:, None])
        net.out.bias.copy_(torch.from_numpy(factors) * (net.out.bias - torch.from_numpy(lowered)))
    log(f'sharpened: scaled by {factors.mean():.2f}, lowered by {lowered.mean():.3f} on average')


def learn_confidence(net, pictures, persons, log, rounds=300):
    """The layer of confidence, on persons that the others never saw: whether a coefficient is off by no more than CONFIDENT."""
    hidden, right = [], []
    with torch.no_grad():
        goal = pictures.targets(persons)
        for mirrored in (False, True):
            f = torch.cat([net.features(*pictures.plain(persons[i:i + 16], mirrored)) for i in range(0, len(persons), 16)])
            rest = f[np.repeat(np.arange(len(persons)) * PICTURES, PICTURES)]
            for known in (0.0, 1.0):
                k = torch.full((len(f), 1), known)
                x = net.act(net.hidden(torch.cat([f, k * (f - rest), k], 1)))
                hidden.append(x)
                right.append(((net.out(x).clamp(0, 1) - (goal[:, MIRRORED] if mirrored else goal)).abs() <= CONFIDENT).float())
    hidden, right = torch.cat(hidden), torch.cat(right)
    net.confidence.bias.data = torch.logit(right.mean(0).clamp(0.02, 0.98))
    net.confidence.weight.data.zero_()
    optimiser = torch.optim.AdamW(net.confidence.parameters(), lr=3e-3, weight_decay=0.5)
    for _ in range(rounds):
        loss = F.binary_cross_entropy_with_logits(net.confidence(hidden), right)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    log(f'confidence: cross entropy {loss.item():.4f}, of the shares alone {F.binary_cross_entropy(right.mean(0).expand_as(right).clamp(1e-3, 1 - 1e-3), right).item():.4f}')


def tensors_of(net):
    """Name in the engine's weight file -> f16. Fully connected layers after crops have their inputs in the order rows, columns, channels."""
    out = {}
    for name, value in net.state_dict().items():
        array = value.numpy()
        if name.endswith('full.weight'):
            look = name.split('.')[0]
            columns, rows = CROPS[look][3] // 16, CROPS[look][4] // 16
            array = array.reshape(len(array), -1, rows, columns).transpose(0, 2, 3, 1).reshape(len(array), -1)
        half = array.astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError(f'{name}: a value of {np.abs(array).max():g} does not fit f16')
        out[name] = half
    return out


def export(net, rows, args, samples, log):
    shown = {key: dict(r=round(v['r'], 4), gain=round(v['gain'], 3), mae=round(v['mae'], 4), zero=round(v['zero'], 4)) for key, v in rows.items()}
    both = lambda each, name: np.mean([each[NAMES[i]][0] for i in (NAMES.index(name), MIRRORED[NAMES.index(name)])])  # of both sides alike
    correlations = {kind: {name: round(float(both(v['each'], name)), 3) for name in NAMES} for kind in ('absolute', 'relative') for key, v in rows.items() if 'plain' in key and kind in key}
    metadata = dict(format='deepfaceflow', version='1', network='coefficients', names=json.dumps(NAMES), crops=json.dumps(CROPS), position_unit=POSITION_UNIT, slope=SLOPE, confident=CONFIDENT,
                    samples=samples, figures=json.dumps(shown), correlations=json.dumps(correlations), provenance=args.provenance)
    safetensors.save(args.out, tensors_of(net), metadata)
    log(args.out)
