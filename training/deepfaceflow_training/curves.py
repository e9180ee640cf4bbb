"""Plots of a run's log: loss and test errors over samples."""
import json

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt

from .regressor import MissingMaterial


def _read(path):
    try:
        with open(path) as handle:
            return [json.loads(line) for line in handle if line.strip()]
    except (OSError, ValueError) as error:
        raise MissingMaterial(f'{path}: {error}') from error


def plot_curves(logs, out):
    """logs: paths of log.jsonl files of one run or of several; out: PNG."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
    for path in logs:
        rows = _read(path)
        label = path.split('/')[-2] if '/' in path else path
        left.plot([r['samples'] for r in rows], [r['loss'] for r in rows], label=label)
        tested = [r for r in rows if 'test' in r]
        for name in sorted({name for r in tested for name in r['test']}):
            chosen = [r for r in tested if name in r['test']]
            line, = right.plot([r['samples'] for r in chosen], [r['test'][name]['epe3d'] for r in chosen], marker='o', label=f'{label} {name} EPE3D')
            if all('epe2d' in r['test'][name] for r in chosen):  # depth from motion changes dz alone
                right.plot([r['samples'] for r in chosen], [r['test'][name]['epe2d'] for r in chosen], marker='o', ls='--', color=line.get_color(), label='EPE2D')
    left.set(xlabel='samples', ylabel='training loss (running mean), px', yscale='log')
    right.set(xlabel='samples', ylabel='error on the evaluation sets, px')
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(out, dpi=110)
