"""Weights for the engine: a checkpoint's averaged weights as safetensors, f16, PyTorch layouts (conv O I h w, transposed conv I O h w)."""
import json

import numpy as np

from . import safetensors
from .matching import NORM_EPSILON
from .nets import FLOW_UNIT, INPUT_SCALE, INPUT_SHIFT, NETWORKS, PRIOR_DEPTH_UNIT, SLOPE


def metadata(name, samples, provenance, epe=None):
    a, prior, fine = NETWORKS[name]
    return dict(
        format='deepfaceflow', version='1', network=name, architecture='dffnet', a=a, prior=prior, fine_matching=int(fine), unit=FLOW_UNIT, prior_depth_unit=PRIOR_DEPTH_UNIT,
        input_shift=INPUT_SHIFT, input_scale=INPUT_SCALE, slope=SLOPE, norm_epsilon=NORM_EPSILON, samples=samples, epe=json.dumps(epe or {}),
        provenance=provenance)


def export(path, name, state, samples, provenance, epe=None):
    """Write the state dict (name -> tensor) of network `name`; raises ValueError when a value does not fit f16."""
    tensors = {}
    for key, value in state.items():
        array = value.float().cpu().numpy()
        half = array.astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError(f'{key}: a value of {np.abs(array).max():g} does not fit f16')
        tensors[key] = half
    safetensors.save(path, tensors, metadata(name, samples, provenance, epe))
