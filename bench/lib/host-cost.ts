import { join } from 'node:path'
import { create, globals } from 'webgpu'
import { Engine } from '../../src/engine.js'
import { PhotoNetworks } from '../../src/face/find/photo-networks.js'
import { RegisteredPair } from '../../src/face/registered-pair.js'
import { DeepFaceFlow, decodePhoto, type RegisteredFlowResult, type VideoOptions } from '../../src/index.js'
import { LIMIT_NAMES } from '../../src/platform/caps.js'
import { packageFacts } from '../../src/platform/node/package-root.js'

export interface HostCost {
  readonly what: string
  readonly runs: number
  /** Wall time, ms: on a device that computes nothing there is no other wait. */
  readonly minMs: number
  readonly medianMs: number
  /** Processor time of the whole process, mean, ms. */
  readonly cpuMs: number
  /** Submissions to the queue, mean. */
  readonly submissions: number
}

/** Two frames of one talking person, 720x576. */
const FRAMES = ['franck_02045.jpg', 'franck_03979.jpg']

/** Methods whose answers decide what the CPU does next; `compute` answers each of its pairs. */
const ANSWERS = [
  [PhotoNetworks.prototype, 'detect'],
  [PhotoNetworks.prototype, 'landmarks'],
  [PhotoNetworks.prototype, 'register'],
  [RegisteredPair.prototype, 'compute'],
] as const

/**
 * What a call costs outside of the GPU's work: everything runs as on a GPU, on Dawn's null backend, which takes all commands of
 * the hardware schedule and computes nothing; the answers of the networks are replayed from a real adapter.
 */
export async function hostCosts(adapter: string | undefined, runs: number): Promise<readonly HostCost[]> {
  const [a, b] = await Promise.all(
    FRAMES.map((name) => decodePhoto(join(packageFacts().root, 'test', 'fixtures', 'photos', name))),
  )
  if (a === undefined || b === undefined) throw new TypeError('two frames are needed')
  const tape = new Tape()
  const real = await DeepFaceFlow.create(adapter === undefined ? {} : { adapter })
  const recorded = await real.flow(a, b)
  // Of photos faces are registered within the pair.
  await real.video().start(b)
  real.dispose()
  tape.replay()
  const device = await nullDevice()
  // Not by `create({ device })`, whose self-test finds that the device computes nothing.
  const engine = await Engine.open({ device })
  const face = await DeepFaceFlow.create({ engine })
  try {
    const [i1, i2] = [recorded.registeredA, recorded.registeredB]
    // A still picture: the answers that are replayed are those of one frame.
    const tracker = async (options: VideoOptions) => {
      const video = face.video(options)
      await video.start(b)
      await video.next(b)
      return () => video.next(b)
    }
    const works: Readonly<Record<string, () => Promise<unknown>>> = {
      'registered pair, forward': () => face.flowRegistered(i1, i2, { backward: false }),
      'registered pair, both directions': () => face.flowRegistered(i1, i2),
      'registered pair, both directions, every map read': async () =>
        readAll(await face.flowRegistered(i1, i2)),
      'video frame, one pair forward': await tracker({ flows: 'previous', backward: false }),
      'video frame, two pairs forward': await tracker({ backward: false }),
      'video frame, two pairs both directions': await tracker({}),
      'two photos': () => face.flow(a, b),
    }
    const costs: HostCost[] = []
    for (const [what, work] of Object.entries(works)) costs.push(await costOf(device, what, work, runs))
    return costs
  } finally {
    face.dispose()
    engine.dispose()
    tape.restore()
  }
}

function readAll(result: RegisteredFlowResult): RegisteredFlowResult {
  return { ...result }
}

async function costOf(
  device: GPUDevice,
  what: string,
  work: () => Promise<unknown>,
  runs: number,
): Promise<HostCost> {
  // Compiled by V8 after some calls.
  for (let run = 0; run < Math.max(3, runs / 2); run++) await work()
  let submissions = 0
  const { queue } = device
  const submit = queue.submit
  queue.submit = (buffers) => {
    submissions++
    return submit.call(queue, buffers)
  }
  const times: number[] = []
  const cpu = process.cpuUsage()
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  const { user, system } = process.cpuUsage(cpu)
  Reflect.deleteProperty(queue, 'submit')
  times.sort((x, y) => x - y)
  return {
    what,
    runs,
    minMs: times[0] as number,
    medianMs: times[runs >> 1] as number,
    cpuMs: (user + system) / 1000 / runs,
    submissions: submissions / runs,
  }
}

type Method = (...values: unknown[]) => Promise<unknown>

/** Records what methods answer, and gives the last answer again while it replays; the methods themselves run all the same. */
class Tape {
  readonly #originals: (() => void)[] = []
  #isReplaying = false

  constructor() {
    for (const [prototype, name] of ANSWERS) {
      const owner = prototype as unknown as Record<string, Method>
      const original = owner[name] as Method
      let answer: unknown
      const isReplaying = (): boolean => this.#isReplaying
      const answered = (values: readonly unknown[]): unknown =>
        name === 'compute' ? (values[0] as unknown[]).map(() => (answer as unknown[])[0]) : answer
      owner[name] = async function (this: unknown, ...values) {
        // Of zeros as network outputs some methods make nothing.
        const own = await original.apply(this, values).catch((error: unknown) => {
          if (!isReplaying()) throw error
        })
        if (!isReplaying()) answer = own
        return answered(values)
      }
      this.#originals.push(() => {
        owner[name] = original
      })
    }
  }

  replay(): void {
    this.#isReplaying = true
  }

  restore(): void {
    for (const put of this.#originals) put()
  }
}

/** Kept: collecting it while its device lives ends the process. */
let dawn: GPU | undefined

async function nullDevice(): Promise<GPUDevice> {
  Object.assign(globalThis, globals)
  dawn ??= create(['backend=null'])
  const adapter = await dawn.requestAdapter()
  if (adapter === null) throw new TypeError('this Dawn has no null backend')
  const requiredLimits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, adapter.limits[name]]))
  return await adapter.requestDevice({ requiredFeatures: ['subgroups'], requiredLimits })
}
