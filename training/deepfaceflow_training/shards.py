"""Pairs on disk: folders of a few hundred pairs, written atomically, read as memory maps.

A set's folder holds shard-00000, shard-00001, ...; each has one .npy per field and `meta.json`, which is written last: a shard without
it, or with files of the wrong size, is not complete and is skipped with a message.
"""
import json
import os
import shutil
import time
import zlib

import numpy as np

from .geometry import SIZE
from .material import SPLITS

FIELDS = dict(
    i1=((SIZE, SIZE, 3), np.uint8), i2=((SIZE, SIZE, 3), np.uint8), state=((SIZE, SIZE), np.uint8), flow=((SIZE, SIZE, 3), np.float16),
    mesh_a=((468, 3), np.float32), mesh_b=((468, 3), np.float32), pose=((6,), np.float32),
    points_a=((68, 3), np.float32), points_b=((68, 3), np.float32))
SHARD_SIZE = 256
GENERATOR_VERSION = 2  # part of every pair's seed: raise it when the generators change


class DamagedShard(ValueError):
    """A shard whose files are missing, truncated or of another layout."""


def generator_for(split, level, seed, index):
    """The random generator of one pair. Training and evaluation seeds never meet: the split is part of the seed."""
    return np.random.default_rng([GENERATOR_VERSION, SPLITS.index(split), zlib.crc32(level.encode()), seed, index])


def write_set(folder, maker, split, level, seed, count, shard_size=SHARD_SIZE, log=print):
    """Write pairs 0 .. count-1 of (split, level, seed); complete shards of an earlier run are kept, but for a last one that has fewer pairs than now. Pair i is the same in any run."""
    os.makedirs(folder, exist_ok=True)
    for number, start in enumerate(range(0, count, shard_size)):
        target = os.path.join(folder, f'shard-{number:05d}')
        size = min(shard_size, count - start)
        try:
            if len(open_shard(target)['i1']) >= size:
                continue
        except DamagedShard:
            pass
        part, began = target + '.part', time.process_time()
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        maps = {name: np.lib.format.open_memmap(os.path.join(part, name + '.npy'), 'w+', dtype, (size, *shape)) for name, (shape, dtype) in FIELDS.items()}
        for i in range(size):
            pair = maker.make(generator_for(split, getattr(maker, 'stream', None) or level, seed, start + i))
            for name in FIELDS:
                maps[name][i] = getattr(pair, name)
        for array in maps.values():
            array.flush()
        with open(os.path.join(part, 'meta.json'), 'w') as handle:
            json.dump(dict(split=split, level=level, seed=seed, start=start, count=size, version=GENERATOR_VERSION), handle)
        shutil.rmtree(target, ignore_errors=True)  # a damaged one, or one that ended a smaller set
        os.replace(part, target)
        log(f'{target}: {size} pairs, {size / (time.process_time() - began):.1f} per CPU-second')


def open_shard(path):
    """-> name -> memory map. Raises DamagedShard."""
    try:
        with open(os.path.join(path, 'meta.json')) as handle:
            count = json.load(handle)['count']
        maps = {name: np.load(os.path.join(path, name + '.npy'), mmap_mode='r') for name in FIELDS}
    except (OSError, ValueError, KeyError) as error:
        raise DamagedShard(f'{path}: {error}') from error
    for name, (shape, dtype) in FIELDS.items():
        if maps[name].shape != (count, *shape) or maps[name].dtype != dtype:
            raise DamagedShard(f'{path}/{name}.npy: {maps[name].dtype}{maps[name].shape}, expected {np.dtype(dtype)}{(count, *shape)}')
    return maps


def list_shards(folder):
    """Names of the shards of a set that were completed, sorted."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DamagedShard(f'{folder}: {error.strerror}') from error
    return [name for name in names if name.startswith('shard-') and not name.endswith('.part') and os.path.exists(os.path.join(folder, name, 'meta.json'))]


class PairSet:
    """All complete shards of a folder as one indexable set; damaged ones are named and skipped."""

    def __init__(self, folder, names=None, log=print):
        self.folder, self.names, self.shards = folder, [], []
        for name in list_shards(folder) if names is None else names:
            try:
                self.shards.append(open_shard(os.path.join(folder, name)))
                self.names.append(name)
            except DamagedShard as error:
                log(f'skipped: {error}')
        self.starts = np.cumsum([0] + [len(shard['i1']) for shard in self.shards])

    def __len__(self):
        return int(self.starts[-1])

    def batch(self, indices):
        """name -> stacked array of the pairs at `indices`."""
        where = np.searchsorted(self.starts, indices, 'right') - 1
        return {name: np.stack([self.shards[s][name][i - self.starts[s]] for s, i in zip(where, indices)]) for name in FIELDS}
