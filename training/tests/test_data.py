"""Tests that need no material: pairs on disk, their order and augmentation, resuming."""
import json
import os
import shutil
import unittest

import numpy as np
import torch

from support import Temporary, fake_canonical  # noqa: I001  (puts the package on the path)
from deepfaceflow_training import safetensors, shards
from deepfaceflow_training.batches import Stream, augment, still, to_inputs
from deepfaceflow_training.pairs import HIDDEN
from deepfaceflow_training.rendered import mixed
from deepfaceflow_training.schedule import Progress
from deepfaceflow_training.textures import split_of, without_doubles
from deepfaceflow_training.train import Settings, Trainer


class VariedTest(unittest.TestCase):
    def test_two_skins_are_mixed_within_their_range(self):
        first, second = np.full((64, 64, 3), 100, np.uint8), np.full((64, 64, 3), 200, np.uint8)
        first[:, ::2], second[::2] = 120, 180
        out = mixed(np.random.default_rng(1), first, second)
        self.assertEqual(out.dtype, np.uint8)
        self.assertTrue(95 < out.min() and out.max() < 125)  # the second takes on the first's mean colour
        self.assertGreater(np.abs(out[::2] - out[1::2].astype(int)).max(), 5)
        self.assertGreater(np.abs(out[:, ::2] - out[:, 1::2].astype(int)).max(), 5)


class SplitTest(unittest.TestCase):
    def test_photos_stay_in_their_split_when_others_are_added(self):
        before = [f'b{number:02d}' for number in range(20)]
        first = dict(zip(before, split_of(before)))
        self.assertEqual([name for name, test in first.items() if test], ['b03', 'b10', 'b17'])
        added = [f'a{number:02d}' for number in range(14)] + ['c00']
        names = sorted([*before, *added])
        found = dict(zip(names, split_of(names, first)))
        self.assertEqual({name: found[name] for name in before}, first)
        self.assertEqual([name for name in added if found[name]], ['a03', 'a10'])


    def test_one_person_is_never_on_both_sides(self):
        g = np.random.default_rng(0)
        textures = g.integers(0, 255, (6, 256, 256, 3)).astype(np.uint8)
        textures[3], textures[5] = textures[0], textures[4] // 2
        test = np.array([True, False, False, False, False, True])
        held = np.array([True, True, True, False, False, False])
        test, kept = without_doubles(test, textures, held)
        self.assertEqual(test.tolist(), [True, False, False, False, False, False])  # 5 goes to training, as its double does
        self.assertEqual(kept.tolist(), [True, True, True, False, True, True])  # 3 shows whom 0 holds


class ProgressTest(unittest.TestCase):
    def test_what_is_further_counts_steps_or_minutes(self):
        now = [100.0]
        progress = Progress(10, 1.0, spent=6.0, clock=lambda: now[0])
        self.assertAlmostEqual(progress.at(0), 0.1)
        self.assertAlmostEqual(progress.at(5), 0.5)
        now[0] += 48
        self.assertAlmostEqual(progress.at(5), 0.9)
        now[0] += 60
        self.assertEqual(progress.at(5), 1)
        self.assertEqual(Progress(10).at(20), 1)
        with self.assertRaisesRegex(ValueError, '--minutes is -1'):
            Progress(10, -1)


