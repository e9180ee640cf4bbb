"""Reading weights back: shipped safetensors, the trainer's checkpoints, plain state dicts."""
import numpy as np
import torch

from . import safetensors
from .nets import NETWORKS


def read_tensors(path):
    """-> (state dict in f32, metadata) of a safetensors file."""
    tensors, metadata = safetensors.load(path)
    return {name: torch.from_numpy(value.astype(np.float32)) for name, value in tensors.items()}, metadata


def read_weights(path):
    """-> (state dict in f32, name of the network or None, (width multiplier, channels of the prior, fine matching) or None)."""
    if path.endswith('.safetensors'):
        state, metadata = read_tensors(path)
        return state, metadata['network'], (float(metadata['a']), int(metadata['prior']), metadata.get('fine_matching') == '1')
    saved = torch.load(path, map_location='cpu')
    name = saved['settings']['network'] if 'settings' in saved else None
    state = {key: value.float() for key, value in saved.get('ema', saved).items()}
    return state, name, NETWORKS.get(name)
