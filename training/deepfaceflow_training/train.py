"""The trainer: AdamW, warm-up and cosine over steps or minutes, averaged weights, checkpoints that resume to the same state; on the GPU where there is one."""
import json
import math
import os
import queue
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

import numpy as np
import torch

from .batches import Stream, training_batch
from .geometry import SIZE
from .inference import evaluate
from .loss import endpoint_loss, photoconsistency_loss
from .metrics import format_summary
from .nets import FLOW_UNIT, adapted, build
from .schedule import Progress
from .shards import PairSet
from .weights import read_weights

EMA_DECAY = 0.998
CLIP_NORM = 20.0
_TIMING_STEPS = 2


@dataclass
class Settings:
    network: str = 'dffnet-m'
    sets: list = field(default_factory=list)  # folders; every batch takes the same number of pairs from each
    tests: list = field(default_factory=list)
    out: str = 'run'
    init: str = ''
    size: int = 224  # px that whole frames are averaged down to
    window: int = 224  # px of the part of each frame, about the face, that a step sees; 224: all
    batch: int = 8
    lr: float = 4e-4
    final_lr: float = 8e-6
    steps: int = 7000
    minutes: float = None  # that the run may take, all its calls together; the cosine follows what is further, time or steps
    warmup: int = 150
    photo: float = 0.0  # alpha of the photoconsistency term
    seed: int = 0
    threads: int = 1
    save_every: int = 240  # seconds
    test_every: int = 400  # steps
    test_limit: int = 64  # pairs of each test set while training
    precision: str = 'auto'
    device: str = 'auto'  # cuda where there is one
    feeders: int = 1  # threads that make batches: a GPU wants many


