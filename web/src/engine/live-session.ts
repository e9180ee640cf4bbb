import type { Remote } from 'comlink'
import {
  COEFFICIENT_NAMES,
  type CoefficientName,
  type DeepFaceFlow,
  type ExpressionRow,
  type ExpressionStream,
  encodeClipGlb,
  encodeJpeg,
  expressionCsv,
  FaceError,
  type FlowResult,
  type FrameRecord,
  framesCsv,
  LatestFrames,
  motionRecord,
  type ReadExpression,
  type VideoStep,
  type VideoTracker,
} from 'deepfaceflow'
import { depthMap, depthScale, flowMap, flowScale, TEMPLATE_SIZE } from '../package.js'
import type { SceneFaces } from '../scene/scene.worker.js'
import type { DeviceClock } from './device-clock.js'
import { faceOf, motionOf } from './shown-face.js'

/** Following one face in frames that come faster than they can be computed. */

/** Where the flow to a frame starts: at the first frame with the face, or at the frame before. */
export type LiveFlows = 'reference' | 'previous'

/** What the page shows of a frame. */
export interface LiveFrame {
  readonly status: 'reference' | 'ok' | 'regained' | 'lost'
  /** Why there is no flow. */
  readonly message: string | null
  /** Degrees, from where the flow starts. */
  readonly angles: { readonly yaw: number; readonly pitch: number; readonly roll: number } | null
  /** Mean length of the flow, and of what it has beside the head's motion, template px. */
  readonly energy: { readonly motion: number; readonly expression: number } | null
  /** Those that can be seen, in the order of their names; null where they are not read. */
  readonly coefficients: readonly { readonly name: CoefficientName; readonly value: number }[] | null
  /** Ms: from the frame to its flow, and how long the device was busy meanwhile. */
  readonly timing: { readonly whole: number; readonly device: number }
  readonly counters: { readonly computed: number; readonly dropped: number }
}

export interface Recording {
  /** Null where flow starts at the frame before: its meshes have no common start. */
  readonly glb: Blob | null
  readonly csv: Blob
  /** Null where coefficients were not read. */
  readonly expressions: Blob | null
  readonly frames: number
}

/** A minute at 30 frames a second: each is kept until the recording ends. */
export const LONGEST_RECORDING = 1800

interface Kept {
  readonly record: FrameRecord
  readonly mesh: Float32Array | null
  readonly expression: ReadExpression | null
}

export class LiveSession {
  readonly #tracker: VideoTracker<LiveFlows>
  readonly #frames: LatestFrames<LiveFlows>
  #state: 'waiting' | 'starting' | 'started' | 'stopped' = 'waiting'
  /** The first result: its face is what a recording moves. */
  #reference: FlowResult | null = null
  #start: FrameRecord | null = null
  #isShowing = false
  #kept: Kept[] | null = null
  #expressions: Promise<ExpressionStream> | undefined

  constructor(
    readonly faceFlow: DeepFaceFlow,
    readonly flows: LiveFlows,
    /** Whether coefficients are read too. */
    readonly reads: boolean,
    readonly clock: DeviceClock,
    readonly scene: Remote<SceneFaces> | undefined,
    /** What flow and depth change are drawn on, side by side. */
    readonly map: OffscreenCanvas | null,
  ) {
    this.#tracker = faceFlow.video({ flows, backward: false }) as VideoTracker<LiveFlows>
    this.#frames = new LatestFrames(this.#tracker)
  }

