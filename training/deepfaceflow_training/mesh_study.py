"""`evaluate-mesh`: what the mesh network gets right of heads whose landmarks are known: motion, openings of eyes and mouth, chin, relief.

Openings are told by pairs that open or close by a few px: how much of the true change the mesh shows. The relief's correlation tells whether it draws one depth over every head."""
import json
import os

import numpy as np

from .contours import CHIN_LANDMARK, LID_GAPS, LIP_GAPS, gaps
from .depth_study import dz_slope, labels
from .encoding import encode, mesh_difference
from .metrics import FlowErrors
from .pairs import VISIBLE
from .registered_meshes import RegisteredMeshes
from .regressor import LANDMARKS68, MeshRegressor
from .shards import PairSet
from .textures import read_photo

LEAST_CHANGE = 3.0  # px that an opening must change by to count
_NOSE, _ROUND = 30, (36, 45, 8)  # the nose's tip lies before the plane of outer eye corners and chin


def _share(found, true):
    """Share of the true change (n,) that the found one (n,) shows, over pairs that change enough; nan without any."""
    moved = np.abs(true) >= LEAST_CHANGE
    return float(found[moved] @ true[moved] / (true[moved] @ true[moved])) if moved.any() else float('nan')


def _relief(points):
    """(n, 68, 3) -> how far the nose stands out, in distances of the outer eye corners."""
    eyes = np.linalg.norm(points[:, 36] - points[:, 45], axis=1)
    return (points[:, _ROUND, 2].mean(1) - points[:, _NOSE, 2]) / eyes


def shape_summary(mesh_a, mesh_b, points_a, points_b):
    """Meshes (n, 468, 3) and true landmarks (n, 68, 3) of both frames -> figures; none where no landmarks are known."""
    given = np.isfinite(points_a).all((1, 2)) & np.isfinite(points_b).all((1, 2))
    if not given.any():
        return {}
    own_a, own_b, a, b = mesh_a[given][:, LANDMARKS68], mesh_b[given][:, LANDMARKS68], points_a[given], points_b[given]
    out = {}
    for name, group in (('lids', LID_GAPS), ('lips', LIP_GAPS)):
        out[name + '_share'] = _share(gaps(own_b, group) - gaps(own_a, group), gaps(b, group) - gaps(a, group))
        true, found = (np.concatenate([gaps(p, group) for p in both]) for both in ((a, b), (own_a, own_b)))
        closed = true < 1
        out[name + '_closed'] = float(found[closed].mean()) if closed.any() else float('nan')
    chin = np.concatenate([own_a, own_b])[:, CHIN_LANDMARK, 1] - np.concatenate([a, b])[:, CHIN_LANDMARK, 1]
    out.update(chin_bias=float(chin.mean()), chin_error=float(np.abs(chin).mean()), relief=float(_relief(own_a).mean()), true_relief=float(_relief(a).mean()),
               relief_correlation=float(np.corrcoef(_relief(own_a), _relief(a))[0, 1]))
    return out


def study_set(meshes, pairs, canonical):
    errors, slopes, fields = FlowErrors(), [], pairs.batch(np.arange(len(pairs)))
    mesh_a, mesh_b = meshes.of_images(fields['i1']), meshes.of_images(fields['i2'])
    for a, b, truth, state in zip(mesh_a, mesh_b, fields['flow'].astype(np.float32), fields['state']):
        channels, mask = encode(a, b, canonical)
        found = mesh_difference(channels)
        errors.add(found, truth, state, mask)
        slopes.append(dz_slope(found, truth, (state == VISIBLE) & mask))
    summary = errors.summary()
    slopes = [slope for slope in slopes if np.isfinite(slope)]
    return dict({name: summary[name] for name in ('epe3d', 'epe2d', 'dz')}, slope=float(np.median(slopes)) if slopes else float('nan'),
                **shape_summary(mesh_a, mesh_b, fields['points_a'], fields['points_b']))


def read_frames(folder):
    """Registered real frames that `eval/make-real-frames.ts` wrote: (frames (n, 224, 224, 3) u8, the attention network's landmarks (n, 68, 2) px, names of their sequences)."""
    with open(os.path.join(folder, 'frames.json')) as handle:
        landmarks = json.load(handle)['landmarks']
    frames = [read_photo(os.path.join(folder, name)) for name in landmarks]
    return np.stack(frames), np.array(list(landmarks.values()), np.float32).reshape(-1, 68, 2), np.array([name.rsplit('-', 1)[0] for name in landmarks])


def real_summary(own, points, sequences):
    """Landmarks of meshes and true ones (n, 68, 2) px of real frames -> figures. Slopes: how much of an opening's change within a sequence the mesh shows."""
    own, out = own[..., :2], {}
    for name, group in (('lids', LID_GAPS), ('lips', LIP_GAPS)):
        found, true = gaps(own, group), gaps(points, group)
        within = lambda values: np.concatenate([values[sequences == one] - values[sequences == one].mean() for one in np.unique(sequences)])
        x, y = within(true), within(found)
        lowest = true <= np.percentile(true, 10)
        out.update({name + '_slope': float(x @ y / (x @ x)), name + '_correlation': float(np.corrcoef(x, y)[0, 1]),
                    name + '_closed': float(found[lowest].mean()), name + '_truly_closed': float(true[lowest].mean())})
    error = own - points
    distance = lambda first, end: float(np.linalg.norm(error[:, first:end], axis=2).mean())
    return dict(out, chin_bias=float(error[:, CHIN_LANDMARK, 1].mean()), lids=distance(36, 48), outer_lips=distance(48, 60), inner_lips=distance(60, 68),
                mouth_width_bias=float((error[:, 54, 0] - error[:, 48, 0]).mean()))


def study_frames(args, log):
    for folder in args.frames:
        frames, points, sequences = read_frames(folder)
        log(f'\n{len(frames)} real frames of {folder} against the attention network: openings over those of their sequence, px')
        for label, path in labels(args.weights):
            regressor = MeshRegressor(args.assets, path)
            row = real_summary(RegisteredMeshes(regressor.net, regressor.canonical).of_images(frames)[:, LANDMARKS68], points, sequences)
            log(f'{label}: ' + ', '.join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in row.items()))


_COLUMNS = ('epe3d', 'epe2d', 'dz', 'slope', 'lids_share', 'lids_closed', 'lips_share', 'lips_closed', 'chin_bias', 'chin_error', 'relief', 'true_relief', 'relief_correlation')


def study_meshes(args, log):
    table = {}
    log('| set | weights | ' + ' | '.join(name.replace('_', ' ') for name in _COLUMNS) + ' |\n' + '|---' * (len(_COLUMNS) + 2) + '|')
    for folder in args.sets:
        name, pairs = os.path.basename(os.path.normpath(folder)), PairSet(folder, log=log)
        for label, path in labels(args.weights):
            regressor = MeshRegressor(args.assets, path)
            row = study_set(RegisteredMeshes(regressor.net, regressor.canonical), pairs, regressor.canonical)
            table.setdefault(name, {})[label] = row
            log(f'| {name} | {label} | ' + ' | '.join(f'{row[column]:.2f}' if column in row else '-' for column in _COLUMNS) + ' |')
    study_frames(args, log)
    if args.json:
        with open(args.json, 'w') as handle:
            json.dump(table, handle, indent=1)
