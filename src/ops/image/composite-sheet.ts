import { addNode, type GraphBuilder, type Value } from '../../graph/graph.js'
import { shapeError, tensorInput } from '../../graph/infer.js'
import { inputAt, tileGrid } from '../../graph/lowering.js'
import { type OpDefinition, type Operand, tensorOf, view } from '../../graph/op.js'
import { channelsOf, type TensorType, tensorType } from '../../graph/tensor.js'

/** What {@link compositeSheet} puts together. */
export interface SheetLayers {
  /** n x h x w x 4 of `rasterise`: where the sheet is. */
  readonly fragments: Value
  /** n x h x w x 4: x, y in the sheet, x, y in the patch (negative: no patch here); px, pixel centres at integer + 0.5. */
  readonly places: Value
  /** n x h x w x 3: by what the sheet's colour is multiplied; a fourth channel comes out as it is, 0 where the sheet is not. */
  readonly light: Value
  /** 1 x H x W x 4: colour times alpha, alpha. */
  readonly sheet: Value
  /** 1 x h x w x 3. */
  readonly backdrop: Value
  /** n x P x Q x 4: colour times alpha, alpha. */
  readonly patch: Value
}

/**
 * A moved sheet in a changed light, with a patch on it, over a backdrop. The sheet is sampled by Catmull-Rom, which gives back a pixel exactly at its
 * centre, beyond its border by its outermost pixels; the patch bilinearly, with nothing beyond its border. Pixels whose places miss the straight line through
 * their neighbours' by 1.5 to 2.5 px and more lie on the edge of a part before another: they take up to half of their colour from the four neighbours. So do
 * pixels on both sides of the sheet's outline, by the largest alpha of the sheet there, where the light has three channels. Where
 * the sheet is drawn out by more than 2 in one direction alone, pixels without a patch take a mean across it, over 1.2 px to either side for each 1 beyond
 * that and 9 px at most: what varies across would become stripes.
 * @returns n x h x w x 3, or 4 where the light has a fourth channel
 * @throws EngineError INVALID_GRAPH if the shapes do not fit
 */
export function compositeSheet(graph: GraphBuilder, name: string, layers: SheetLayers): Value {
  // Callers in JavaScript may pass anything: what is no value of the graph is refused by name when the node is added.
  const { fragments, places, light, sheet, backdrop, patch } = Object(layers) as SheetLayers
  return addNode(graph, compositeSheetOp, name, {}, [fragments, places, light, sheet, backdrop, patch])
}

/** Sixteen multiply-adds of four channels, weights, and the layers over one another. */
const COMPOSITE_FLOPS = 208
/** Whether places jump along two lines, and whether the sheet is drawn out. */
const SOFTEN_FLOPS = 80

const KIND = 'compositeSheet'

export const compositeSheetOp: OpDefinition<Record<string, never>> = {
  kind: KIND,
  inputs: [6, 6],
  attributes: {},
  // Fragments, places and light, of one type: half a pixel of a place is all that f16 has at 1024.
  coordinates: [1],
  loads: [0, 1, 2],
  infer(context) {
    const [fragments, places, light, sheet, backdrop, patch] = [0, 1, 2, 3, 4, 5].map((i) =>
      tensorInput(KIND, context, i),
    ) as Six<TensorType>
    const { n, h, w } = fragments
    const channels = channelsOf(light) === 4 ? 4 : 3
    const parts = [
      ['fragments', fragments, 4, n, true],
      ['places', places, 4, n, true],
      ['light', light, channels, n, true],
      ['sheet', sheet, 4, 1, false],
      ['backdrop', backdrop, 3, 1, true],
      ['patch', patch, 4, n, false],
    ] as const
    for (const [part, type, channels, batches, hasSize] of parts) {
      // A pixel is read with one load, so its channels share a plane.
      if (type.segments.length !== 1 || channelsOf(type) !== channels || type.n !== batches) {
        throw shapeError(
          KIND,
          context,
          `${part} must have ${batches} entries of ${channels} channels in one part`,
        )
      }
      if (hasSize && (type.h !== h || type.w !== w)) {
        throw shapeError(KIND, context, `${part} must have the h and w of the fragments`)
      }
    }
    return tensorType(n, h, w, channels)
  },
  // Of a pixel that is on no edge and among no stripes.
  flops: (_, output) => {
    return output.kind === 'tensor' ? output.n * output.h * output.w * (COMPOSITE_FLOPS + SOFTEN_FLOPS) : 0
  },
  lower(context) {
    const { output, storage, loaded } = context
    const [fragments, places, light, sheet, backdrop, patch] = [0, 1, 2, 3, 4, 5].map((i) =>
      inputAt(context, i),
    ) as Six<Operand>
    const type = tensorOf(output)
    const colours = context.scratch(type)
    const params = { F16: storage === 'f16', LOADED_F16: loaded === 'f16' }
    const weighted = channelsOf(type) === 4 ? 1 : 0
    const workgroups = tileGrid(type.h, type.w, type.n)
    return [
      {
        kernel: 'composite_sheet.wgsl',
        variant: 'catmull-rom',
        params,
        uniforms: {
          fragments: view(fragments),
          places: view(places),
          light: view(light),
          sheet: view(sheet),
          backdrop: view(backdrop),
          patchView: view(patch),
          destination: view(colours),
          weighted,
        },
        bindings: { fragments, places, light, sheet, backdrop, cover: patch, destination: colours },
        workgroups,
        flops: type.n * type.h * type.w * COMPOSITE_FLOPS,
      },
      {
        kernel: 'soften_sheet.wgsl',
        variant: 'neighbours',
        params,
        uniforms: {
          fragments: view(fragments),
          places: view(places),
          colours: view(colours),
          destination: view(output),
          weighted,
        },
        bindings: { fragments, places, colours, destination: output },
        workgroups,
      },
    ]
  },
}

type Six<T> = [T, T, T, T, T, T]