  /** @param time s */
  async push(frame: VideoFrame, time: number): Promise<LiveFrame | null> {
    const [begin, busy] = [performance.now(), this.clock.busy]
    const answer = (rest: Omit<LiveFrame, 'timing' | 'counters'>): LiveFrame => ({
      ...rest,
      timing: { whole: performance.now() - begin, device: this.clock.busy - busy },
      counters: this.#frames.counters,
    })
    try {
      if (this.#state === 'started') return await this.#next(frame, time, answer)
      if (this.#state !== 'waiting') return null
      this.#state = 'starting'
      const started = this.#tracker.start(frame)
      frame.close()
      const face = await started
      this.#state = 'started'
      this.#start = {
        frame: 0,
        name: 'live',
        time,
        status: 'reference',
        confidence: face.score,
        landmarks68: [...face.landmarks68],
      }
      return answer({ status: 'reference', message: null, angles: null, energy: null, coefficients: null })
    } catch (error) {
      if (this.#state === 'starting') this.#state = 'waiting'
      if (!(error instanceof FaceError) || error.code !== 'NO_FACE') throw error
      this.#keep({ status: 'lost', message: error.message }, time, null, null)
      return answer({
        status: 'lost',
        message: error.message,
        angles: null,
        energy: null,
        coefficients: null,
      })
    } finally {
      frame.close()
    }
  }

  async #next(
    frame: VideoFrame,
    time: number,
    answer: (rest: Omit<LiveFrame, 'timing' | 'counters'>) => LiveFrame,
  ): Promise<LiveFrame | null> {
    // Read before the call returns.
    const pushed = this.#frames.push(frame)
    frame.close()
    const step = await pushed
    if (step === undefined || this.#state === 'stopped') return null
    const result = resultOf(step)
    const motion = motionRecord(result)
    const { status, cut, similarity } = step
    const expression = await this.#read(result, time)
    this.#keep(
      {
        status,
        cut,
        similarity,
        confidence: result.b.score,
        ...(this.flows === 'reference' ? { frameToReference: motion } : { frameToFrame: motion }),
      },
      time,
      result.meshB,
      expression,
    )
    this.#draw(result)
    await this.#show(result)
    return answer({
      status,
      message: null,
      angles: result.rigidPhoto.angles,
      energy: { motion: motion.statistics.meanLength, expression: motion.statistics.meanExpression },
      coefficients: expression && seenIn(expression),
    })
  }

  /** The face that the tracker has found is not looked for again. */
  async #read({ b }: FlowResult, time: number): Promise<ReadExpression | null> {
    if (!this.reads) return null
    this.#expressions ??= this.faceFlow.expressions()
    const { expression } = await (await this.#expressions).next(b, time)
    if (expression === null) return null
    // Recordings keep what was read, not the pictures.
    const { face: _, ...read } = expression
    return read
  }

  /** The scene draws when it can; faces that come meanwhile are left out. */
  async #show(result: FlowResult): Promise<void> {
    if (!this.scene || this.#isShowing) return
    this.#isShowing = true
    try {
      const isNew = this.#reference === null || this.flows === 'previous'
      this.#reference ??= result
      if (isNew) {
        const { registeredA, meshA } = result
        const pixels = new ImageData(new Uint8ClampedArray(registeredA.data), TEMPLATE_SIZE, TEMPLATE_SIZE)
        const face = faceOf(result, await createImageBitmap(pixels), frameUv(meshA))
        await this.scene.show(face, motionOf(result), registeredA, null)
      } else await this.scene.move(motionOf(result))
    } finally {
      this.#isShowing = false
    }
  }

  #draw({ flow, mask }: FlowResult): void {
    const context = this.map?.getContext('2d')
    if (!context) return
    const maps = [flowMap(flow, mask, flowScale(flow, mask)), depthMap(flow, mask, depthScale(flow, mask))]
    maps.forEach(({ width, height, data }, i) => {
      context.putImageData(new ImageData(new Uint8ClampedArray(data), width, height), i * width, 0)
    })
  }

  #keep(
    facts: Omit<FrameRecord, 'frame' | 'name' | 'time'>,
    time: number,
    mesh: Float32Array | null,
    expression: ReadExpression | null,
  ): void {
    if (!this.#kept || this.#kept.length >= LONGEST_RECORDING) return
    this.#kept.push({
      record: { frame: this.#kept.length + 1, name: 'live', time, ...facts },
      mesh,
      expression,
    })
  }

  record(): void {
    this.#kept = []
  }

  async stopRecording(): Promise<Recording> {
    const kept = this.#kept ?? []
    this.#kept = null
    const begin = kept[0]?.record.time ?? 0
    const start = this.#start && { ...this.#start, time: begin }
    const records = [...(start ? [start] : []), ...kept.map(({ record }) => record)]
    const csv = framesCsv(records, ({ time }) => (time === null ? null : time - begin))
    return {
      csv: new Blob([csv], { type: 'text/csv' }),
      expressions: this.reads ? tableOf(kept, begin) : null,
      glb: this.flows === 'reference' && this.#reference ? await clipOf(this.#reference, kept, begin) : null,
      frames: kept.length,
    }
  }

  stop(): void {
    this.#state = 'stopped'
  }
}

function seenIn({ coefficients }: ReadExpression): NonNullable<LiveFrame['coefficients']> {
  return COEFFICIENT_NAMES.flatMap((name) => {
    const { value } = coefficients[name]
    return value === null ? [] : [{ name, value }]
  })
}

function tableOf(kept: readonly Kept[], begin: number): Blob {
  const rows = kept.map(({ record, expression }): ExpressionRow => {
    const status = record.status === 'regained' ? 'regained' : 'ok'
    const place = { file: 'live', frame: record.frame, time: (record.time ?? 0) - begin }
    return { ...place, status: expression ? status : 'lost', expression }
  })
  return new Blob([expressionCsv(rows)], { type: 'text/csv' })
}

/** Of the one flow that the tracker computes. */
function resultOf(step: Partial<VideoStep>): FlowResult {
  const result = step.frameToReference ?? step.frameToFrame
  if (!result) throw new Error('the tracker computed no flow')
  return result
}

/** The registered picture is the texture: nothing has to be encoded for every frame. */
function frameUv(mesh: Float32Array): Float32Array {
  return Float32Array.from({ length: (mesh.length / 3) * 2 }, (_, i) => {
    const value = mesh[3 * (i >> 1) + (i & 1)] as number
    return Math.max(0, Math.min(1, value / TEMPLATE_SIZE))
  })
}

async function clipOf(reference: FlowResult, kept: readonly Kept[], begin: number): Promise<Blob | null> {
  let before = -1
  const frames = kept.flatMap(({ record, mesh }) => {
    const time = (record.time ?? 0) - begin
    if (mesh === null || time <= before) return []
    before = time
    return [{ time, vertices: mesh }]
  })
  if (frames.length === 0) return null
  const { meshA, triangles, registeredA } = reference
  const texture = await encodeJpeg(registeredA)
  const glb = await encodeClipGlb({ vertices: meshA, triangles }, frames, frameUv(meshA), texture)
  return new Blob([glb as Uint8Array<ArrayBuffer>], { type: 'model/gltf-binary' })
}
