"""The small evaluation sets that are committed: CC0 material only, for `npm run eval` from a fresh clone."""
import json
import os

import cv2
import numpy as np

from . import safetensors
from .baselines import Baselines
from .evaluation import evaluate_set
from .shards import FIELDS, PairSet, generator_for, list_shards

SEED = 2026
STEP = 2  # the truth is stored on every second row and column, from 0

README = """# Fixed evaluation sets

Registered 224x224 pairs with exact flow, so that `npm run eval` runs from a fresh clone. Written by

    python3 -m deepfaceflow_training fixtures --material MATERIAL --assets FACE_MESH_PACKAGE --prepared PREPARED --out {out} --count {count}

split test, seed {seed}, indices 0 .. {last} of each level; photos and skin textures from `faker` (AI-generated portraits, CC0 1.0) that no training
pair uses; heads of the rendered set: ICT-FaceKit (MIT, USC Institute for Creative Technologies).

`rendered/`, `photowarp/`: `NNN-1.png`, `NNN-2.png` (frames A and B), `NNN.safetensors` with

| tensor | |
|---|---|
| `flow` | (112, 112, 3) f16, template px, at the pixels with even row and column (pixel [2 r, 2 c] of the frame) |
| `state` | (112, 112) u8: 0 no face, 1 visible in B, 2 not visible in B, 3 behind an occluder in A |
| `mesh_a`, `mesh_b` | (468, 3) f32: what the mesh network gave in PyTorch, template px (the engine makes its own) |

Depth is measured from the mean depth of the 68 landmarks in each frame. Errors are taken where the mesh of frame A covers the pixel and `state` is 1 (visible) or
2 (occluded, reported apart); metadata holds the poses (yaw, pitch, roll of A and of B, degrees).

`baselines.json`: errors of the baselines on these pairs (OpenCV {opencv}, all pixels of the full truth), by set and method.
"""


class _Pairs:
    """Pairs in memory with the interface of a PairSet."""

    def __init__(self, pairs):
        self.fields = {name: np.stack([getattr(pair, name) for pair in pairs]).astype(dtype) for name, (_, dtype) in FIELDS.items()}

    def __len__(self):
        return len(self.fields['i1'])

    def batch(self, indices):
        return {name: array[indices] for name, array in self.fields.items()}


def _write_pairs(folder, pairs, level, seed):
    os.makedirs(folder, exist_ok=True)
    for number in range(len(pairs)):
        pair = {name: array[0] for name, array in pairs.batch(np.array([number])).items()}
        stem = os.path.join(folder, f'{number:03d}')
        for suffix in ('1', '2'):
            cv2.imwrite(f'{stem}-{suffix}.png', pair['i' + suffix][..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        tensors = dict(flow=pair['flow'][::STEP, ::STEP].astype(np.float16), state=pair['state'][::STEP, ::STEP], mesh_a=pair['mesh_a'], mesh_b=pair['mesh_b'])
        safetensors.save(stem + '.safetensors', tensors, dict(level=level, seed=seed, index=number, pose=', '.join(f'{v:.2f}' for v in pair['pose'])))


def _write_baselines(out, sets, canonical, log):
    """sets: level -> pairs."""
    table = {level: evaluate_set(pairs, canonical, {}, True) for level, pairs in sets.items()}
    for level, summaries in table.items():
        for label in Baselines.NAMES:
            log(f"{level} {label}: EPE3D {summaries[label]['epe3d']:.3f} EPE2D {summaries[label]['epe2d']:.3f}")
    with open(os.path.join(out, 'baselines.json'), 'w') as handle:
        json.dump(table, handle, indent=1)


def write_eval_sets(args, makers, log):
    """`fixtures`: the committed sets."""
    sets = {level: _Pairs([maker.make(generator_for('test', level, SEED, i)) for i in range(args.count)]) for level, maker in makers.items()}
    for level, pairs in sets.items():
        _write_pairs(os.path.join(args.out, level), pairs, level, SEED)
    _write_baselines(args.out, sets, next(iter(makers.values())).material.regressor.canonical, log)
    with open(os.path.join(args.out, 'README.md'), 'w') as handle:
        handle.write(README.format(out='test/fixtures/eval', count=args.count, seed=SEED, last=args.count - 1, opencv=cv2.__version__))


def write_shards_for_eval(args, canonical, log):
    """`eval-sets`: whole sets of shards in the form that `npm run eval -- --fixtures` reads."""
    sets = {}
    for folder in args.sets:
        with open(os.path.join(folder, list_shards(folder)[0], 'meta.json')) as handle:
            meta = json.load(handle)
        sets[meta['level']] = pairs = PairSet(folder, log=log)
        _write_pairs(os.path.join(args.out, meta['level']), pairs, meta['level'], meta['seed'])
    _write_baselines(args.out, sets, canonical, log)
