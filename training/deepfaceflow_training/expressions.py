"""Random expressions, head poses and gaze: single ones, and pairs with small and large motion."""
import numpy as np

from .morphable import EXPRESSIONS

_JAW_MATES = ('mouthFunnel', 'mouthPucker', 'mouthRollLower', 'mouthShrugLower', 'mouthShrugUpper', 'jawForward')
_MOUTH_PAIRS = ('mouthSmile', 'mouthStretch', 'mouthUpperUp', 'mouthLowerDown', 'mouthDimple', 'mouthFrown', 'mouthPress')
_STRONG_PAIRS = ('browDown', 'browInnerUp', 'browOuterUp', 'cheekPuff', 'cheekSquint', 'eyeSquint', 'eyeWide', 'mouthSmile', 'mouthFrown', 'noseSneer', 'mouthStretch')
_BROW_PAIRS = ('browInnerUp', 'browDown', 'browOuterUp')
# Share of: quiet, speech, speech with strong expression, asymmetric.
_KINDS = (0.2, 0.35, 0.32, 0.13)
POSE_LIMITS = np.array([48.0, 27.0, 22.0])  # yaw, pitch, roll, degrees
# Vivid faces: shares with lids of their own (shut, half shut, one eye shut) and lips of their own (pressed, pursed, wide open). Quiet faces teach that lids hardly move.
VIVID_LIDS, LID_KINDS = 0.5, (0.5, 0.2, 0.3)
VIVID_LIPS, LIP_KINDS = 0.5, (0.3, 0.3, 0.4)
# A blink of 1 leaves the eyes of some heads open by a seventh; this shuts all but a few, whose lids then overlap by a little.
SHUT = (1.0, 1.15)
_LARGEST = 1.15


def random_expression(g, model):
    """53 weights in [0, 1.1]."""
    weights = np.zeros(EXPRESSIONS)

    def put(name, value):
        weights[model.index[name]] = value

    def put_pair(name, value, asymmetry=0.15):
        put(name + '_L', value * (1 + asymmetry * g.normal()))
        put(name + '_R', value * (1 + asymmetry * g.normal()))

    quiet, speech, strong, asymmetric = range(4)
    kind = g.choice(4, p=_KINDS)
    if kind in (speech, strong):
        jaw = g.uniform(0, 0.6)
        put('jawOpen', jaw)
        put('mouthClose', jaw * g.uniform(0, 0.6))
        if g.random() < 0.5:
            put(g.choice(_JAW_MATES), g.uniform(0, 0.8))
        if g.random() < 0.5:
            put_pair(g.choice(_MOUTH_PAIRS), g.uniform(0.1, 0.7))
    if kind == strong:
        for name in g.choice(_STRONG_PAIRS, g.integers(1, 4), False):
            put_pair(name, g.uniform(0.3, 1))
        if g.random() < 0.4:
            put('jawOpen', g.uniform(0.3, 1))
    if kind == asymmetric:
        for name in g.choice(model.names, 4, False):
            put(name, g.uniform(0.2, 0.9))
        put('mouthClose', min(weights[model.index['mouthClose']], weights[model.index['jawOpen']]))
    if g.random() < 0.35:
        put_pair(g.choice(_BROW_PAIRS), g.uniform(0, 0.7))
    blink = g.random()
    if blink < 0.15:
        put_pair('eyeBlink', g.uniform(0.5, 1), 0.02)
    elif blink < 0.4:
        put_pair('eyeBlink', g.uniform(0, 0.3), 0.05)
    weights += np.abs(g.normal(0, 0.03, EXPRESSIONS)) * (g.random(EXPRESSIONS) < 0.3)
    return np.clip(weights, 0, 1.1)


def lid_closures(g):
    """Weights (left, right) of closed lids in [0, 1.15], or None where the lids keep what they do."""
    if g.random() >= VIVID_LIDS:
        return None
    shut, half, _wink = range(3)
    kind = g.choice(3, p=LID_KINDS)
    if kind == half:
        return g.uniform(0.3, 0.9) + g.normal(0, 0.03, 2)
    closed = g.uniform(*SHUT, 2)
    if kind != shut:
        closed[g.integers(2)] = g.uniform(0, 0.4)
    return closed


def lip_kind(g):
    """'pressed', 'pursed', 'open', or None where the lips keep what they do."""
    return ('pressed', 'pursed', 'open')[g.choice(3, p=LIP_KINDS)] if g.random() < VIVID_LIPS else None


def vivid_expression(g, model):
    """53 weights in [0, 1.15]: a random expression whose lids often close fully and whose lips often press, purse or open wide."""
    weights = random_expression(g, model)

    def put(value, *names):
        for name in names:
            weights[model.index[name]] = value

    closures, lips = lid_closures(g), lip_kind(g)
    if closures is not None:
        put(0, 'eyeWide_L', 'eyeWide_R')
        put(closures[0], 'eyeBlink_L')
        put(closures[1], 'eyeBlink_R')
    if lips:
        put(0, *(name for name in model.names if name.startswith(('mouth', 'jaw'))))
    if lips == 'pressed':
        put(g.uniform(0.4, 1), 'mouthPress_L', 'mouthPress_R')
        put(g.uniform(0, 0.8), 'mouthRollLower', 'mouthRollUpper')
    elif lips == 'pursed':
        put(g.uniform(0.4, 1), 'mouthPucker')
        put(g.uniform(0, 0.5), 'mouthFunnel')
    elif lips == 'open':
        put(g.uniform(0.5, 1.1), 'jawOpen')
        put(g.uniform(0, 0.6), 'mouthUpperUp_L', 'mouthUpperUp_R')
        put(g.uniform(0, 0.6), 'mouthLowerDown_L', 'mouthLowerDown_R')
    return np.clip(weights, 0, _LARGEST)


def second_expression(g, model, first, still=0.12, large=0.5, draw=random_expression):
    """Expression of frame B: unrelated (probability `large`), the same (`still`), or a step towards another one. draw: what draws the other one."""
    kind = g.random()
    if kind < large:
        return draw(g, model)
    if kind < large + still:
        return first
    return np.clip(first + g.uniform(0.15, 0.6) * (draw(g, model) - first), 0, _LARGEST if draw is vivid_expression else 1.1)


def random_poses(g):
    """(yaw, pitch, roll) of both frames, degrees: half of the pairs move little, an eighth not alike at all."""
    a = np.array([np.clip(g.normal(0, 17), -45, 45), np.clip(g.normal(0, 8), -25, 25), np.clip(g.normal(0, 5), -20, 20)])
    kind = g.random()
    if kind < 0.87:
        size = 3 if kind < 0.5 else 9
        b = a + g.normal(0, [size, size * 0.6, size * 0.4])
    else:
        b = np.array([g.uniform(-42, 42), g.uniform(-22, 22), g.uniform(-12, 12)])
    return a, np.clip(b, -POSE_LIMITS, POSE_LIMITS)


def random_gaze(g):
    """(yaw, pitch) of both frames' eyes, degrees."""
    a = g.normal(0, [9, 5])
    return a, (a + g.normal(0, [3, 2]) if g.random() < 0.7 else g.normal(0, [9, 5]))
