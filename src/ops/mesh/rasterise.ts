import { indices, oneOf, optional, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, wholeNumber } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP, linearGrid } from '../../graph/lowering.js'
import { type KernelCall, type LowerContext, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { type TensorType, tensorType } from '../../graph/tensor.js'
import { checkTriangles, fragmentsInput, MAX_TRIANGLES, triangleTable, verticesInput } from './triangles.js'

/** Attributes of {@link rasterise}. */
export interface RasteriseAttrs {
  /** Size of the raster in pixels. */
  readonly width: number
  readonly height: number
  /** Three vertex indices a triangle. */
  readonly triangles: Uint32Array
  /** `back` leaves out triangles that show their back. Default `none`. */
  readonly cull?: 'none' | 'back'
  /** Which order of corners, as seen on the screen (y down), is the front. Default `ccw`. */
  readonly frontFace?: 'ccw' | 'cw'
  /** Number that the first triangle has in the fragments, where another raster's come before. Default 0. */
  readonly firstTriangle?: number
}

/**
 * Z-buffered triangles without perspective. The rules, exact and the same on every run:
 * - x, y in pixels, centres at integer + 0.5; both are rounded to 1/256 px (half to even) first;
 * - a pixel belongs to a triangle if its centre lies inside, or on a top or left edge (a horizontal edge with the
 *   inside below it; an edge with the inside to its right): triangles that share an edge leave no gap
 *   and no pixel to both;
 * - smallest z wins, equal z goes to the lower triangle index;
 * - triangles without area, and those with a coordinate that is NaN or beyond +-2^21, are left out; everything
 *   else may reach as far beyond the raster as it likes.
 *
 * Many small triangles are the good case: time grows with the sum of their boxes' areas.
 *
 * @param vertices n x 1 x V x 3: x, y, z
 * @param front n x height x width x 4, fragments that lie in front: where they have a triangle they stay, whatever the depths
 * @returns fragments, n x height x width x 4: z, barycentric weights of the triangle's first and second
 * vertex, triangle index; 0, 0, 0, -1 where no triangle is
 * @throws EngineError INVALID_GRAPH on an empty raster or list, indices past the last vertex, or vertices of another shape
 */
export function rasterise(
  graph: GraphBuilder,
  name: string,
  vertices: Value,
  attrs: RasteriseAttrs,
  front?: Value,
): Value {
  return addNode(graph, rasteriseOp, name, attrs, front === undefined ? [vertices] : [vertices, front])
}

const KIND = 'rasterise'
// Keeps pixel indices and the area of a bounding box within 31 bits.
const MAX_SIDE = 16384
/** On hardware a triangle's rows are shared out, so that one huge triangle does not occupy one thread for long. */
const HARDWARE_BAND = 16
/** Pixels that one invocation clears: starting one costs a software adapter as much as clearing several. */
const CLEAR_RUN = 16
/** Side of the tiles of kernels/rasterise_tile.wgsl, px. */
const TILE = 8
/** Triangles looked at, over all tiles, from which on it costs more to ask each tile than to start three more dispatches. */
const MAX_LOOKS = 2 ** 21

export const rasteriseOp: OpDefinition<RasteriseAttrs> = {
  kind: KIND,
  inputs: [1, 2],
  attributes: {
    width: whole(),
    height: whole(),
    triangles: indices,
    cull: optional(oneOf('none', 'back')),
    frontFace: optional(oneOf('ccw', 'cw')),
    firstTriangle: optional(whole(0, MAX_TRIANGLES)),
  },
  coordinates: [0, 1],
  precise: 'always',

  infer(context) {
    const { attrs } = context
    const vertices = verticesInput(KIND, context, 0)
    for (const side of ['width', 'height'] as const) {
      wholeNumber(KIND, context, side, attrs[side], 1)
      if (attrs[side] > MAX_SIDE) {
        throw shapeError(KIND, context, `${side} is at most ${MAX_SIDE}, got ${attrs[side]}`)
      }
    }
    checkTriangles(KIND, context, attrs.triangles, vertices.w)
    const output = tensorType(vertices.n, attrs.height, attrs.width, 4)
    if (context.inputs.length > 1) fragmentsInput(KIND, context, 1, output)
    return output
  },

  // Set-up of each triangle, and about one evaluated pixel per pixel of the raster.
  flops({ attrs }, output) {
    if (output.kind !== 'tensor') return 0
    return output.n * ((attrs.triangles.length / 3) * 60 + output.h * output.w * 12)
  },

  lower(context) {
    const { attrs, output, schedule } = context
    const vertices = inputAt(context, 0)
    const type = tensorOf(output)
    const count = attrs.triangles.length / 3
    const front = context.inputs[1]
    const shared: SharedParts = {
      params: { F16: context.storage === 'f16', FRONT: front !== undefined },
      uniforms: {
        vertices: view(vertices),
        fragments: view(output),
        triangles: count,
        firstTriangle: attrs.firstTriangle ?? 0,
        culled: attrs.cull === 'back' ? (attrs.frontFace === 'cw' ? -1 : 1) : 0,
        ...(front && { front: view(front) }),
      },
      bindings: {
        vertices,
        triangles: triangleTable(attrs.triangles),
        fragments: output,
        ...(front && { front }),
      },
    }
    const tiles = [Math.ceil(type.w / TILE), Math.ceil(type.h / TILE), type.n] as const
    if (schedule === 'hardware' && tiles[0] * tiles[1] * count <= MAX_LOOKS) {
      return [{ kernel: 'rasterise_tile.wgsl', variant: 'tiles', ...shared, workgroups: tiles }]
    }
    return phases(context, type, count, shared)
  },
}

type SharedParts = Pick<KernelCall, 'params' | 'uniforms' | 'bindings'>

/** Four dispatches over triangles: the walk of their boxes is the work. */
function phases(
  { schedule, scratch }: LowerContext<RasteriseAttrs>,
  { n, h, w }: TensorType,
  count: number,
  shared: SharedParts,
): KernelCall[] {
  const pixels = n * h * w
  const marks = scratch({ kind: 'raw', bytes: pixels * 8, contents: `u32[${n},${h},${w},2]` })
  const rowsPerBand = schedule === 'hardware' ? Math.min(h, HARDWARE_BAND) : h
  const phase = (index: number, variant: string, workgroups: KernelCall['workgroups']): KernelCall => ({
    kernel: 'rasterise.wgsl',
    variant,
    params: shared.params,
    uniforms: { ...shared.uniforms, phase: index, clearRun: CLEAR_RUN, rowsPerBand },
    bindings: { ...shared.bindings, marks },
    workgroups,
  })
  const walk = [Math.ceil(count / LINEAR_WORKGROUP), Math.ceil(h / rowsPerBand), n] as const
  return [
    phase(0, 'clear', linearGrid(Math.ceil(pixels / CLEAR_RUN))),
    phase(1, 'depth', walk),
    phase(2, 'owner', walk),
    phase(3, 'write', walk),
  ]
}
