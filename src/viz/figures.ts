import type { FaceFrame, RegisteredFlowResult } from '../face/types.js'
import { hasPhotos } from '../face/types.js'
import { applySimilarityToPoints } from '../geometry/similarity.js'
import type { Rgba } from '../geometry/types.js'
import { divergingColour, sequentialColour } from './colour-maps.js'
import { depthMap, depthScale, flowMap, flowScale, occlusionMap, pnccMap, scalarMap } from './maps.js'
import { arrows, dots, wireframe } from './overlays.js'
import { photoTile } from './photo.js'
import { drawSheet, type Tile } from './tiles.js'

/** The pictures of a result. One tile per product; pictures and the overview are sheets of them. */

/** A tile stands in a picture of its own and in the overview: it is made once while its result lives. */
function oncePerResult<T>(make: (result: RegisteredFlowResult) => T): (result: RegisteredFlowResult) => T {
  const made = new WeakMap<RegisteredFlowResult, T>()
  return (result) => {
    const known = made.get(result)
    if (known !== undefined) return known
    const value = make(result)
    made.set(result, value)
    return value
  }
}

// Calls are marked as pure: bundlers leave out figures that a program does not draw, and with them the outlines of the letters.

/** Px of full colour in the pictures of the flow. */
const fullFlow = /* @__PURE__ */ oncePerResult(({ flow, mask }) => flowScale(flow, mask))

/** Grey levels at the upper end of the residual's colour bar. */
const RESIDUAL_FULL = 50
const LANDMARK_COLOUR = '#39d353'
const MESH_COLOUR = '#7fe3ff'

/** Registered A and B with the landmarks that were registered. */
export function registeredTiles(result: RegisteredFlowResult): Tile[] {
  const tile = (name: string, image: Rgba, frame: FaceFrame | undefined): Tile => ({
    image,
    kind: 'smooth',
    title: `${name}, registered`,
    note: frame
      ? `68 landmarks, ${frame.registrationResidual.toFixed(1)} px from the template on average`
      : '224×224 template frame',
    overlay: frame
      ? dots(applySimilarityToPoints(frame.toTemplate, frame.landmarks68, 2), 1.4, LANDMARK_COLOUR)
      : [],
  })
  const photos = hasPhotos(result) ? result : null
  return [tile('A', result.registeredA, photos?.a), tile('B', result.registeredB, photos?.b)]
}

/** Mesh of A over A, and the same mesh moved by the flow over B: it should fit B's face. */
export const meshTiles = /* @__PURE__ */ oncePerResult((result): Tile[] => {
  const tile = (image: Rgba, vertices: Float32Array, title: string, note: string): Tile => ({
    image,
    kind: 'smooth',
    title,
    note,
    overlay: wireframe(vertices, result.triangles, 0.45, MESH_COLOUR),
  })
  return [
    tile(result.registeredA, result.meshA, 'Mesh of A', '468 vertices'),
    tile(result.registeredB, result.meshB, 'Mesh of A moved by the flow', 'over B, whose face it should fit'),
  ]
})

export function pnccTile(result: RegisteredFlowResult): Tile {
  return {
    image: pnccMap(result.pncc),
    kind: 'exact',
    title: 'PNCC of A',
    note: 'mesh of A coloured by its place on the mean face',
  }
}

/** The 2D flow in the colour wheel. */
export const flowTile = /* @__PURE__ */ oncePerResult((result): Tile => {
  const full = fullFlow(result)
  return {
    image: flowMap(result.flow, result.mask, full),
    kind: 'exact',
    title: 'Flow (dx, dy)',
    note: `hue: direction, white: no motion, full colour: ${full} px`,
    legend: { kind: 'wheel', full: `${full} px` },
  }
})

/** The motion that is left without the rigid head motion, on the scale of the whole flow. */
export const expressionTile = /* @__PURE__ */ oncePerResult((result): Tile => {
  const full = fullFlow(result)
  return {
    image: flowMap(result.expressionFlow, result.mask, full),
    kind: 'exact',
    title: 'Expression flow',
    note: 'flow without the rigid head motion, same colours',
    legend: { kind: 'wheel', full: `${full} px` },
  }
})

/** The depth change with its bar. */
export const depthTile = /* @__PURE__ */ oncePerResult((result): Tile => {
  const full = depthScale(result.flow, result.mask)
  return {
    image: depthMap(result.flow, result.mask, full),
    kind: 'exact',
    title: 'Depth change dz',
    note: 'px; red: towards the camera (dz < 0), blue: away (dz > 0)',
    legend: {
      kind: 'bar',
      colour: (value) => divergingColour(value, full),
      low: -full,
      high: full,
      labels: [`−${full}`, '0', `${full}`],
    },
  }
})

