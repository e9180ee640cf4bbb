import { EngineError, printed } from '../../errors.js'
import {
  anything,
  checkArguments,
  finite,
  flag,
  list,
  name as nameCheck,
  oneOf,
  optional,
  record,
  tuple,
  whole,
} from '../../graph/arguments.js'

import { addNode, checkedBuilder, type GraphBuilder, type Value } from '../../graph/graph.js'
import { checkOptions, shapeError, wholeNumber } from '../../graph/infer.js'
import { inputAt } from '../../graph/lowering.js'
import {
  type InferContext,
  type KernelCall,
  type LowerContext,
  type OpDefinition,
  type Operand,
  tensorOf,
  view,
} from '../../graph/op.js'
import { type RawType, type TensorType, tensorType } from '../../graph/tensor.js'

/** Layout of a picture's bytes. */
export type PixelFormat = 'rgba8' | 'rgb8'

/** How {@link inputImages} samples a picture. */
export interface ImageInputOptions {
  /** Output size in pixels. */
  readonly width: number
  readonly height: number
  /** Default `rgba8`; alpha is ignored. */
  readonly format?: PixelFormat
  /** What lies outside the image: black (before normalisation), or its nearest edge pixel. Default `black`. */
  readonly border?: 'black' | 'edge'
  /** Output = colour * scale + offset per channel (R, G, B), colour in [0, 1]. Default 1 and 0. */
  readonly scale?: readonly [number, number, number]
  readonly offset?: readonly [number, number, number]
  /** The mirror images (left to right) follow the images in the batch; not for registered ones. Default false. */
  readonly mirrored?: boolean
}

type RegisteredImageOptions = Omit<ImageInputOptions, 'border' | 'mirrored'>

interface ImageInputAttrs extends Required<ImageInputOptions> {
  /** The images have the output's size: pixels are copied one to one and there is no transform. */
  readonly registered: boolean
}

/** Source and placement of one image for one run; see `packImageTransform`. */
export interface ImageTransform {
  /** Size of the source image in pixels, at most 65536 each. */
  readonly width: number
  readonly height: number
  /**
   * Output pixel -> source pixel, pixel centres at integer + 0.5 on both sides:
   * `[a, b, c, d, e, f]` is source x = a x + b y + c, source y = d x + e y + f.
   */
  readonly matrix: readonly [number, number, number, number, number, number]
  /** Bytes from one row to the next; default: rows without gaps. A multiple of 4 for RGBA8. */
  readonly rowStride?: number
  /** Default `rgba8`; must be the format of the graph's input. */
  readonly format?: PixelFormat
  /**
   * Samples per output pixel in x and y, evenly spread over its area, 1..64. Default: about one per source pixel that
   * an output pixel spans (the rounded scale), so that downscaling averages instead of aliasing; at most 16: beyond a
   * downscaling of 16 the samples are further apart than one pixel and cost no longer grows. `[1, 1]` is plain
   * bilinear sampling, which is what most face networks were trained with. Samples are bilinear, but where 4 or
   * more both ways lie about a source pixel apart, each takes its nearest pixel.
   */
  readonly taps?: readonly [number, number]
}

/** 32-bit floats in a transform's parameter buffer. */
export const IMAGE_TRANSFORM_FLOATS = 12

const FORMAT = oneOf('rgba8', 'rgb8')
/** What `packImageTransform` does not say better itself. */
const TRANSFORM = { matrix: list(anything), format: optional(FORMAT), taps: optional(tuple(2, anything)) }

const DEFAULT_MAX_TAPS = 16
const MAX_TAPS = 64
// Where this many samples, no further apart than this in source pixels, are averaged both ways, interpolating each would
// cost four times the loads for no visible gain.
const DENSE_TAPS = 4
const DENSE_SPACING = 1.25
/** Pixels per invocation. */
const SOFTWARE_ROWS = 8
const MAX_SIDE = 65536
// Larger whole numbers have gaps in 32-bit floats.
const MAX_STRIDE = 2 ** 24

