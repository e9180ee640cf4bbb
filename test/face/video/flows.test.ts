import { describe, expect, it } from 'vitest'
import { CallLine, Pending } from '../../../src/face/call-line.js'
import type { Candidate } from '../../../src/face/find/candidate.js'
import type { FaceFinder, FoundFace } from '../../../src/face/find/face-finder.js'
import type { Computed } from '../../../src/face/pair-runner.js'
import type { PairOutputs } from '../../../src/face/registered-pair.js'
import type { FaceFrame, FlowResult, VideoFlows, VideoStep } from '../../../src/face/types.js'
import { FaceVideoTracker } from '../../../src/face/video/tracker.js'
import type { Rgba } from '../../../src/geometry/types.js'
import { plain } from '../../e2e/pictures.js'
import { ellipsoidMesh } from '../../support/synthetic.js'
import { ellipsoidOutputs } from '../../support/synthetic-pair.js'

/** A finder whose face stays where it is, and a device that computes a flow when it is told to. */
function still(flows: VideoFlows, smooth = false) {
  const { vertices, triangles } = ellipsoidMesh()
  const roi = { cx: 112, cy: 112, side: 200, angle: 0 }
  const box = { x: 40, y: 30, width: 144, height: 176 }
  // Frames are told apart by their score: the tracker hands out copies.
  let seen = 0
  const found = (image: Rgba): FoundFace => ({
    roi,
    warnings: [],
    frame: {
      image,
      box,
      score: ++seen,
      landmarks468: vertices,
      irises: new Float32Array(20),
      landmarks68: new Float32Array(136),
      toTemplate: { a: 1, b: 0, tx: 0, ty: 0 },
      registered: image,
      registrationResidual: 5,
    },
  })
  const candidate = { box, landmarks: { mesh: vertices } } as Candidate
  const finder = {
    detect: async () => [candidate],
    track: async (image: Rgba) => found(image),
  } as unknown as FaceFinder
  const line = new CallLine()
  const pairs: { from: FaceFrame; to: FaceFrame; end: (error?: Error) => void }[] = []
  const flowOf = (from: FaceFrame, to: FaceFrame): Promise<Computed<FlowResult>> => {
    const derived = { a: from, b: to } as FlowResult
    // Of pairs that are smoothed: longer from frame to frame than from the reference says.
    const [start, end] = [from.score, to.score]
    const outputs = smooth
      ? ellipsoidOutputs(() => [(end - start) / 8, 0.1 * Math.sin(end), end - start === 1 ? 0.2 : 0.1 * end])
      : ({} as PairOutputs)
    const pair = { outputs, derive: async () => derived }
    return new Promise((resolve, reject) => {
      pairs.push({ from, to, end: (error?: Error) => (error ? reject(error) : resolve(pair)) })
    })
  }
  const tracker = new FaceVideoTracker({
    finder,
    flows,
    smooth,
    triangles,
    onward: (rows) => rows,
    enqueue: (task) => line.enqueue(task),
    flowsTo: async (froms, to) => {
      const result = Promise.all(froms.map((from) => flowOf(from, to)))
      result.catch(() => undefined)
      return new Pending(result)
    },
    holdsChoice: () => true,
    choose: (faces) => faces[0] as Candidate,
  })
  return { tracker, pairs }
}

const FRAMES = [0, 1, 2, 3].map(() => plain(224, 224, 128))
const frame = (i: number) => FRAMES[i] as Rgba
const turns = async (): Promise<void> => {
  for (let i = 0; i < 60; i++) await new Promise(setImmediate)
}