export const quiverTile = /* @__PURE__ */ oncePerResult((result): Tile => {
  const { shapes, factor } = arrows(result.flow, result.mask, fullFlow(result))
  return {
    image: result.registeredA,
    kind: 'smooth',
    title: 'Flow over A',
    note: factor === 1 ? 'arrows at true length' : `arrows ${factor} times as long as the motion`,
    overlay: shapes,
  }
})

/** Confidence and occlusion; empty when the backward flow was not computed. */
export const reliabilityTiles = /* @__PURE__ */ oncePerResult((result): Tile[] => {
  const { confidence, occlusion, mask } = result
  if (!confidence || !occlusion) return []
  const hidden = occlusion.reduce((sum, v) => sum + v, 0)
  const face = mask.reduce((sum, v) => sum + v, 0)
  const bar = {
    kind: 'bar' as const,
    colour: (value: number) => sequentialColour(value, 1),
    low: 0,
    high: 1,
    labels: ['1', '0'],
  }
  return [
    {
      image: scalarMap(confidence, mask, 1),
      kind: 'exact',
      title: 'Confidence',
      note: 'probability that the flow is right to a pixel',
      legend: bar,
    },
    {
      image: occlusionMap(result.registeredA, occlusion, mask),
      kind: 'exact',
      title: 'Occlusion',
      note: `red: seen in A, hidden in B (${((100 * hidden) / Math.max(1, face)).toFixed(1)} % of the face)`,
    },
  ]
})

export function warpedTile(result: RegisteredFlowResult): Tile {
  return {
    image: result.warpedB,
    kind: 'smooth',
    title: 'B moved back to A',
    note: 'B resampled along the flow: should look like A',
  }
}

export const residualTile = /* @__PURE__ */ oncePerResult((result): Tile => {
  const { before, after } = result.photometric
  return {
    image: scalarMap(result.residual, result.mask, RESIDUAL_FULL),
    kind: 'exact',
    title: 'Photometric residual',
    note: `|B moved back − A|, grey levels; mean ${after.toFixed(1)}, without flow ${before.toFixed(1)}`,
    legend: {
      kind: 'bar',
      colour: (value) => sequentialColour(value, RESIDUAL_FULL),
      low: 0,
      high: RESIDUAL_FULL,
      labels: [`${RESIDUAL_FULL}`, '0'],
    },
  }
})

/** Everything side by side, with the numbers under it. */
export async function drawOverview(result: RegisteredFlowResult): Promise<Rgba> {
  const photos = hasPhotos(result) ? [photoTile('Photo A', result.a), photoTile('Photo B', result.b)] : []
  const tiles = [
    ...photos,
    ...registeredTiles(result),
    ...meshTiles(result),
    pnccTile(result),
    flowTile(result),
    depthTile(result),
    quiverTile(result),
    expressionTile(result),
    ...reliabilityTiles(result),
    warpedTile(result),
    residualTile(result),
  ]
  return drawSheet(tiles, {
    tileSize: 224,
    // 15 tiles with photos and backward flow fill three rows of 5, 11 with neither nearly three of 4.
    columns: tiles.length > 12 ? 5 : 4,
    heading: 'Dense 3D facial flow',
    footer: footer(result),
  })
}

function footer(result: RegisteredFlowResult): string[] {
  const motion = hasPhotos(result) ? result.rigidPhoto : result.rigid
  const { yaw, pitch, roll } = motion.angles
  const { weights } = result
  const lines = [
    `Head motion${hasPhotos(result) ? ' between the photos' : ''}: yaw ${signed(yaw)}°, pitch ${signed(pitch)}°, roll ${signed(roll)}°, scale ${motion.scale.toFixed(3)}.`,
    `Weights ${weights.name} (${weights.hash.slice(0, 12)}${weights.epe === null ? '' : `, measured error ${weights.epe.toFixed(2)} px`}), computed on ${result.adapter}.`,
  ]
  return [...lines, ...result.warnings.map((warning) => `Note: ${warning}`)]
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`
}

/** A picture of one or two tiles at twice the template's size. */
export function drawPicture(tiles: readonly Tile[]): Promise<Rgba> {
  return drawSheet(tiles, { tileSize: 448, columns: 2 })
}
