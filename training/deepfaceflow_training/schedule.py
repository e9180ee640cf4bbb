"""How far a run has come: by steps, or by the minutes that it may take, whichever is further."""
import time


class Progress:
    """steps, minutes: what the run may take; minutes None: as long as the steps do. spent: seconds of earlier calls of the same run."""

    def __init__(self, steps, minutes=None, spent=0.0, clock=time.monotonic):
        if minutes is not None and not minutes > 0:
            raise ValueError(f'--minutes is {minutes}: it must be above 0')
        self.steps, self.limit, self.clock, self.began = steps, None if minutes is None else 60.0 * minutes, clock, clock() - spent

    @property
    def spent(self):
        """Seconds, those of earlier calls included."""
        return self.clock() - self.began

    def at(self, step):
        """Share of the run in [0, 1] before step `step` (from 0) is taken; at 1 it is over."""
        share = step / self.steps
        if self.limit is not None:
            share = max(share, self.spent / self.limit)
        return min(1.0, share)
