import type { WebGLRenderer } from 'three'
import type { FlowStatistics, RegisteredFlowResult, RigidMotion } from '../package.js'
import { decodeNpy, scalarMap } from '../package.js'
import type { Face, Motion, Surface } from '../scene/face.js'
import { flowLayers } from '../scene/layers.js'
import { surfaceDepth } from '../scene/surface-depth.js'
import { readGlb } from './read-glb.js'
import { NotShown, type ResultFiles, readFile, readText } from './result-files.js'

/** What of `result.json` is shown. */
export type ResultFacts = Pick<RegisteredFlowResult, 'adapter' | 'photometric' | 'warnings' | 'weights'> & {
  readonly inputs: { readonly a: string; readonly b: string }
  readonly rigidTemplate: RigidMotion
  readonly rigidPhoto?: RigidMotion
  readonly statistics: FlowStatistics
  readonly files: readonly string[]
}

export interface ShownPair {
  readonly face: Face
  readonly motion: Motion
  readonly facts: ResultFacts
  /** What cannot be shown of it, and why; a sentence each. */
  readonly gaps: readonly string[]
}

const FRAME = 224

/** @throws NotShown without result.json or motion.glb */
export async function readPair(source: ResultFiles, renderer: WebGLRenderer): Promise<ShownPair> {
  const text = await readText(source, 'result.json')
  if (text === null)
    throw new NotShown('There is no result.json: this is not the folder of a finished result.')
  const facts = parseFacts(text)
  const glb = await readFile(source, 'motion.glb')
  if (glb === null) {
    throw new NotShown(
      'This result has no motion.glb; run the command without --only, or with --only data,meshes.',
    )
  }
  const { mesh, moved, triangles, uv, texture } = await readGlb(glb, 'motion.glb')
  if (moved === null) throw new NotShown('motion.glb holds no motion; run the command again.')
  const rigid = facts.rigidTemplate
  const base = { mesh, triangles, uv, texture }
  const fields = await readFields(source)
  if (fields === null) {
    return {
      face: { ...base, surface: null },
      motion: { mesh: moved, rigid, flow: null, layers: {} },
      facts,
      gaps: ['This result has no flow.npy: the mesh moves, and there is no dense surface.'],
    }
  }
  const surface = within(surfaceDepth(renderer, mesh, triangles), fields.mask)
  return {
    face: { ...base, surface },
    motion: {
      mesh: moved,
      rigid,
      flow: fields.flow,
      layers: await layersOf(source, fields.flow, surface, rigid),
    },
    facts,
    gaps: [],
  }
}

function parseFacts(text: string): ResultFacts {
  let json: (ResultFacts & { readonly format?: unknown }) | null = null
  try {
    json = JSON.parse(text)
  } catch {}
  if (json?.format !== 1 || typeof json.statistics !== 'object') {
    throw new NotShown('result.json is not one that this version of the page can read (format 1).')
  }
  return json
}

async function readFields(source: ResultFiles): Promise<{ flow: Float32Array; mask: Uint8Array } | null> {
  const bytes = await readFile(source, 'flow.npy')
  return bytes && readFlow(bytes, 'flow.npy')
}

/** A flow of the template frame, and where it is defined. */
export function readFlow(bytes: Uint8Array, name: string): { flow: Float32Array; mask: Uint8Array } {
  const { data, shape } = decodeNpy(bytes, name)
  if (!(data instanceof Float32Array) || shape.join() !== [FRAME, FRAME, 3].join()) {
    throw new NotShown(`${name} is no flow of ${FRAME}x${FRAME}x3 numbers.`)
  }
  const mask = new Uint8Array(FRAME * FRAME)
  for (let i = 0; i < mask.length; i++) {
    mask[i] = data[3 * i] !== 0 || data[3 * i + 1] !== 0 || data[3 * i + 2] !== 0 ? 1 : 0
  }
  return { flow: data, mask }
}

/** The surface where there is flow too: drawing hardware and the package may differ about pixels of the edge. */
export function within({ mask, depth }: Surface, flowMask: Uint8Array): Surface {
  return { mask: mask.map((on, i) => on & (flowMask[i] as number)), depth }
}

async function layersOf(
  source: ResultFiles,
  flow: Float32Array,
  { mask, depth }: Surface,
  rigid: RigidMotion,
): Promise<Motion['layers']> {
  const confidence = await readFile(source, 'confidence.npy')
  const pncc = await picture(source, 'pncc.png')
  return {
    ...flowLayers(flow, { mask, depth }, rigid),
    ...(pncc && { pncc }),
    ...(confidence && {
      confidence: scalarMap(decodeNpy(confidence, 'confidence.npy').data as Float32Array, mask, 1),
    }),
  }
}

async function picture(source: ResultFiles, name: string): Promise<ImageBitmap | null> {
  const bytes = await readFile(source, name)
  return bytes && createImageBitmap(new Blob([bytes], { type: 'image/png' }))
}