/**
 * The content of a transform's parameter buffer:
 * `[a, b, c, width, d, e, f, height, rowStride in bytes, taps in x, taps in y, 1 where taps take the nearest pixel]`.
 * @throws EngineError INVALID_ARGUMENT if a size, the stride or the taps are out of range, or the matrix is not finite
 */
export function packImageTransform(transform: ImageTransform): Float32Array<ArrayBuffer> {
  checkArguments('image transform', TRANSFORM, transform)
  const { width, height, matrix, format = 'rgba8' } = transform
  checkRange('image width', width, 1, MAX_SIDE)
  checkRange('image height', height, 1, MAX_SIDE)
  if (!tuple(6, finite).accepts(matrix)) {
    throw new EngineError('INVALID_ARGUMENT', `image matrix must be 6 finite numbers, got ${printed(matrix)}`)
  }
  const [a, b, c, d, e, f] = matrix
  const bytes = bytesPerPixel(format)
  const { rowStride = width * bytes } = transform
  checkRange('image row stride', rowStride, width * bytes, MAX_STRIDE)
  if (format === 'rgba8' && rowStride % 4 !== 0) {
    throw new EngineError('INVALID_ARGUMENT', `row stride of RGBA8 must be a multiple of 4, got ${rowStride}`)
  }
  const scales = [Math.hypot(a, d), Math.hypot(b, e)] as const
  const { taps = [defaultTaps(scales[0]), defaultTaps(scales[1])] } = transform
  checkRange('taps in x', taps[0], 1, MAX_TAPS)
  checkRange('taps in y', taps[1], 1, MAX_TAPS)
  const isDense = taps.every((count, axis) => {
    return count >= DENSE_TAPS && (scales[axis] ?? 0) / count <= DENSE_SPACING
  })
  return Float32Array.of(a, b, c, width, d, e, f, height, rowStride, taps[0], taps[1], isDense ? 1 : 0)
}

function defaultTaps(scale: number): number {
  return Math.min(DEFAULT_MAX_TAPS, Math.max(1, Math.round(scale)))
}

function checkRange(what: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new EngineError(
      'INVALID_ARGUMENT',
      `${what} must be a whole number in ${low}..${high}, got ${printed(value)}`,
    )
  }
}

function bytesPerPixel(format: PixelFormat): 3 | 4 {
  checkArguments('image', { format: FORMAT }, { format })
  return format === 'rgba8' ? 4 : 3
}

/** Type of a raw input that holds up to `maxPixels` pixels (rows without gaps), rounded up to whole words. */
export function pixelBufferType(maxPixels: number, format: PixelFormat = 'rgba8'): RawType {
  checkRange('maxPixels', maxPixels, 1, 2 ** 30)
  const bytes = Math.ceil((maxPixels * bytesPerPixel(format)) / 4) * 4
  return { kind: 'raw', bytes, contents: `${format}[<=${maxPixels}]` }
}

/** Type of a raw input that holds one packed transform. */
export const IMAGE_TRANSFORM_TYPE: RawType = {
  kind: 'raw',
  bytes: IMAGE_TRANSFORM_FLOATS * 4,
  contents: `f32[${IMAGE_TRANSFORM_FLOATS}]`,
}

/**
 * Samples images through their own affine transforms into the batch entries of one tensor.
 * The images are separate buffers because they come from separate decoders, in sizes of their own: one
 * buffer for all would cost the caller a copy and limit their common size to that of a binding.
 * @param images each a raw pixel buffer (`pixelBufferType`) with its packed transform (`IMAGE_TRANSFORM_TYPE`)
 * @returns n x height x width x 3; 2n where the mirror images are wanted too
 * @throws EngineError INVALID_GRAPH on a size below 1, or buffers that are too small for a pixel or a transform
 */
