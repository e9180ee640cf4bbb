import { indices, oneOf, optional, whole } from '../../graph/arguments.js'
import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, wholeNumber } from '../../graph/infer.js'
import { inputAt, LINEAR_WORKGROUP, linearGrid } from '../../graph/lowering.js'
import { type KernelCall, type OpDefinition, tensorOf, view } from '../../graph/op.js'
import { tensorType } from '../../graph/tensor.js'
import { checkTriangles, triangleTable, verticesInput } from './triangles.js'

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
 * One thread walks a triangle's box in a band of rows, so many small triangles are the good case; time
 * grows with the sum of the boxes' areas.
 *
 * @param vertices n x 1 x V x 3: x, y, z
 * @returns fragments, n x height x width x 4: z, barycentric weights of the triangle's first and second
 * vertex, triangle index; 0, 0, 0, -1 where no triangle is
 * @throws EngineError INVALID_GRAPH on an empty raster or list, indices past the last vertex, or vertices of another shape
 */
export function rasterise(graph: GraphBuilder, name: string, vertices: Value, attrs: RasteriseAttrs): Value {
  return addNode(graph, rasteriseOp, name, attrs, [vertices])
}

const KIND = 'rasterise'
// Keeps pixel indices and the area of a bounding box within 31 bits.
const MAX_SIDE = 16384
/** On hardware a triangle's rows are shared out, so that one huge triangle does not occupy one thread for long. */
const HARDWARE_BAND = 16
/** Pixels that one invocation clears: starting one costs a software adapter as much as clearing several. */
const CLEAR_RUN = 16

export const rasteriseOp: OpDefinition<RasteriseAttrs> = {
  kind: KIND,
  inputs: [1, 1],
  attributes: {
    width: whole(),
    height: whole(),
    triangles: indices,
    cull: optional(oneOf('none', 'back')),
    frontFace: optional(oneOf('ccw', 'cw')),
  },
  coordinates: [0],
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
    return tensorType(vertices.n, attrs.height, attrs.width, 4)
  },

  // Set-up of each triangle, and about one evaluated pixel per pixel of the raster.
  flops({ attrs }, output) {
    if (output.kind !== 'tensor') return 0
    return output.n * ((attrs.triangles.length / 3) * 60 + output.h * output.w * 12)
  },

  lower(context) {
    const { attrs, output, storage } = context
    const vertices = inputAt(context, 0)
    const { n, h, w } = tensorOf(output)
    const count = attrs.triangles.length / 3
    const triangles = triangleTable(attrs.triangles)
    const pixels = n * h * w
    const marks = context.scratch({ kind: 'raw', bytes: pixels * 8, contents: `u32[${n},${h},${w},2]` })
    const rowsPerBand = context.schedule === 'hardware' ? Math.min(h, HARDWARE_BAND) : h
    const culled = attrs.cull === 'back' ? (attrs.frontFace === 'cw' ? -1 : 1) : 0
    const phase = (index: number, variant: string, workgroups: KernelCall['workgroups']): KernelCall => ({
      kernel: 'rasterise.wgsl',
      variant,
      params: { F16: storage === 'f16' },
      uniforms: {
        vertices: view(vertices),
        fragments: view(output),
        phase: index,
        clearRun: CLEAR_RUN,
        triangles: count,
        rowsPerBand,
        culled,
      },
      bindings: { vertices, triangles, marks, fragments: output },
      workgroups,
    })
    const walk = [Math.ceil(count / LINEAR_WORKGROUP), Math.ceil(h / rowsPerBand), n] as const
    return [
      phase(0, 'clear', linearGrid(Math.ceil(pixels / CLEAR_RUN))),
      phase(1, 'depth', walk),
      phase(2, 'owner', walk),
      phase(3, 'write', walk),
    ]
  },
}
