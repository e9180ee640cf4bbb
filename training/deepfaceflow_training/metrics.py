"""Errors of a flow against the truth, accumulated over pairs (template px)."""
import numpy as np

from .pairs import HIDDEN, VISIBLE

OUTLIER_PX = 3.0


class FlowErrors:
    """Sums over pixels; `summary()` gives means over visible pixels, occluded ones apart, percentiles and outliers of EPE3D."""

    def __init__(self):
        self.visible, self.hidden, self.pairs = [], [], []

    def add(self, flow, truth, state, mask):
        """flow, truth (h, w, 3) px; state (h, w); mask (h, w): the product's face mask. Returns the pair's visible EPE3D (nan when none)."""
        error = flow.astype(np.float32) - truth.astype(np.float32)
        rows = np.stack([np.linalg.norm(error, axis=2), np.linalg.norm(error[..., :2], axis=2), np.abs(error[..., 2])], -1)
        seen, hidden = rows[(state == VISIBLE) & mask], rows[(state == HIDDEN) & mask]
        self.visible.append(seen.astype(np.float16))
        self.hidden.append(hidden.astype(np.float16))
        self.pairs.append(float(seen[:, 0].mean()) if len(seen) else float('nan'))
        return self.pairs[-1]

    def summary(self):
        visible, hidden = (np.concatenate(rows).astype(np.float32) for rows in (self.visible, self.hidden))
        if not len(visible):
            raise ValueError('no visible face pixel in the set')
        p50, p90, p99 = np.percentile(visible[:, 0], [50, 90, 99])
        mean = visible.mean(0)
        return dict(epe3d=float(mean[0]), epe2d=float(mean[1]), dz=float(mean[2]), p50=float(p50), p90=float(p90), p99=float(p99),
                    outliers=float((visible[:, 0] > OUTLIER_PX).mean()), occluded_epe3d=float(hidden[:, 0].mean()) if len(hidden) else float('nan'),
                    occluded_epe2d=float(hidden[:, 1].mean()) if len(hidden) else float('nan'), occluded_share=len(hidden) / (len(hidden) + len(visible)))


def format_summary(s):
    return f"EPE3D {s['epe3d']:.3f} EPE2D {s['epe2d']:.3f} |dz| {s['dz']:.3f} occluded {s['occluded_epe3d']:.2f}"
