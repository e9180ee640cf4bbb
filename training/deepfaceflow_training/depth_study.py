"""`evaluate-depth`: what depth from motion is worth on each kind of pair, beside the mesh difference and the network's own dz.

Beside the errors of the flow it gives the slope of dz, the share of a turn that dz shows: 1 is right, above it the turn is exaggerated, as perspective does to what
was trained without. The refined flows are kept, so that many depth files can be compared."""
import hashlib
import json
import os

import numpy as np

from . import refinement
from .depth import load_depth, with_depth
from .encoding import encode, mesh_difference
from .evaluation import load_network
from .inference import BATCH, predict
from .metrics import FlowErrors
from .pairs import VISIBLE
from .shards import PairSet, list_shards

LEAST_RELIEF = 1.0  # px that true dz must spread over a face for a slope to mean something
MESH, MESH_DEPTH, NETWORK = 'mesh difference', 'flow + mesh dz', 'network dz'


def dz_slope(found, truth, chosen):
    """Slope of found dz over true dz at the chosen pixels, means removed; nan where the truth hardly varies."""
    f, t = (values[..., 2][chosen].astype(np.float64) for values in (found, truth))
    if len(t) < 100 or t.std() < LEAST_RELIEF:
        return float('nan')
    t = t - t.mean()
    return float((f - f.mean()) @ t / (t @ t))


def _fingerprint(path):
    digest = refinement.fingerprint()
    with open(path, 'rb') as handle:
        digest.update(hashlib.sha256(handle.read()).digest())
    return digest.hexdigest()


def refined_flows(net, fingerprint, folder, shard, cache, canonical, log):
    """Refined flows of a shard (n, 224, 224, 3) f16 and its fields; kept below `cache`."""
    pairs = PairSet(folder, [shard], log)
    fields = pairs.batch(np.arange(len(pairs)))
    path = os.path.join(cache, os.path.basename(os.path.normpath(folder)), shard + '.npz')
    try:
        with np.load(path) as file:
            if str(file['made_by']) == fingerprint and np.array_equal(file['mesh_a'], fields['mesh_a']) and np.array_equal(file['mesh_b'], fields['mesh_b']):
                return file['flows'].astype(np.float32), fields
    except (OSError, ValueError, KeyError):
        pass
    flows = []
    for start in range(0, len(pairs), BATCH):
        part = {name: values[start:start + BATCH] for name, values in fields.items()}
        found, masks = predict(net, part, canonical, bf16=True)
        flows.append(refinement.refined(found, part['i1'], part['i2'], masks))
    flows = np.concatenate(flows).astype(np.float16)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    np.savez(path, made_by=fingerprint, flows=flows, mesh_a=fields['mesh_a'], mesh_b=fields['mesh_b'])
    return flows.astype(np.float32), fields


class _Row:
    def __init__(self):
        self.errors, self.slopes = FlowErrors(), []

    def add(self, flow, truth, state, mask):
        self.errors.add(flow, truth, state, mask)
        self.slopes.append(dz_slope(flow, truth, (state == VISIBLE) & mask))

    def summary(self):
        slopes = np.array(self.slopes)
        known = slopes[np.isfinite(slopes)]
        spread = dict(slope=float(np.median(known)), slope_spread=float(np.median(np.abs(known - np.median(known)))), slopes=len(known)) if len(known) else {}
        return dict(self.errors.summary(), **spread)


def study_set(net, fingerprint, depths, folder, cache, canonical, log):
    """depths: label -> DepthFromMotion. -> label -> summary."""
    rows = {label: _Row() for label in (MESH, MESH_DEPTH, NETWORK, *depths)}
    for shard in list_shards(folder):
        flows, fields = refined_flows(net, fingerprint, folder, shard, cache, canonical, log)
        changed = {label: with_depth(depth, flows, fields['mesh_a'], fields['mesh_b'], canonical) for label, depth in depths.items()}
        for i, (flow, truth, state) in enumerate(zip(flows, fields['flow'].astype(np.float32), fields['state'])):
            channels, mask = encode(fields['mesh_a'][i], fields['mesh_b'][i], canonical)
            mesh = mesh_difference(channels)
            own = {MESH: mesh, MESH_DEPTH: np.concatenate([flow[..., :2], mesh[..., 2:]], 2), NETWORK: flow, **{label: found[i] for label, found in changed.items()}}
            for label, found in own.items():
                rows[label].add(found, truth, state, mask)
    return {label: row.summary() for label, row in rows.items()}


def labels(paths):
    """-> (label, path) of each: the file's name, or all of the path where two have the same name."""
    names = [os.path.basename(path) for path in paths]
    return [(name if names.count(name) == 1 else path, path) for name, path in zip(names, paths)]


def study_depth(args, canonical, log):
    net, _ = load_network(args.weights)
    depths, fingerprint, table = {label: load_depth(path) for label, path in labels(args.depth)}, _fingerprint(args.weights), {}
    for folder in args.sets:
        name = os.path.basename(os.path.normpath(folder))
        table[name] = study_set(net, fingerprint, depths, folder, args.cache, canonical, log)
        log(f'\n| {name} | EPE3D | EPE2D | dz | occluded EPE3D | dz slope (spread; pairs) |\n|---|---|---|---|---|---|')
        for label, s in table[name].items():
            slope = f"{s['slope']:.3f} ({s['slope_spread']:.3f}; {s['slopes']})" if 'slope' in s else '-'
            log(f"| {label} | {s['epe3d']:.3f} | {s['epe2d']:.3f} | {s['dz']:.3f} | {s['occluded_epe3d']:.2f} | {slope} |")
    if args.json:
        with open(args.json, 'w') as handle:
            json.dump(table, handle, indent=1)
