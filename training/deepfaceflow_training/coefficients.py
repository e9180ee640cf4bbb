"""The 52 coefficients by ARKit's names: which of them the morphable model has, what its weights mean in them, random ones, mirror images.

The model's expressions carry ARKit's names, split into sides where ARKit is not: `browInnerUp` and `cheekPuff` are the means of both. It has no tongue, and
its eyes are turned by angle: a turn of EYE_TURN degrees counts as 1, and the lids follow as the model's `eyeLook` shapes say."""
import numpy as np

from .expressions import random_expression
from .morphable import EXPRESSIONS

_SIDED = ('browDown', 'browOuterUp', 'cheekSquint', 'eyeBlink', 'eyeLookDown', 'eyeLookIn', 'eyeLookOut', 'eyeLookUp', 'eyeSquint', 'eyeWide', 'mouthDimple',
          'mouthFrown', 'mouthLowerDown', 'mouthPress', 'mouthSmile', 'mouthStretch', 'mouthUpperUp', 'noseSneer')
_MERGED = ('browInnerUp', 'cheekPuff')
_SINGLE = ('jawForward', 'jawLeft', 'jawOpen', 'jawRight', 'mouthClose', 'mouthFunnel', 'mouthLeft', 'mouthPucker', 'mouthRight', 'mouthRollLower', 'mouthRollUpper',
           'mouthShrugLower', 'mouthShrugUpper')
NAMES = tuple(sorted([f'{name}{side}' for name in _SIDED for side in ('Left', 'Right')] + list(_MERGED + _SINGLE)))  # 51: all but tongueOut
INDEX = {name: i for i, name in enumerate(NAMES)}
EYE_TURN = 30.0
_GAZE_SPREAD = np.array([11.0, 7.0])  # degrees, yaw and pitch
_GAZE_LIMIT = np.array([30.0, 20.0])

# Sparse faces: how often each does something, and how much.
_JAW_SHARE, _SINGLE_SHARE, _PAIR_SHARE, _BLINK_SHARE = 0.6, 0.13, 0.18, 0.35
_ONE_SIDE_SHARE, _WINK_SHARE, _SHUT_SHARE, _CLOSE_SHARE = 0.2, 0.3, 0.4, 0.15
_SIDE_SPREAD = 0.08
_PAIRED = tuple(name for name in _SIDED if not name.startswith(('eyeLook', 'eyeBlink'))) + _MERGED
_STRENGTH = (0.2, 1.0)
_OPPOSITES = (('jawLeft', 'jawRight'), ('mouthLeft', 'mouthRight'), ('eyeWide_L', 'eyeBlink_L'), ('eyeWide_R', 'eyeBlink_R'), ('eyeWide_L', 'eyeSquint_L'),
              ('eyeWide_R', 'eyeSquint_R'), ('mouthFunnel', 'mouthPucker'))
# A blink of 1 leaves the eyes of some heads open by a seventh.
_SHUT = (1.0, 1.15)
_REST = 0.03  # spread of what a resting face does
_KINDS = (0.13, 0.17, 0.7)  # shares of training faces: at rest, talking, sparse


def mirrored_order():
    """(51,): for each coefficient the one of the mirror image."""
    swap = lambda name: name.replace('Left', '#').replace('Right', 'Left').replace('#', 'Right')
    return np.array([INDEX[swap(name)] for name in NAMES])


def to_arkit(weights, model):
    """53 weights of the model -> 51 coefficients in [0, 1] in the order of NAMES."""
    out = np.zeros(len(NAMES), np.float32)
    for name in NAMES:
        if name in _MERGED:
            parts = [f'{name}_L', f'{name}_R']
        elif name in _SINGLE:
            parts = [name]
        else:
            parts = [name.replace('Left', '_L').replace('Right', '_R')]
        out[INDEX[name]] = np.mean([np.clip(weights[model.index[part]], 0, 1) for part in parts])
    return out


def random_gaze(g, share=1.0):
    """(yaw to the picture's left, pitch up) of both eyes, degrees."""
    return np.clip(g.normal(0, _GAZE_SPREAD * share), -_GAZE_LIMIT, _GAZE_LIMIT)


def put_gaze(weights, gaze, model):
    """The `eyeLook` weights of eyes turned by gaze."""
    yaw, pitch = gaze / EYE_TURN
    for name in ('Out_R', 'In_L'):
        weights[model.index[f'eyeLook{name}']] = max(yaw, 0)
    for name in ('In_R', 'Out_L'):
        weights[model.index[f'eyeLook{name}']] = max(-yaw, 0)
    for side in 'LR':
        weights[model.index[f'eyeLookUp_{side}']] = max(pitch, 0)
        weights[model.index[f'eyeLookDown_{side}']] = max(-pitch, 0)


def resting_weights(g):
    """53 weights of a face that means to do nothing."""
    return np.abs(g.normal(0, _REST, EXPRESSIONS)) * (g.random(EXPRESSIONS) < 0.3)


def sparse_weights(g, model):
    """53 weights: a few of the coefficients, each alone as likely as the others, in combinations that a face can make."""
    weights = np.zeros(EXPRESSIONS)

    def put(name, value):
        weights[model.index[name]] = value

    def put_pair(name, value):
        for side in 'LR':
            put(f'{name}_{side}', np.clip(value + g.normal(0, _SIDE_SPREAD), 0, 1))

    if g.random() < _JAW_SHARE:
        jaw = g.uniform(0.05, 0.7) if g.random() < 0.85 else g.uniform(0.7, 1)
        put('jawOpen', jaw)
        if g.random() < _CLOSE_SHARE:
            put('mouthClose', jaw * g.uniform(0.5, 1))
    for name in _SINGLE:
        if name not in ('jawOpen', 'mouthClose') and g.random() < _SINGLE_SHARE:
            put(name, g.uniform(*_STRENGTH))
    for name in _PAIRED:
        if g.random() < _PAIR_SHARE:
            if name in _SIDED and g.random() < _ONE_SIDE_SHARE:
                put(f'{name}_{g.choice(("L", "R"))}', g.uniform(*_STRENGTH))
            else:
                put_pair(name, g.uniform(*_STRENGTH))
    if g.random() < _BLINK_SHARE:
        closed = lambda: g.uniform(*_SHUT) if g.random() < _SHUT_SHARE else g.uniform(0.25, 1)
        if g.random() < _WINK_SHARE:
            put(f'eyeBlink_{g.choice(("L", "R"))}', closed())
        else:
            value = closed()
            for side in 'LR':
                put(f'eyeBlink_{side}', np.clip(value + g.normal(0, 0.04), 0, _SHUT[1]))
    for first, second in _OPPOSITES:
        if weights[model.index[first]] > 0 and weights[model.index[second]] > 0:
            put(first if g.random() < 0.5 else second, 0)
    return weights


def training_weights(g, model):
    """53 weights of a training face."""
    rest, talking, _sparse = range(3)
    kind = g.choice(3, p=_KINDS)
    if kind == rest:
        return resting_weights(g)
    if kind == talking:
        weights = random_expression(g, model)
        for name in model.names:
            if name.startswith('eyeLook'):
                weights[model.index[name]] = 0
        return weights
    return sparse_weights(g, model)