class Trainer:
    """State: net, ema, optimiser, step, streams. Everything that decides the next step is in `checkpoint()`."""

    def __init__(self, settings, canonical, log=print):
        self.settings, self.canonical, self.log = settings, canonical, log
        torch.set_num_threads(settings.threads)
        torch.set_flush_denormal(True)
        torch.manual_seed(settings.seed)
        self.device = torch.device(settings.device if settings.device != 'auto' else 'cuda' if torch.cuda.is_available() else 'cpu')
        self.net = build(settings.network).to(self.device, memory_format=torch.channels_last)
        if settings.window == SIZE:
            self.net.scale = settings.size / SIZE
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=settings.lr, weight_decay=1e-4, betas=(0.9, 0.99), eps=1e-7)
        self.step, self.samples, self.cpu_seconds, self.mean_loss, self.stop, spent = 0, 0, 0.0, None, False, 0.0
        self.stream_states = [None] * len(settings.sets)
        os.makedirs(settings.out, exist_ok=True)
        self.path = os.path.join(settings.out, 'checkpoint.pt')
        if os.path.exists(self.path):
            spent = self._resume()
        else:
            if settings.init:
                self._initialise(settings.init)
            self.ema = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        self.progress = Progress(max(1, settings.steps - settings.warmup), settings.minutes, spent)

    def _initialise(self, path):
        """Take over every tensor of the same name and shape from any weights file of the family (see `nets.adapted`)."""
        saved = adapted(read_weights(path)[0], self.net)
        own = self.net.state_dict()
        found = {name: value for name, value in saved.items() if name in own and own[name].shape == value.shape}
        self.net.load_state_dict(found, strict=False)
        self.log(f'{path}: {len(found)} of {len(own)} tensors taken over')

    def _resume(self):
        """-> seconds that the run took before."""
        saved = torch.load(self.path, map_location='cpu')
        if saved['settings']['network'] != self.settings.network:
            raise ValueError(f"{self.path} holds {saved['settings']['network']}, not {self.settings.network}")
        self.net.load_state_dict(saved['net'])
        self.optimiser.load_state_dict(saved['optimiser'])
        self.ema = {name: value.to(self.device) for name, value in saved['ema'].items()}
        self.step, self.samples, self.cpu_seconds, self.mean_loss = saved['step'], saved['samples'], saved['cpu_seconds'], saved['mean_loss']
        if saved['settings']['sets'] == self.settings.sets:
            self.stream_states = saved['streams']
        torch.set_rng_state(saved['rng'])
        changed = {k: (v, getattr(self.settings, k)) for k, v in saved['settings'].items() if getattr(self.settings, k) != v}
        self.log(f'resumed at step {self.step}' + (f'; changed settings: {changed}' if changed else ''))
        return saved.get('spent', 0.0)

    def checkpoint(self):
        """Write the whole state beside the old checkpoint, then replace it: a full disk leaves the last one intact."""
        state = dict(settings=asdict(self.settings), net=self.net.state_dict(), ema=self.ema, optimiser=self.optimiser.state_dict(), step=self.step,
                     samples=self.samples, cpu_seconds=self.cpu_seconds, mean_loss=self.mean_loss, spent=self.progress.spent, streams=self.stream_states,
                     rng=torch.get_rng_state())
        try:
            torch.save(state, self.path + '.part')
            os.replace(self.path + '.part', self.path)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
            self.log(f'checkpoint not written: {error}; the last one stays')

    def rate(self, step):
        s = self.settings
        if step < s.warmup:
            return s.lr * (step + 1) / s.warmup
        return s.final_lr + (s.lr - s.final_lr) * 0.5 * (1 + math.cos(math.pi * self.progress.at(step - s.warmup)))

    def _feed(self, batches):
        """Prefetch: a batch is a function of (seed, step, state of the streams), so that resuming repeats nothing and skips nothing. Pairs are taken in order; what
        costs time, their encoding and their looks, is left to `feeders` threads. `batches` gets futures."""
        s = self.settings
        try:
            streams = [Stream(folder, [s.seed, number], state) for number, (folder, state) in enumerate(zip(s.sets, self.stream_states))]
            shares = np.diff(np.linspace(0, s.batch, len(streams) + 1).astype(int))
            workers = ThreadPoolExecutor(s.feeders)
            for step in range(self.step, s.steps):
                parts = [stream.take(share) for stream, share in zip(streams, shares)]
                fields = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
                g = np.random.default_rng([s.seed, 1, step])
                batches.put((workers.submit(training_batch, fields, self.canonical, 3 + self.net.prior, s.size, s.window, g), [stream.state for stream in streams]))
        except Exception as error:  # handed to the training thread, which saves and reports
            batches.put(error)

    def loss(self, batch, bf16):
        i1, i2, encoding, flow, visible, face = batch
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=bf16):
            flows = self.net(i1, i2, encoding)
        total = endpoint_loss(flows, flow, visible, face)
        if self.settings.photo:
            total = total + self.settings.photo * photoconsistency_loss(flows[-1] * (FLOW_UNIT * self.net.scale), i1, i2, visible)
        return total

    def pick_precision(self, batch):
        """Time forward + backward in f32 and bf16 autocast; gradients are thrown away."""
        if self.settings.precision != 'auto':
            return self.settings.precision == 'bf16'
        if self.device.type == 'cuda':
            return torch.cuda.is_bf16_supported()
        rates = {}
        for bf16 in (False, True):
            for timed in range(-1, _TIMING_STEPS):
                if timed == 0:
                    start = time.process_time()
                self.loss(batch, bf16).backward()
            rates[bf16] = _TIMING_STEPS * len(batch[0]) / (time.process_time() - start)
        self.optimiser.zero_grad(set_to_none=True)
        self.log(f'pairs per CPU-second: f32 {rates[False]:.1f}, bf16 {rates[True]:.1f}')
        return rates[True] > rates[False]

    def _update(self, batch, bf16):
        for group in self.optimiser.param_groups:
            group['lr'] = self.rate(self.step)
        loss = self.loss(batch, bf16)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(self.net.parameters(), CLIP_NORM)):
            self.optimiser.step()
        self.step += 1
        self.samples += len(batch[0])
        decay = min(EMA_DECAY, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.net.state_dict().items():
                self.ema[name].lerp_(value, 1 - decay)
        value = loss.item()
        self.mean_loss = value if self.mean_loss is None else 0.99 * self.mean_loss + 0.01 * value

    def test(self, tests, limit, bf16):
        """Errors of the averaged weights on every test set."""
        kept = {name: value.clone() for name, value in self.net.state_dict().items()}
        self.net.load_state_dict(self.ema)
        try:
            return {os.path.basename(pairs.folder): evaluate(self.net, pairs, self.canonical, limit, bf16) for pairs in tests}
        finally:
            self.net.load_state_dict(kept)

    def _report(self, tests, bf16):
        result = self.test(tests, self.settings.test_limit, bf16)
        self.record(loss=round(self.mean_loss, 4), lr=self.rate(self.step), time=round(time.time()), test=result)
        self.log(f'step {self.step} samples {self.samples} CPU-s {self.cpu_seconds:.0f} loss {self.mean_loss:.3f} | '
                 + ' | '.join(f'{name}: {format_summary(r)}' for name, r in result.items()))

    def record(self, **entry):
        with open(os.path.join(self.settings.out, 'log.jsonl'), 'a') as handle:
            handle.write(json.dumps(dict(step=self.step, samples=self.samples, cpu_seconds=round(self.cpu_seconds), **entry)) + '\n')

    def run(self):
        """Train to settings.steps, or until SIGTERM or SIGINT; the last checkpoint is always written."""
        s, batches = self.settings, queue.Queue(2 + self.settings.feeders)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(self, 'stop', True))
        tests = [PairSet(folder, log=self.log) for folder in s.tests]
        threading.Thread(target=self._feed, args=(batches,), daemon=True).start()
        bf16, saved, clock, shown = None, time.time(), time.process_time(), self.step
        while self.step < s.steps and self.progress.at(0) < 1 and not self.stop:
            item = batches.get()
            if isinstance(item, Exception):
                self.checkpoint()
                raise item
            made, states = item
            batch = [x.to(self.device, non_blocking=True) for x in made.result()]
            if bf16 is None:
                bf16 = self.pick_precision(batch)
                clock = time.process_time()
            self._update(batch, bf16)
            self.stream_states = states
            self.cpu_seconds += time.process_time() - clock
            clock = time.process_time()
            if self.step - shown >= 50:
                shown = self.step
                self.record(loss=round(self.mean_loss, 4), lr=self.rate(self.step), time=round(time.time()))
            if self.step % s.test_every == 0:
                self._report(tests, bf16)
                clock = time.process_time()
            if time.time() - saved > s.save_every:
                self.checkpoint()
                saved = time.time()
        self.checkpoint()
        if bf16 is not None and self.step % s.test_every and not self.stop:
            self._report(tests, bf16)
        self.log(f'stopped at step {self.step}')
