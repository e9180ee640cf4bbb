import type { Rgba } from '../geometry/types.js'
import { GraphBuilder } from '../graph/graph.js'
import { compositeSheet } from '../ops/image/composite-sheet.js'
import { imageOutput } from '../ops/image/image-output.js'
import { interpolate } from '../ops/mesh/interpolate.js'
import { rasterise } from '../ops/mesh/rasterise.js'
import { inputTensor } from '../ops/tensor/border.js'
import type { DeviceData } from '../runtime/device-data.js'
import type { Engine } from '../runtime/engine.js'
import type { Plan, PlanInputs } from '../runtime/plan.js'
import { fillHole } from './backdrop.js'
import { textured } from './backdrop-texture.js'
import type { PersonMatte } from './matte.js'
import { MOUTH_PATCH } from './mouth-patch.js'
import type { MovedSheet, Sheet } from './sheet.js'

/** What a sheet is drawn of. */
export interface SheetLayers {
  /** Colour times the matte, the matte: h*w*4. */
  readonly sheet: Float32Array
  /** h*w*3. */
  readonly backdrop: Float32Array
}

/** A picture that can be drawn: by one of the calls, whole, before the call returns. */
export interface Drawing {
  read(): Promise<Rgba>
  /** Nothing is read back. @param to RGBA8 pixels of the picture's size */
  leaveIn(to: DeviceData): Promise<void>
}

/** A drawing that others can be laid over, or that is laid over another. */
export interface Layer extends Drawing {
  /** @returns where its pixels are until the renderer's next drawing */
  start(): GPUBuffer
}

/** Draws a sheet whose corners have moved over what lies behind it. One plan a photo. */
export class SheetRenderer {
  readonly #plan: Plan
  readonly #constant: SheetLayers
  readonly #size: { readonly width: number; readonly height: number }
  #device: GPUDevice | undefined

  private constructor(
    plan: Plan,
    private readonly engine: Engine,
    constant: SheetLayers,
    size: { readonly width: number; readonly height: number },
  ) {
    this.#plan = plan
    this.#constant = constant
    this.#size = size
  }

  /** @param isWeighted whether alpha is the weights of the corners, 0 where the sheet is not; else it is 1 everywhere */
  static async create(
    engine: Engine,
    { width, height }: Pick<Rgba, 'width' | 'height'>,
    layers: SheetLayers,
    sheet: Sheet,
    isWeighted = false,
  ): Promise<SheetRenderer> {
    const graph = new GraphBuilder('sheet')
    const shape = { n: 1, h: height, w: width }
    const { triangles, places } = sheet
    const vertices = inputTensor(graph, 'vertices', { n: 1, h: 1, w: places.length / 4, c: 3 })
    const gains = inputTensor(graph, 'gains', { n: 1, h: 1, w: places.length / 4, c: isWeighted ? 4 : 3 })
    const fragments = rasterise(graph, 'raster', vertices, { width, height, triangles })
    const colours = compositeSheet(graph, 'composite', {
      fragments,
      places: interpolate(graph, 'places', fragments, { data: places, channels: 4 }, { triangles }),
      light: interpolate(graph, 'light', fragments, gains, { triangles }),
      sheet: inputTensor(graph, 'sheet', { ...shape, c: 4 }),
      backdrop: inputTensor(graph, 'backdrop', { ...shape, c: 3 }),
      patch: inputTensor(graph, 'patch', { n: 1, h: MOUTH_PATCH.height, w: MOUTH_PATCH.width, c: 4 }),
    })
    graph.output('frame', imageOutput(graph, 'pixels', colours))
    const plan = await engine.compile(graph.build(), {})
    return new SheetRenderer(plan, engine, layers, { width, height })
  }

  /**
   * @param moved of `Sheet.move`
   * @param patch of `InnerMouth.cut`
   * @param weights by corner, in [0, 1]; of a renderer that draws them
   */
  drawing({ vertices, gains }: MovedSheet, patch: Float32Array, weights?: Float32Array): Layer {
    const inputs = { vertices, gains: weights === undefined ? gains : withWeights(gains, weights), patch }
    return {
      read: async () => {
        const { frame } = await this.#submit(inputs, (all) => this.#plan.compute(all))
        return { ...this.#size, data: frame as Uint8Array }
      },
      leaveIn: async (to) => await this.#submit(inputs, (all) => this.#plan.run(all, { to: { frame: to } })),
      start: () => {
        // What the device refuses, the reading of what is made of the pixels says.
        void this.#submit(inputs, (all) => this.#plan.run(all))
        return this.#plan.outputBuffer('frame')
      },
    }
  }

  /** With the layers, which stay on the device until it is replaced. */
  #submit<T>(inputs: PlanInputs, submit: (inputs: PlanInputs) => T): T {
    const { device } = this.engine
    const submitted = submit({ ...inputs, ...(this.#device !== device && this.#constant) })
    this.#device = device
    return submitted
  }

  dispose(): void {
    this.#plan.dispose()
  }
}

/** Gains and weights of corners in one: what is interpolated together costs as much as gains alone. */
function withWeights(gains: Float32Array, weights: Float32Array): Float32Array {
  const out = new Float32Array(4 * weights.length)
  weights.forEach((weight, i) => {
    out.set(gains.subarray(3 * i, 3 * i + 3), 4 * i)
    out[4 * i + 3] = weight
  })
  return out
}

/**
 * The photo as sheet and backdrop, such that an unmoved sheet over the backdrop is the photo, also where the matte lies between
 * person and background: of the photo the backdrop's share is taken off.
 */
export function layersOf(photo: Rgba, { alpha, person }: PersonMatte): SheetLayers {
  const image = coloursOf(photo)
  const { width, height } = photo
  const backdrop = textured(fillHole(image, person, width, height), person, width, height)
  return { sheet: sheetOver(image, alpha, backdrop), backdrop }
}

/** A further photo as sheet, whose own background is never seen. @param backdrop what it is drawn over */
export function furtherLayersOf(
  photo: Rgba,
  { alpha, person }: PersonMatte,
  backdrop: Float32Array,
): SheetLayers {
  const image = coloursOf(photo)
  return { sheet: sheetOver(image, alpha, fillHole(image, person, photo.width, photo.height)), backdrop }
}

/** h*w*3, in [0, 1]. */
function coloursOf({ width, height, data }: Rgba): Float32Array {
  const image = new Float32Array(width * height * 3)
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image[3 * i + c] = (data[4 * i + c] as number) / 255
  }
  return image
}

function sheetOver(image: Float32Array, alpha: Float32Array, backdrop: Float32Array): Float32Array {
  const sheet = new Float32Array(4 * alpha.length)
  alpha.forEach((share, i) => {
    for (let c = 0; c < 3; c++) {
      sheet[4 * i + c] = (image[3 * i + c] as number) - (1 - share) * (backdrop[3 * i + c] as number)
    }
    sheet[4 * i + 3] = share
  })
  return sheet
}
