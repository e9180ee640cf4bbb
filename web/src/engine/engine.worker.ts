import { expose, type Remote, wrap } from 'comlink'
import {
  type CreateOptions,
  DeepFaceFlow,
  EngineError,
  type FlowResult,
  faceTexture,
  makeProduct,
  summarise,
} from 'deepfaceflow'
import { Engine } from 'deepfaceflow/engine'
import type { Face, Motion } from '../scene/face.js'
import type { SceneFaces } from '../scene/scene.worker.js'
import type { ResultFacts } from '../viewer/read-pair.js'
import { AnimationSession } from './animation-session.js'
import { DeviceClock } from './device-clock.js'
import { type LiveFlows, type LiveFrame, LiveSession, type Recording } from './live-session.js'
import { faceOf, motionOf } from './shown-face.js'

/** The engine, off the page's main thread. Errors cross as their message and code. */

/** A face that can be chosen. Px of the photo. */
export interface FaceBox {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Progress {
  readonly step: string
  /** Bytes of weights so far and in all; null while nothing is loaded. */
  readonly bytes: { readonly loaded: number; readonly total: number } | null
}

/** Tabs with a scene of their own. */
export type SceneName = 'photos' | 'live'

/** Names of the files that can be had of a result. */
export const DOWNLOADS = ['flow.npy', 'flow.flo', 'motion.glb', 'overview.png', 'result.json'] as const

interface Opened {
  readonly weights: string
  readonly engine: Engine
  readonly faceFlow: DeepFaceFlow
  readonly clock: DeviceClock
  isLost: boolean
}

/** While a browser starts its GPU process anew, it has no adapter. Ms. */
const RECOVERY_PAUSE = 1000
const RECOVERY_ATTEMPTS = 10

let opened: Promise<Opened> | undefined
let openedWeights = ''
const scenes = new Map<SceneName, Remote<SceneFaces>>()
let last:
  | { readonly result: FlowResult; readonly names: { readonly a: string; readonly b: string } }
  | undefined
let live: LiveSession | AnimationSession | undefined
/** Handed over once, for all sessions. */
let liveMap: OffscreenCanvas | null = null
let movedPhoto: OffscreenCanvas | null = null

async function open(weights: string, report: (progress: Progress) => void): Promise<Opened> {
  if (opened && openedWeights === weights) return await opened
  await close()
  openedWeights = weights
  opened = start(weights, report)
  try {
    return await opened
  } catch (error) {
    opened = undefined
    throw error
  }
}

/** On the engine's device of this moment. */
function watched(of: Pick<Opened, 'weights' | 'engine' | 'faceFlow'>): Opened {
  const { device } = of.engine
  const now: Opened = { ...of, clock: new DeviceClock(device.queue), isLost: false }
  void device.lost.then(() => {
    now.isLost = true
  })
  return now
}

async function start(weights: string, report: (progress: Progress) => void): Promise<Opened> {
  report({ step: 'opening the GPU', bytes: null })
  const engine = await Engine.open({ selfTest: {} })
  const loaded = new Map<string, { loaded: number; total: number }>()
  const onDownload: CreateOptions['onDownload'] = ({ file, loaded: bytes, total }) => {
    loaded.set(file, { loaded: bytes, total: total ?? bytes })
    const sum = { loaded: 0, total: 0 }
    for (const part of loaded.values()) {
      sum.loaded += part.loaded
      sum.total += part.total
    }
    report({ step: 'loading the weights', bytes: sum })
  }
  try {
    const faceFlow = await DeepFaceFlow.create({
      engine,
      weights,
      onDownload,
      onProgress: (step) => report({ step, bytes: null }),
    })
    return watched({ weights, engine, faceFlow })
  } catch (error) {
    engine.dispose()
    throw error
  }
}

/**
 * Runs a task; once more on a new device where its own was lost meanwhile: browsers end their GPU process when it hangs, when
 * a driver is replaced, and when they please.
 */
async function onDevice<Result>(task: (now: Opened) => Promise<Result>): Promise<Result> {
  const now = await ready()
  try {
    return await task(now)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'DEVICE_LOST') throw error
    return await task(await recover(now))
  }
}

/** Opened with a new device; of calls that overlap the first one recovers for all. */
async function recover(before: Opened): Promise<Opened> {
  if ((await opened) === before) {
    opened = withDevice(before)
    // Also where it fails, so that the next call tries again.
    opened.catch(() => {
      opened = Promise.resolve(before)
    })
  }
  return await ready()
}