describe('flows of a tracker', () => {
  it('are the two of each frame, once where they are the same', async () => {
    const { tracker, pairs } = still('both')
    const reference = await tracker.start(frame(0))
    const steps = [tracker.next(frame(1)), tracker.next(frame(2))]
    await turns()
    // The second frame's face was looked for while the flow to the first was under way.
    expect(pairs.map(({ from }) => from.score)).toEqual([
      reference.score,
      pairs[0]?.to.score,
      reference.score,
    ])
    for (const { end } of pairs) end()
    const [one, two] = (await Promise.all(steps)) as unknown as VideoStep[]
    expect(one?.frameToReference).toBe(one?.frameToFrame)
    expect(two?.frameToReference.a.score).toBe(reference.score)
    expect(two?.frameToFrame.a.score).toBe(one?.frameToFrame.b.score)
  })

  it.each([
    ['previous', 'frameToFrame', 'frameToReference'],
    ['reference', 'frameToReference', 'frameToFrame'],
  ] as const)('are one of each frame: %s', async (flows, there, absent) => {
    const { tracker, pairs } = still(flows)
    const reference = await tracker.start(frame(0))
    const steps = [tracker.next(frame(1)), tracker.next(frame(2))]
    await turns()
    expect(pairs).toHaveLength(2)
    expect(pairs[1]?.from.score).toBe((flows === 'reference' ? reference : pairs[0]?.to)?.score)
    for (const { end } of pairs) end()
    for (const step of await Promise.all(steps)) {
      expect(step).toHaveProperty(there)
      expect(step).not.toHaveProperty(absent)
    }
  })

  it('that fail leave the tracker where it was, also with frames under way', async () => {
    const { tracker, pairs } = still('previous')
    const reference = await tracker.start(frame(0))
    const steps = [tracker.next(frame(1)), tracker.next(frame(2))]
    const outcomes = Promise.allSettled(steps)
    await turns()
    for (const { end } of pairs) end(new Error('device lost'))
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const again = tracker.next(frame(1))
    await turns()
    expect(pairs[2]?.from.score).toBe(reference.score)
    pairs[2]?.end()
    await again
    const failing = tracker.next(frame(2))
    const refused = expect(failing).rejects.toThrow('device lost again')
    await turns()
    expect(pairs[3]?.from.score).toBe(pairs[2]?.to.score)
    pairs[3]?.end(new Error('device lost again'))
    await refused
    const last = tracker.next(frame(3))
    await turns()
    expect(pairs[4]?.from.score).toBe(pairs[2]?.to.score)
    pairs[4]?.end()
    await last
  })

  it('are smoothed alike one by one and under way together; a memory waits for its flow', async () => {
    const outcomes: (string | undefined)[] = []
    for (const together of [false, true]) {
      const { tracker, pairs } = still('both', true)
      await tracker.start(frame(0))
      const steps: Promise<unknown>[] = []
      let ended = 0
      const endAll = () => {
        for (; ended < pairs.length; ended++) pairs[ended]?.end()
      }
      for (const i of [1, 2, 3]) {
        steps.push(tracker.next(frame(i)))
        await turns()
        expect(tracker.memory).toBeNull()
        if (!together) {
          endAll()
          await Promise.all(steps)
        }
      }
      endAll()
      await Promise.all(steps)
      outcomes.push(tracker.memory?.face?.vertices)
    }
    expect(outcomes[0]).toMatch(/^[\w+/=]{7000,}$/)
    expect(outcomes[1]).toBe(outcomes[0])
  })

  it('are smoothed as before the frame whose flow failed', async () => {
    const outcomes: (string | undefined)[] = []
    for (const fails of [false, true]) {
      const { tracker, pairs } = still('both', true)
      await tracker.start(frame(0))
      const step = async (i: number, error?: Error) => {
        const before = pairs.length
        const next = tracker.next(frame(i))
        const settled = next.catch(() => undefined)
        await turns()
        for (const { end } of pairs.slice(before)) end(error)
        await settled
      }
      await step(1)
      await step(2)
      const { memory } = tracker
      if (fails) {
        await step(3, new Error('device lost'))
        expect(tracker.memory?.face).toBeUndefined()
      }
      expect(memory?.face?.vertices).toBeDefined()
      outcomes.push(memory?.face?.vertices)
      await step(3)
      expect(tracker.memory?.face?.vertices).toBeDefined()
      expect(tracker.memory?.face?.vertices).not.toBe(memory?.face?.vertices)
    }
    expect(outcomes[1]).toBe(outcomes[0])
  })
})
