"""A start for a narrower network of the family: of every layer of a trained one, the channels that matter most.

Training from there needs a fraction of the samples that it needs from random weights (EXPERIMENTS.md)."""
import torch

# Layer -> what its input is made of, in order: layers, or a number of channels that are no layer's and stay; None: as many as are left.
_ENCODER = {
    'conv1': (3,), 'conv2': ('conv1',), 'conv3': ('conv2',), 'pncc1': (None,), 'pncc2': ('pncc1',), 'pncc3': ('pncc2',), 'redir': ('conv3',),
    'conv3_1': (169, 'redir', 'pncc3'), 'conv4': ('conv3_1',), 'conv4_1': ('conv4',), 'conv5': ('conv4_1',), 'conv5_1': ('conv5',),
    'conv6': ('conv5_1',), 'conv6_1': ('conv6',)}
_DECODED = (
    ('conv6_1',), ('up.0', 'conv5_1', 3), ('up.1', 'conv4_1', 3), ('up.2', 'conv3_1', 3), ('up.3', 'conv2', 3, 'match.3'), ('up.4', 'conv1', 3, 'match.4'),
    ('up.5', None))


def _sources():
    decoder = {f'{layer}.{step}': parts for step, parts in enumerate(_DECODED) for layer in ('predict', 'up') if layer == 'predict' or step < 6}
    return {**_ENCODER, **decoder}


def _by_output(name, weight):
    return weight.transpose(0, 1) if name.startswith('up.') else weight


def _blocks(state, name, parts):
    """(part, first channel, number of channels) of a layer's input."""
    weight = _by_output(name, state[f'{name}.weight'])
    parts = [part for part in parts if not isinstance(part, str) or f'{part}.bias' in state]  # without fine matching there is no match.3
    sizes = [part if isinstance(part, int) else None if part is None else len(state[f'{part}.bias']) for part in parts]
    rest = weight.shape[1] - sum(size for size in sizes if size is not None)
    first = 0
    for part, size in zip(parts, sizes):
        size = rest if size is None else size
        yield part, first, size
        first += size


def narrowed(state, net):
    """The part of a state dict that fits `net`, which differs from its network in width alone: (weights of a channel) x (weights on it) decides what stays."""
    own, sources = net.state_dict(), _sources()
    used = {}
    for name, parts in sources.items():
        weight = _by_output(name, state[f'{name}.weight'])
        for part, first, size in _blocks(state, name, parts):
            if isinstance(part, str):
                use = weight[:, first:first + size].pow(2).flatten(2).sum((0, 2))
                used[part] = used.get(part, 0) + use / use.mean()
    chosen = {}
    for name, use in used.items():
        size = _by_output(name, state[f'{name}.weight']).flatten(1).pow(2).sum(1)
        count = len(own[f'{name}.bias'])
        chosen[name] = (size * use).topk(count).indices.sort().values
    out = {}
    for name in state:
        layer, kind = name.rsplit('.', 1)
        rows = chosen.get(layer, slice(None))
        if kind == 'bias':
            out[name] = state[name][rows]
            continue
        weight = _by_output(layer, state[name])
        if layer in sources:
            columns = [first + (chosen[part] if isinstance(part, str) else torch.arange(size)) for part, first, size in _blocks(state, layer, sources[layer])]
            weight = weight[:, torch.cat(columns)]
        out[name] = _by_output(layer, weight[rows]).contiguous()
    return out