export function imageInput(
  graph: GraphBuilder,
  name: string,
  images: readonly { readonly pixels: Value; readonly transform: Value }[],
  options: ImageInputOptions,
): Value {
  checkOptions(
    KIND,
    name,
    { images: list(record({ pixels: anything, transform: anything })), options: OBJECT },
    {
      images,
      options,
    },
  )
  const inputs = images.flatMap((image) => [image.pixels, image.transform])
  return addNode(graph, imageInputOp, name, withDefaults(options, false), inputs)
}

/**
 * Declares graph inputs for photos and samples them (`imageInput`): image `x` becomes the raw
 * inputs `x` (pixels, at most `maxPixels`) and `x.transform` (filled by `packImageTransform` before a run).
 * @returns n x height x width x 3
 */
export function inputImages(
  graph: GraphBuilder,
  name: string,
  images: readonly string[],
  options: ImageInputOptions & { readonly maxPixels: number },
): Value {
  checkOptions(KIND, name, { images: NAMES, options: OBJECT }, { images, options })
  const { maxPixels, ...rest } = options
  return checkedBuilder(graph).together(() => {
    const values = images.map((image) => ({
      pixels: graph.input(image, pixelBufferType(maxPixels, options.format)),
      transform: graph.input(`${image}.transform`, IMAGE_TRANSFORM_TYPE),
    }))
    return imageInput(graph, name, values, rest)
  })
}

/** Type of a raw input that holds an image of exactly this size, rows without gaps. */
export function frameType(width: number, height: number, format: PixelFormat = 'rgba8'): RawType {
  checkRange('frame width', width, 1, MAX_SIDE)
  checkRange('frame height', height, 1, MAX_SIDE)
  const { bytes } = pixelBufferType(width * height, format)
  return { kind: 'raw', bytes, contents: `${format}[${height},${width}]` }
}

/**
 * Normalises images that already have the network's size (registered frames) into the batch entries of one tensor.
 * @param frames raw values of `frameType`
 * @returns n x height x width x 3
 * @throws EngineError INVALID_GRAPH on a size below 1 or buffers that are too small
 */
export function imageFrames(
  graph: GraphBuilder,
  name: string,
  frames: readonly Value[],
  options: RegisteredImageOptions,
): Value {
  return addNode(graph, imageInputOp, name, withDefaults(options, true), frames)
}

/** Declares raw inputs, one per name, and normalises them (`imageFrames`). */
export function inputRegistered(
  graph: GraphBuilder,
  name: string,
  images: readonly string[],
  options: RegisteredImageOptions,
): Value {
  checkOptions(KIND, name, { images: NAMES, options: OBJECT }, { images, options })
  const type = frameType(options.width, options.height, options.format)
  return checkedBuilder(graph).together(() => {
    const values = images.map((image) => graph.input(image, type))
    return imageFrames(graph, name, values, options)
  })
}

function withDefaults(options: ImageInputOptions, registered: boolean): ImageInputAttrs {
  return {
    format: 'rgba8',
    border: 'black',
    scale: [1, 1, 1],
    offset: [0, 0, 0],
    mirrored: false,
    ...options,
    registered,
  }
}

const KIND = 'imageInput'
const NAMES = list(nameCheck)
const OBJECT = record({ format: optional(FORMAT) })

