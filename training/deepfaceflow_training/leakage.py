"""Shows that no photo, texture or seed of an evaluation set occurs in training."""
import json
import os

import numpy as np

from .regressor import MissingMaterial
from .shards import list_shards
from .textures import likenesses


def _photo_overlap(prepared):
    try:
        data = np.load(prepared)
    except (OSError, ValueError) as error:
        raise MissingMaterial(f'{prepared}: {error}') from error
    names, test = data['names'], data['test']
    by_name = set(names[test]) & set(names[~test])
    digest = lambda chosen: {texture.tobytes() for texture in data['textures'][chosen]}
    by_texture = digest(test) & digest(~test)
    # The same picture cropped or saved again would correlate almost perfectly in uv space.
    closest = likenesses(data['textures'])[np.ix_(test, ~test)].max()
    return len(names), int(test.sum()), len(by_name), len(by_texture), float(closest)


def check_leakage(prepared, sets, log):
    """Prints its findings; returns 1 when anything is shared."""
    total, testing, names, textures, closest = _photo_overlap(prepared)
    log(f'{total} photos, {testing} for evaluation; in both splits: {names} names, {textures} textures; closest textures correlate {closest:.3f}')
    seeds = {'train': set(), 'test': set()}
    for folder in sets:
        for shard in list_shards(folder):
            with open(os.path.join(folder, shard, 'meta.json')) as handle:
                meta = json.load(handle)
            seeds[meta['split']] |= {(meta['level'], meta['seed'], i) for i in range(meta['start'], meta['start'] + meta['count'])}
    shared = seeds['train'] & seeds['test']
    log(f"{len(seeds['train'])} training and {len(seeds['test'])} evaluation pairs by (level, seed, index); shared: {len(shared)}")
    return 1 if names or textures or shared else 0