class DataTest(Temporary):
    def test_safetensors_round_trip(self):
        path = os.path.join(self.folder, 'x.safetensors')
        tensors = dict(a=np.arange(6, dtype=np.float32).reshape(2, 3), b=np.float16([1.5]))
        safetensors.save(path, tensors, dict(note='x'))
        found, metadata = safetensors.load(path)
        self.assertEqual(metadata, dict(note='x'))
        for name, array in tensors.items():
            np.testing.assert_array_equal(found[name], array)

    def test_a_truncated_shard_is_skipped_with_a_message(self):
        folder, said = self.write_set(), []
        with open(os.path.join(folder, 'shard-00001', 'flow.npy'), 'r+b') as handle:
            handle.truncate(1000)
        pairs = shards.PairSet(folder, log=said.append)
        self.assertEqual(len(pairs), 4)
        self.assertIn('shard-00001', said[0])

    def test_a_set_grows_past_a_last_shard_that_was_not_full(self):
        folder = self.write_set(count=6)
        begun = shards.PairSet(folder).batch(np.arange(6))
        self.write_set(count=8)
        self.write_set(count=6)  # fewer take nothing away
        grown = shards.PairSet(folder)
        self.assertEqual((len(grown), sorted(os.listdir(folder))), (8, ['shard-00000', 'shard-00001']))
        for name, values in grown.batch(np.arange(6)).items():
            np.testing.assert_array_equal(values, begun[name])

    def test_generation_resumes_and_repeats_itself(self):
        folder = self.write_set()
        before = shards.PairSet(folder).batch(np.arange(8))['i1']
        shutil.rmtree(os.path.join(folder, 'shard-00000'))
        self.write_set()
        np.testing.assert_array_equal(shards.PairSet(folder).batch(np.arange(8))['i1'], before)

    def test_a_stream_continues_from_its_state(self):
        folder = self.write_set()
        stream = Stream(folder, [0])
        for _ in range(3):
            stream.take(3)
        again = Stream(folder, [0], json.loads(json.dumps(stream.state)))
        for _ in range(4):
            np.testing.assert_array_equal(stream.take(3)['flow'], again.take(3)['flow'])

    def test_augmentation_mirrors_flow_and_code(self):
        tensors = to_inputs(shards.PairSet(self.write_set()).batch(np.arange(4)), fake_canonical(), 7)
        mirrored = augment(np.random.default_rng(3), *[x.clone() for x in tensors])
        flipped = [i for i in range(4) if mirrored[3][i, 0, 0, 0] == -tensors[3][i, 0, 0, 0]]
        self.assertTrue(0 < len(flipped) < 4)
        i = flipped[0]
        torch.testing.assert_close(mirrored[3][i, 1:], tensors[3][i, 1:].flip(2))
        torch.testing.assert_close(mirrored[2][i, 3], -tensors[2][i, 3].flip(1))
        inside = tensors[4][i, 0].flip(1) > 0
        torch.testing.assert_close(mirrored[2][i, 0][inside], 1 - tensors[2][i, 0].flip(1)[inside])


    def test_a_still_pair_has_one_frame_and_no_flow(self):
        fields = shards.PairSet(self.write_set(count=64, shard_size=64)).batch(np.arange(64))
        fields['state'][:, :10] = HIDDEN
        fields['i2'] = 255 - fields['i1']
        result = still(np.random.default_rng(1), fields)
        same = (result['i1'] == result['i2']).all((1, 2, 3))
        self.assertTrue(0 < same.sum() < 16)
        self.assertFalse(result['flow'][same].any())
        self.assertFalse((result['state'][same] == HIDDEN).any())
        np.testing.assert_array_equal(result['mesh_a'][same], result['mesh_b'][same])
        np.testing.assert_array_equal(result['flow'][~same], fields['flow'][~same])
        self.assertTrue(fields['flow'][same].any(), 'the fields given stay as they were')


class ResumeTest(Temporary):
    def test_resuming_gives_the_same_weights(self):
        folder = self.write_set()
        settings = dict(network='dffnet-m', sets=[folder, folder], batch=2, window=64, warmup=1, precision='f32', lr=1e-3)
        run = lambda name, steps: Trainer(Settings(out=os.path.join(self.folder, name), steps=steps, **settings), fake_canonical(), lambda *_: None)
        straight = run('a', 4)
        straight.rate = lambda step: 1e-3
        straight.run()
        first = run('b', 2)
        first.rate = straight.rate
        first.run()
        second = run('b', 4)
        self.assertEqual(second.step, 2)
        second.rate = straight.rate
        second.run()
        for name, value in straight.ema.items():
            torch.testing.assert_close(second.ema[name], value, msg=name)

    def test_a_budget_of_minutes_ends_the_run_and_what_it_took_is_kept(self):
        folder, out = self.write_set(), os.path.join(self.folder, 'd')
        settings = Settings(out=out, sets=[folder], batch=2, window=64, warmup=1, precision='f32', steps=1000, minutes=0.02, feeders=2)
        trainer, said = Trainer(settings, fake_canonical(), lambda *_: None), []
        trainer.run()
        self.assertTrue(0 < trainer.step < 1000)
        self.assertAlmostEqual(trainer.rate(trainer.step), settings.final_lr)
        again = Trainer(settings, fake_canonical(), said.append)
        self.assertGreaterEqual(again.progress.spent, 1.2)
        again.run()
        self.assertEqual(again.step, trainer.step)

    def test_an_empty_set_is_reported(self):
        os.makedirs(os.path.join(self.folder, 'empty'))
        settings = Settings(out=os.path.join(self.folder, 'c'), sets=[os.path.join(self.folder, 'empty')], steps=2)
        with self.assertRaisesRegex(ValueError, 'no complete shard'):
            Trainer(settings, fake_canonical(), lambda *_: None).run()