export const imageInputOp: OpDefinition<ImageInputAttrs> = {
  kind: KIND,
  inputs: [0, 65535],
  attributes: {
    width: whole(),
    height: whole(),
    format: oneOf('rgba8', 'rgb8'),
    border: oneOf('black', 'edge'),
    scale: tuple(3, finite),
    offset: tuple(3, finite),
    mirrored: flag,
    registered: flag,
  },

  infer(context: InferContext<ImageInputAttrs>): TensorType {
    const { attrs, inputs } = context
    wholeNumber(KIND, context, 'width', attrs.width, 1)
    wholeNumber(KIND, context, 'height', attrs.height, 1)
    for (const [key, value] of Object.entries({ scale: attrs.scale, offset: attrs.offset })) {
      if (value.length !== 3 || !value.every(Number.isFinite)) {
        throw shapeError(KIND, context, `${key} must be 3 finite numbers, got [${value.join(', ')}]`)
      }
    }
    const perImage = attrs.registered ? 1 : 2
    const images = inputs.length / perImage
    if (images < 1 || !Number.isInteger(images)) {
      throw shapeError(KIND, context, 'needs images, with a transform each unless they are registered')
    }
    const needed = attrs.registered ? attrs.width * attrs.height * bytesPerPixel(attrs.format) : 4
    inputs.forEach((input, i) => {
      const isPixels = attrs.registered || i % 2 === 0
      const minimum = isPixels ? needed : IMAGE_TRANSFORM_TYPE.bytes
      if (input.kind !== 'raw' || input.bytes < minimum) {
        const what = isPixels ? 'pixel' : 'transform'
        throw shapeError(
          KIND,
          context,
          `${what} input ${i} must be a raw buffer of at least ${minimum} bytes`,
        )
      }
    })
    return tensorType(attrs.mirrored ? 2 * images : images, attrs.height, attrs.width, 3)
  },

  flops({ attrs }, output) {
    if (output.kind !== 'tensor') return 0
    const images = attrs.mirrored ? output.n / 2 : output.n
    // Per channel: three interpolations of 3 operations where there is a transform, then scale and offset.
    return images * output.h * output.w * 3 * (attrs.registered ? 2 : 11)
  },

  lower(context: LowerContext<ImageInputAttrs>): KernelCall[] {
    const { attrs, output, storage } = context
    const { h, w } = tensorOf(output)
    const stride = attrs.registered ? 1 : 2
    const rows = context.schedule === 'software' ? SOFTWARE_ROWS : 1
    const images = context.inputs.length / stride
    // Software adapters would read the pixels of all images for each.
    const perCall = context.schedule === 'software' ? 1 : IMAGES_PER_CALL
    return Array.from({ length: Math.ceil(images / perCall) }, (_, call): KernelCall => {
      const entry = call * perCall
      const count = Math.min(perCall, images - entry)
      const operands = Array.from({ length: count }, (_, image) => ({
        pixels: inputAt(context, (entry + image) * stride),
        transform: attrs.registered ? undefined : inputAt(context, (entry + image) * stride + 1),
      }))
      return {
        kernel: 'image_input.wgsl',
        variant: `${attrs.registered ? 'registered' : 'affine'} ${attrs.format}${attrs.mirrored ? ' mirrored' : ''}`,
        params: {
          F16: storage === 'f16',
          BYTES_PER_PIXEL: bytesPerPixel(attrs.format),
          EDGE_BORDER: attrs.border === 'edge',
          REGISTERED: attrs.registered,
          MIRRORED: attrs.mirrored,
          IMAGES: count,
        },
        uniforms: {
          outputView: view(output),
          scale: [...attrs.scale, 0],
          offset: [...attrs.offset, 0],
          entry,
          mirrorEntry: images + entry,
          rows,
          words: [0, 1].map((image) => Math.floor(rawBytes(operands[image]?.pixels) / 4)),
        },
        bindings: {
          output,
          ...Object.fromEntries(operands.map(({ pixels }, image) => [`pixels${image}`, pixels])),
          ...Object.fromEntries(
            operands.flatMap(({ transform }, image) => (transform ? [[`transform${image}`, transform]] : [])),
          ),
        },
        workgroups: [Math.ceil(w / 16), Math.ceil(h / (4 * rows)), count],
      }
    })
  },
}

/** Images of one dispatch of image_input.wgsl. */
const IMAGES_PER_CALL = 2

function rawBytes(operand: Operand | undefined): number {
  if (operand === undefined) return 0
  if (operand.kind === 'packed' || operand.type.kind !== 'raw')
    throw new TypeError('operand is not a raw buffer')
  return operand.type.bytes
}
