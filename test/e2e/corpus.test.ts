import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readSamples } from '../../src/corpus/tar-reader.js'
import {
  type CorpusEntry,
  corpusOptions,
  DeepFaceFlow,
  decodeNpy,
  decodePhoto,
  type EntryRecord,
  entryFolder,
  type FaceFrame,
  planCorpus,
  processEntry,
  readManifest,
  type TrackedFace,
} from '../../src/index.js'
import { repositoryPath } from './pictures.js'

/** A corpus of committed frames, with the smallest network. */

let folder: string
let faceFlow: DeepFaceFlow
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dff-corpus-e2e-'))
  faceFlow = await DeepFaceFlow.create({ weights: 'dffnet-m-small' })
  // A clip with a cut in it, and one without.
  const clips = { cut: ['talk-00', 'talk-01', 'turn-00', 'turn-01'], shot: ['turn-02', 'turn-04'] }
  for (const [clip, frames] of Object.entries(clips)) {
    await mkdir(join(folder, 'in', clip), { recursive: true })
    for (const [i, name] of frames.entries()) {
      await cp(repositoryPath(`test/fixtures/eval/real/${name}.jpg`), join(folder, 'in', clip, `${i}.jpg`))
    }
  }
})
afterAll(async () => {
  faceFlow.dispose()
  await rm(folder, { recursive: true, force: true })
})

it('computes entries one after another and at once to the same bytes; no pair crosses a cut; flows are those of flowRegistered', async () => {
  const plan = await planCorpus(join(folder, 'plan'), readManifest(join(folder, 'in')))
  const entries: CorpusEntry[] = []
  for await (const entry of plan.entries()) entries.push(entry)
  const { weights, depthSource, refinement, extent } = faceFlow
  const options = corpusOptions({ gaps: [1], perTrack: 2, filters: { minFace: 32 } })
  const compute = (entry: CorpusEntry, set: string) =>
    processEntry(entry, options, {
      set: join(folder, set),
      faceFlow,
      engine: { weights, depthSource, refinement, extent },
    })
  const files = ({ id, files: of }: EntryRecord) => [id, of] as const
  const byOne: EntryRecord[] = []
  for (const entry of entries) byOne.push(await compute(entry, 'one'))
  const atOnce = await Promise.all(entries.map((entry) => compute(entry, 'all')))
  expect(atOnce.map(files)).toEqual(byOne.map(files))
  const cut = byOne.find(({ names }) => names[0] === 'cut') as EntryRecord
  expect(cut).toMatchObject({
    status: 'complete',
    counts: { frames: 4, faces: 4, tracks: 2, cuts: 1, pairs: 2 },
  })

  const tracker = faceFlow.everybody()
  const faces: FaceFrame[] = []
  for (const i of [0, 1, 2, 3]) {
    const { faces: seen } = await tracker.next(join(folder, 'in', 'cut', `${i}.jpg`))
    faces.push((seen[0] as TrackedFace).frame)
  }
  for await (const { key, files: of } of readSamples(
    join(entryFolder(join(folder, 'one'), cut.id), 'samples.tar'),
  )) {
    expect(key).toMatch(/_t00(0_000000_000001|1_000002_000003)$/)
    const file = (extension: string) =>
      of.find((one) => one.extension === extension)?.bytes ?? new Uint8Array()
    const [first, second] = key.split('_').slice(-2).map(Number) as [number, number]
    const { flow, registeredA, registeredB } = await faceFlow.flowRegistered(
      faces[first] as FaceFrame,
      faces[second] as FaceFrame,
    )
    for (const [frame, picture] of [
      [registeredA, 'i1.png'],
      [registeredB, 'i2.png'],
    ] as const) {
      expect((await decodePhoto(file(picture))).data).toEqual(frame.data)
    }
    const stored = decodeNpy(file('flow.npy')).data
    const wrong = stored.findIndex(
      (value, i) => Math.abs(value - (flow[i] ?? 0)) > Math.abs(flow[i] ?? 0) / 2048 + 1e-7,
    )
    expect(wrong).toBe(-1)
  }
})
