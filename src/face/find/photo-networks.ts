import { at } from '../../geometry/array.js'
import { applySimilarity, invertSimilarity, similarityScale } from '../../geometry/similarity.js'
import { MESH_VERTICES, type Rgba, type Similarity, TEMPLATE_SIZE } from '../../geometry/types.js'
import { GraphBuilder, type Value } from '../../graph/graph.js'
import { FACE_DETECTOR_INPUT, faceDetector, joinAnchors } from '../../nets/face-detector.js'
import { MESH_REGRESSOR_INPUT } from '../../nets/mesh-regressor.js'
import { meshRegressorAttention, REFINED_VERTICES } from '../../nets/mesh-regressor-attention.js'
import { type ImageInputOptions, inputImages, packImageTransform } from '../../ops/image/image-input.js'
import { imageOutput } from '../../ops/image/image-output.js'
import { outputTensor } from '../../ops/tensor/border.js'
import { cropAndResize } from '../../platform/index.js'
import type { Engine } from '../../runtime/engine.js'
import type { Gathering } from '../../runtime/gathering.js'
import type { Plan } from '../../runtime/plan.js'
import type { NetworkFiles } from '../network-files.js'
import { frameOf, type PendingFrame } from '../register/pending-frame.js'
import type { Detection } from './decode.js'
import { detectionsInView } from './detection.js'
import { type RegionOfInterest, roiToCrop } from './roi.js'

/** Landmarks of one face as the network gives them, in photo px. */
export interface PhotoLandmarks {
  /** 468x3: x, y in photo px, z in photo px, positive away from the camera. */
  readonly mesh: Float32Array
  /** 10x2, see `FaceFrame.irises`. */
  readonly irises: Float32Array
  /** Probability in [0, 1] that the crop held a face. */
  readonly presence: number
}

/**
 * Photos up to this size are put on the GPU as they are; larger ones are first halved until they fit, which leaves
 * any face that matters far larger than the 192 px that the networks look at.
 */
const MAX_GPU_PIXELS = 2 ** 24

/**
 * Source pixels a sample stands for. The front-end networks were made for single bilinear samples, which see two
 * pixels; beyond a reduction of 2 that would alias. Frames are averaged fully: their texture is what is matched.
 */
const NETWORK_TAP = 2
const FRAME_TAP = 1

const IRIS_POINTS = REFINED_VERTICES - MESH_VERTICES

/** Capacities of the photo buffer: plans are rebuilt when a photo outgrows the present one. */
const CAPACITIES = [2 ** 20, 2 ** 22, MAX_GPU_PIXELS]

const FRAME_OUTPUT = 'frame'

interface Plans {
  readonly capacity: number
  readonly detector: Plan
  readonly landmarks: Plan
  readonly register: Plan
}

/** A photo on the GPU and the networks that look at parts of it. */
export class PhotoNetworks {
  readonly #engine: Engine
  readonly #files: NetworkFiles
  readonly #gathering: Gathering
  #plans: Plans | undefined
  #photo: Rgba | undefined
  #device: GPUDevice | undefined
  /** Photo px -> px of the uploaded, possibly smaller copy. */
  #toUploaded = 1
  #uploaded: { readonly width: number; readonly height: number } = { width: 0, height: 0 }

  /** @param gathering of all that look at photos side by side */
  constructor(engine: Engine, files: NetworkFiles, gathering: Gathering) {
    this.#engine = engine
    this.#files = files
    this.#gathering = gathering
  }