async function withDevice(before: Opened): Promise<Opened> {
  for (let attempt = 1; ; attempt++) {
    try {
      await before.faceFlow.recover()
      return watched(before)
    } catch (error) {
      if (attempt === RECOVERY_ATTEMPTS) throw error
      await new Promise((resolve) => setTimeout(resolve, RECOVERY_PAUSE))
    }
  }
}

async function close(): Promise<void> {
  const before = await opened?.catch(() => undefined)
  opened = undefined
  live = undefined
  before?.faceFlow.dispose()
  before?.engine.dispose()
}

const engine = {
  /** @param port of the scene that shows the faces of one of the tabs */
  attach(name: SceneName, port: MessagePort): void {
    scenes.set(name, wrap<SceneFaces>(port))
  },
  /** @returns which adapter was taken and why */
  async open(weights: string, report: (progress: Progress) => void): Promise<string> {
    return (await open(weights, report)).faceFlow.selection
  },
  /** Faces of a photo, the largest first. */
  async detect(photo: Blob): Promise<FaceBox[]> {
    return await onDevice(async ({ faceFlow }) => (await faceFlow.detect(photo)).map(({ box }) => box))
  },
  /**
   * @param faces numbers of the faces from 0, the largest first; null for the same person's as in A
   * @returns what result.json says; the scene shows the face
   */
  async flow(
    photos: { readonly a: Blob; readonly b: Blob },
    names: { readonly a: string; readonly b: string },
    faces: { readonly a: number; readonly b: number | null },
  ): Promise<ResultFacts> {
    const result = await onDevice(({ faceFlow }) =>
      faceFlow.flow(photos.a, photos.b, {
        face: { index: faces.a },
        ...(faces.b !== null && { faceB: { index: faces.b } }),
      }),
    )
    last = { result, names }
    const { image, uv } = await faceTexture(result)
    const texture = await createImageBitmap(
      new Blob([image as Uint8Array<ArrayBuffer>], { type: 'image/jpeg' }),
    )
    const face: Face = faceOf(result, texture, uv)
    const motion: Motion = motionOf(result)
    await scenes.get('photos')?.show(face, motion, result.registeredA, result.confidence ?? null)
    return factsOf(result, names)
  },
  /** A file of the last result, as the command writes it. */
  async file(name: (typeof DOWNLOADS)[number]): Promise<Blob> {
    if (!last) throw new Error('there is no result yet')
    const content =
      name === 'result.json'
        ? `${JSON.stringify(factsOf(last.result, last.names), null, 2)}\n`
        : await makeProduct(last.result, name)
    if (content === null) throw new Error(`this result has no ${name}`)
    return new Blob([content as BlobPart])
  },
  /** Begins to follow a face; frames come by {@link engine.frame}. */
  async startLive(flows: LiveFlows, reads: boolean, map: OffscreenCanvas | null): Promise<void> {
    liveMap = map ?? liveMap
    const { faceFlow, clock } = await ready()
    live = new LiveSession(faceFlow, flows, reads, clock, scenes.get('live'), liveMap)
  },
  /**
   * Begins to move a photo as the face in the frames does.
   * @returns what a user should know of the photo
   */
  async startAnimation(photo: Blob, canvas: OffscreenCanvas | null): Promise<readonly string[]> {
    movedPhoto = canvas ?? movedPhoto
    const { faceFlow, clock } = await ready()
    const animation = await faceFlow.animate(photo)
    live = new AnimationSession(animation, clock, movedPhoto)
    return animation.warnings
  },
  /** @returns null where a newer frame took its place */
  async frame(frame: VideoFrame, time: number): Promise<LiveFrame | null> {
    if (!live) {
      frame.close()
      throw new Error('Another network was opened: start again.')
    }
    return await live.push(frame, time)
  },
  record(): void {
    if (live instanceof LiveSession) live.record()
  },
  async stopRecording(): Promise<Recording> {
    if (!(live instanceof LiveSession)) throw new Error('nothing is recorded')
    return await live.stopRecording()
  },
  stopLive(): void {
    live?.stop()
  },
}

async function ready(): Promise<Opened> {
  if (!opened) throw new Error('the engine is not open')
  const now = await opened
  return now.isLost ? await recover(now) : now
}

function factsOf(result: FlowResult, names: { readonly a: string; readonly b: string }): ResultFacts {
  return { ...summarise(result, names), files: [...DOWNLOADS] } as unknown as ResultFacts
}

export type EngineWorker = typeof engine

expose(engine)
