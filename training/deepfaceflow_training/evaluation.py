"""`evaluate` and `export`: error tables of networks and baselines on sets of pairs."""
import json
import os

import numpy as np
import torch

from .baselines import Baselines
from .export import export
from .inference import BATCH, evaluate, predict
from .metrics import FlowErrors, format_summary
from .nets import DFFNet
from .pairs import HIDDEN, VISIBLE
from .shards import PairSet
from .weights import read_weights

# Edges of the groups that the table breaks the visible EPE3D down by.
GROUPS = dict(motion=(0, 3, 6, 12, np.inf), yaw=(0, 15, 30, np.inf), occluded=(0, 0.01, 0.05, 1.0001))


def load_network(path):
    """A safetensors file or a checkpoint -> (network in eval mode, its name). Weights come back as f32."""
    state, name, shape = read_weights(path)
    net = DFFNet(*shape)
    net.load_state_dict(state)
    return net.to(memory_format=torch.channels_last).eval(), name


def _pair_traits(fields, mask):
    """Of every pair: mean true motion of the visible face (px), |yaw| of frame A (degrees), share of occluded face pixels."""
    traits = []
    for flow, state, inside, pose in zip(fields['flow'], fields['state'], mask, fields['pose']):
        seen, hidden = (state == VISIBLE) & inside, (state == HIDDEN) & inside
        motion = np.linalg.norm(flow[seen].astype(np.float32), axis=1).mean() if seen.any() else 0.0
        traits.append((motion, abs(float(pose[0])), hidden.sum() / max(1, hidden.sum() + seen.sum())))
    return traits


def _breakdown(pair_errors, traits):
    out = {}
    for column, (name, edges) in enumerate(GROUPS.items()):
        values = np.array([t[column] for t in traits])
        for low, high in zip(edges, edges[1:]):
            chosen = np.array(pair_errors)[(values >= low) & (values < high)]
            label = f'{name} {low}-{high}' if np.isfinite(high) else f'{name} {low}+'
            out[label] = dict(pairs=len(chosen), epe3d=float(np.nanmean(chosen)) if len(chosen) else None)
    return out


REFINED = ', refined by DIS'


def evaluate_set(pairs, canonical, networks, baselines, limit=None, refine=False):
    """networks: label -> net; refine: also each network's flow after classical refinement. Returns label -> summary with a breakdown by motion, yaw and occlusion."""
    count = min(limit or len(pairs), len(pairs))
    refined = [label + REFINED for label in networks] if refine else []
    errors = {label: FlowErrors() for label in [*(Baselines.NAMES if baselines else ()), *networks, *refined]}
    classical, traits = Baselines(canonical), []
    for start in range(0, count, BATCH):
        fields = pairs.batch(np.arange(start, min(count, start + BATCH)))
        mask = None
        for label, net in networks.items():
            flows, mask = predict(net, fields, canonical)
            for flow, inside, truth, state, i1, i2 in zip(flows, mask, *(fields[key] for key in ('flow', 'state', 'i1', 'i2'))):
                errors[label].add(flow, truth, state, inside)
                if refine:
                    errors[label + REFINED].add(classical.refine(i1, i2, flow) * inside[..., None], truth, state, inside)
        masks = []
        for i in range(len(fields['i1'])) if baselines or mask is None else ():
            flows, inside = classical.flows(fields['i1'][i], fields['i2'][i], fields['mesh_a'][i], fields['mesh_b'][i])
            masks.append(inside)
            for label, flow in flows.items() if baselines else ():
                errors[label].add(flow, fields['flow'][i], fields['state'][i], inside)
        traits += _pair_traits(fields, mask if mask is not None else masks)
    return {label: dict(e.summary(), groups=_breakdown(e.pairs, traits)) for label, e in errors.items()}


def evaluate_command(args, canonical, log):
    networks = {}
    for path in args.weights:
        net, name = load_network(path)
        networks[f'{name} ({os.path.basename(path)})'] = net
    table = {}
    for folder in args.sets:
        pairs = PairSet(folder, log=log)
        name = os.path.basename(os.path.normpath(folder))
        table[name] = evaluate_set(pairs, canonical, networks, args.baselines or not networks, args.limit, args.refine)
        log(f'\n{name}: {min(args.limit or len(pairs), len(pairs))} pairs')
        log('| | EPE3D | EPE2D | dz | p50 | p90 | p99 | > 3 px | occluded EPE3D |\n|---|---|---|---|---|---|---|---|---|')
        for label, s in table[name].items():
            log(f"| {label} | {s['epe3d']:.3f} | {s['epe2d']:.3f} | {s['dz']:.3f} | {s['p50']:.2f} | {s['p90']:.2f} | {s['p99']:.2f} | {s['outliers']:.3f} | {s['occluded_epe3d']:.2f} |")
    if args.json:
        with open(args.json, 'w') as handle:
            json.dump(table, handle, indent=1)


def export_command(args, canonical, log):
    saved = torch.load(args.checkpoint, map_location='cpu')
    name = saved['settings']['network']
    export(args.out, name, saved['ema'], saved['samples'], args.provenance)
    if not args.sets:
        return
    net, _ = load_network(args.out)  # the f16 values that ship
    epe = {}
    for folder in args.sets:
        summary = evaluate(net, PairSet(folder, log=log), canonical)
        epe[os.path.basename(os.path.normpath(folder))] = {key: round(summary[key], 4) for key in ('epe3d', 'epe2d', 'dz', 'occluded_epe3d')}
        log(f'{folder}: {format_summary(summary)}')
    export(args.out, name, saved['ema'], saved['samples'], args.provenance, epe)