  /**
   * Uploads a photo; the other calls work on it.
   * @param photo never changed after: it is recognised by its object (`ownedPhoto` sees to it at the public border)
   */
  async load(photo: Rgba): Promise<void> {
    // Recovered by another user of the engine: what was uploaded and bound is gone.
    if (this.#device !== this.#engine.device) this.dispose()
    this.#device = this.#engine.device
    if (this.#photo === photo) return
    const divisor = halvings(photo)
    const copy = divisor === 1 ? photo : await shrink(photo, divisor)
    const plans = await this.#plansFor(copy.width * copy.height)
    plans.detector.writePart('photo', copy.data)
    this.#photo = photo
    this.#uploaded = { width: copy.width, height: copy.height }
    this.#toUploaded = copy.width / photo.width
  }

  /**
   * Faces in a part of the photo.
   * @param view photo px -> the detector's 128x128 px
   * @returns candidates after non-maximum suppression, photo px
   */
  async detect(view: Similarity): Promise<Detection[]> {
    const { detector } = this.#loaded()
    const inputs = { 'photo.transform': this.#transform(view, NETWORK_TAP) }
    const maps = (await this.#gathering.compute({ plan: detector, inputs })) as Record<string, Float32Array>
    const join = (name: string) =>
      joinAnchors(maps[`${name}16`] ?? new Float32Array(), maps[`${name}8`] ?? new Float32Array())
    return detectionsInView(join('scores'), join('boxes'), view)
  }

  /** Landmarks of the face in a square region of the photo. */
  async landmarks(roi: RegionOfInterest): Promise<PhotoLandmarks> {
    const { landmarks } = this.#loaded()
    const toCrop = roiToCrop(roi)
    const inputs = { 'photo.transform': this.#transform(toCrop, NETWORK_TAP) }
    const { mesh, flag } = (await this.#gathering.compute({ plan: landmarks, inputs })) as {
      mesh: Float32Array
      flag: Float32Array
    }
    const back = invertSimilarity(toCrop)
    const scale = similarityScale(back)
    const out = new Float32Array(MESH_VERTICES * 3)
    for (let v = 0; v < MESH_VERTICES; v++) {
      const [x, y] = applySimilarity(back, at(mesh, 3 * v), at(mesh, 3 * v + 1))
      out.set([x, y, at(mesh, 3 * v + 2) * scale], 3 * v)
    }
    const irises = new Float32Array(IRIS_POINTS * 2)
    for (let i = 0; i < IRIS_POINTS; i++) {
      const v = MESH_VERTICES + i
      irises.set(applySimilarity(back, at(mesh, 3 * v), at(mesh, 3 * v + 1)), 2 * i)
    }
    return { mesh: out, irises, presence: 1 / (1 + Math.exp(-at(flag, 0))) }
  }

  /** The photo warped to the template frame, edges continued outside. */
  async register(toTemplate: Similarity): Promise<Rgba> {
    const registration = this.registration(toTemplate)
    return frameOf(registration, await this.#gathering.compute(registration.job))
  }

  /** The work of `register`, to be submitted with what looks at the frame. */
  registration(toTemplate: Similarity): PendingFrame {
    const { register } = this.#loaded()
    const inputs = { 'photo.transform': this.#transform(toTemplate, FRAME_TAP) }
    return { job: { plan: register, inputs }, frameOutput: FRAME_OUTPUT }
  }

  dispose(): void {
    for (const plan of [this.#plans?.detector, this.#plans?.landmarks, this.#plans?.register]) plan?.dispose()
    this.#plans = undefined
    this.#photo = undefined
  }

  #loaded(): Plans {
    if (this.#plans === undefined) throw new TypeError('no photo was loaded')
    return this.#plans
  }

  /**
   * @param view photo px -> px of the network's input
   * @param pixelsPerTap source pixels along an axis for each bilinear sample
   */
  #transform(view: Similarity, pixelsPerTap: number): Float32Array {
    const { a, b, tx, ty } = invertSimilarity(view)
    const s = this.#toUploaded
    const taps = Math.min(16, Math.max(1, Math.ceil((Math.hypot(a, b) * s) / pixelsPerTap - 0.01)))
    return packImageTransform({
      ...this.#uploaded,
      matrix: [a * s, -b * s, tx * s, b * s, a * s, ty * s],
      taps: [taps, taps],
    })
  }

  async #plansFor(pixels: number): Promise<Plans> {
    if (this.#plans !== undefined && this.#plans.capacity >= pixels) return this.#plans
    const capacity = CAPACITIES.find((c) => c >= pixels) ?? MAX_GPU_PIXELS
    this.dispose()
    const [detector, landmarks, register] = await Promise.all([
      this.#engine.compile(detectorGraph(capacity), { weights: this.#files.detector }),
      this.#engine.compile(landmarkGraph(capacity), { weights: this.#files.landmarks }),
      this.#engine.compile(registerGraph(capacity)),
    ])
    // One photo serves all three.
    for (const plan of [landmarks, register]) plan.bindInput('photo', detector.inputBuffer('photo'))
    this.#plans = { capacity, detector, landmarks, register }
    return this.#plans
  }
}

function photoInput(graph: GraphBuilder, maxPixels: number, options: ImageInputOptions): Value {
  return inputImages(graph, 'image', ['photo'], { ...options, maxPixels })
}

function detectorGraph(capacity: number) {
  const graph = new GraphBuilder('face detector')
  const maps = faceDetector(graph, photoInput(graph, capacity, FACE_DETECTOR_INPUT))
  for (const [name, map] of Object.entries(maps)) outputTensor(graph, name, map as Value)
  return graph.build()
}

function landmarkGraph(capacity: number) {
  const graph = new GraphBuilder('face landmarks')
  const { mesh, flag } = meshRegressorAttention(graph, photoInput(graph, capacity, MESH_REGRESSOR_INPUT))
  outputTensor(graph, 'mesh', mesh)
  outputTensor(graph, 'flag', flag)
  return graph.build()
}

function registerGraph(capacity: number) {
  const graph = new GraphBuilder('registration')
  const size = { width: TEMPLATE_SIZE, height: TEMPLATE_SIZE, border: 'edge' } as const
  graph.output(FRAME_OUTPUT, imageOutput(graph, 'pixels', photoInput(graph, capacity, size)))
  return graph.build()
}

function halvings({ width, height }: Rgba): number {
  let divisor = 1
  while ((width / divisor) * (height / divisor) > MAX_GPU_PIXELS) divisor *= 2
  return divisor
}

function shrink(photo: Rgba, divisor: number): Promise<Rgba> {
  // Both sides by the same factor, so that one number maps coordinates.
  const width = Math.max(1, Math.round(photo.width / divisor))
  const height = Math.max(1, Math.round((photo.height * width) / photo.width))
  return cropAndResize(photo, { x: 0, y: 0, width: photo.width, height: photo.height }, width, height)
}
