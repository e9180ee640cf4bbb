"""The kinds of pairs by the names that the command line and the sets on disk use."""
import functools

from .photowarp import PhotoWarpPairs
from .photowarp_perspective import VIEWS, PerspectivePhotoWarpPairs, TurnedPairs
from .rendered import RenderedPairs
from .rendered_perspective import PerspectivePairs, SecondModelPairs
from .scanned import ScannedPairs

DEFAULT = ('rendered', 'photowarp')
VARIED, VIVID = '-varied', '-vivid'
_KINDS = {
    'rendered': RenderedPairs, 'photowarp': PhotoWarpPairs, 'rendered-perspective': PerspectivePairs, 'photowarp-perspective': PerspectivePhotoWarpPairs,
    'second-model': SecondModelPairs, 'turned': TurnedPairs, **{f'turned-{name}': functools.partial(TurnedPairs, views=view) for name, view in VIEWS.items()},
    **{f'scanned-{name}': functools.partial(ScannedPairs, views=view) for name, view in VIEWS.items()}}
LEVELS = (*_KINDS, *(level + VARIED for level in DEFAULT), *(level + VIVID for level in (*DEFAULT, 'second-model')))


def maker(level, material, split):
    """What makes the pairs of a level. Beside the first two, levels vary the looks and move lids and lips much whenever they are for training."""
    varied = level.endswith(VARIED) or (level not in DEFAULT and split == 'train')
    vivid = level.endswith(VIVID) or varied
    return _KINDS[level.removesuffix(VARIED).removesuffix(VIVID)](material, varied=varied, vivid=vivid)
