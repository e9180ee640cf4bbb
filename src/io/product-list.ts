import { FaceError } from '../errors.js'
import { hasPhotos, type RegisteredFlowResult } from '../face/types.js'
import { TEMPLATE_SIZE } from '../geometry/types.js'
import { encodeGreyPng, encodePng } from '../platform/index.js'
import { flowToPhoto } from '../products/photo-flow.js'
import {
  depthTile,
  drawOverview,
  drawPicture,
  expressionTile,
  flowTile,
  meshTiles,
  quiverTile,
  registeredTiles,
  reliabilityTiles,
  residualTile,
} from '../viz/figures.js'
import { pnccMap } from '../viz/maps.js'
import type { Tile } from '../viz/tiles.js'
import { encodeFlo } from './flo.js'
import {
  encodeMotionGlb,
  encodeMtl,
  encodeObj,
  encodePly,
  type MeshData,
  type UpAxis,
  upright,
} from './mesh.js'
import { encodeNpy } from './npy.js'
import { encodeNpz } from './npz.js'
import { type FaceTexture, faceTexture, vertexColours } from './texture.js'

/** The files that a result can be written to, and how each is made. */

export type Bytes = Uint8Array | string

/** What is written last: a folder with it is complete. */
export const RESULT_FILE = 'result.json'

/** Names of files ({@link PRODUCT_NAMES}) or groups of them. */
export interface ProductChoice {
  /** Default: data, meshes and pictures. */
  readonly only?: readonly string[]
  /** Also the group `photo-space`. */
  readonly photoSpace?: boolean
}

/** How files of results are encoded. */
export interface FormatOptions {
  /** Arrays as float16: half the size, 11 significant bits. */
  readonly half?: boolean
  /** Axes of mesh_a.obj and mesh_b.ply: those of the template frame (default), or y up and z towards the viewer. */
  readonly up?: UpAxis
}

/** One file that a result can be written to. */
export interface Product {
  readonly name: string
  readonly group: 'data' | 'meshes' | 'pictures' | 'photo-space' | 'compact'
  /** Whether it is made from the flow from B to A alone, or shows it where there is one. */
  readonly backward?: 'needed' | 'shown'
  /** Another product that is of no use without this one. */
  readonly partOf?: string
  /** Content, or null when the result lacks what the file shows. */
  make(source: ProductSource): Promise<Bytes | null> | Bytes | null
}

const N = TEMPLATE_SIZE
const MESH_A = 'mesh_a.obj'
const MATERIAL_A = 'mesh_a.mtl'
const TEXTURE_A = 'mesh_a.jpg'

/** A result with what several of its files share. */
export class ProductSource {
  #texture: Promise<FaceTexture> | undefined
  #photoFlow: ReturnType<typeof flowToPhoto> | undefined

  constructor(
    readonly result: RegisteredFlowResult,
    readonly format: FormatOptions,
  ) {}

  npy(data: Float32Array | Uint8Array, shape: readonly number[]): Uint8Array {
    return encodeNpy(data, shape, this.format.half)
  }

  texture(): Promise<FaceTexture> {
    this.#texture ??= faceTexture(this.result)
    return this.#texture
  }

  /** @throws FaceError INVALID_ARGUMENT for a registered pair */
  photoFlow(): { flow: Float32Array; mask: Uint8Array; width: number; height: number } {
    const { result } = this
    if (!hasPhotos(result)) throw noPhotos()
    const { width, height } = result.a.image
    this.#photoFlow ??= flowToPhoto(
      result.flow,
      result.mask,
      result.a.toTemplate,
      result.b.toTemplate,
      result.a.image,
    )
    return { ...this.#photoFlow, width, height }
  }

  mesh(vertices: Float32Array): MeshData {
    const { triangles } = this.result
    return { vertices: upright(vertices, this.format.up), triangles }
  }

  get frameNote(): string {
    return this.format.up === 'y'
      ? 'template frame 224x224 px, turned upright: x right, y up from its lower edge, z towards the camera'
      : 'template frame 224x224 px: x right, y down, z away from the camera'
  }
}

const DATA: readonly Product[] = [
  { name: 'flow.npy', group: 'data', make: (s) => s.npy(s.result.flow, [N, N, 3]) },
  { name: 'flow.flo', group: 'data', make: ({ result: r }) => encodeFlo(r.flow, r.mask, N, N) },
  {
    name: 'flow_backward.npy',
    group: 'data',
    backward: 'needed',
    make: (s) => (s.result.backwardFlow ? s.npy(s.result.backwardFlow, [N, N, 3]) : null),
  },
  {
    name: 'confidence.npy',
    group: 'data',
    backward: 'needed',
    make: (s) => (s.result.confidence ? s.npy(s.result.confidence, [N, N]) : null),
  },
  { name: 'mask.png', group: 'data', make: ({ result: r }) => encodeGreyPng(white(r.mask), N, N) },
  { name: 'mesh_mask.png', group: 'data', make: ({ result: r }) => encodeGreyPng(white(r.meshMask), N, N) },
  { name: 'pncc.png', group: 'data', make: ({ result: r }) => encodePng(pnccMap(r.pncc)) },
  { name: 'registered_a.png', group: 'data', make: ({ result: r }) => encodePng(r.registeredA) },
  { name: 'registered_b.png', group: 'data', make: ({ result: r }) => encodePng(r.registeredB) },
  { name: 'warped_b.png', group: 'data', make: ({ result: r }) => encodePng(r.warpedB) },
]

const COMPACT: readonly Product[] = [
  {
    name: 'fields.npz',
    group: 'compact',
    backward: 'shown',
    make: (s) => {
      const { flow, mask, backwardFlow, confidence, occlusion } = s.result
      return encodeNpz({
        flow: s.npy(flow, [N, N, 3]),
        mask: s.npy(mask, [N, N]),
        ...(backwardFlow && { flow_backward: s.npy(backwardFlow, [N, N, 3]) }),
        ...(confidence && { confidence: s.npy(confidence, [N, N]) }),
        ...(occlusion && { occlusion: s.npy(occlusion, [N, N]) }),
      })
    },
  },
]

const MESHES: readonly Product[] = [
  {
    name: MESH_A,
    group: 'meshes',
    async make(s) {
      const { uv } = await s.texture()
      return encodeObj(s.mesh(s.result.meshA), uv, [`mesh of A, ${s.frameNote}`], MATERIAL_A)
    },
  },
  { name: MATERIAL_A, group: 'meshes', partOf: MESH_A, make: () => encodeMtl(TEXTURE_A) },
  { name: TEXTURE_A, group: 'meshes', partOf: MESH_A, make: async (s) => (await s.texture()).image },
  {
    name: 'mesh_b.ply',
    group: 'meshes',
    make: (s) =>
      encodePly(s.mesh(s.result.meshB), vertexColours(s.result.registeredB, s.result.meshB), [
        `mesh of A moved by the flow, ${s.frameNote}`,
      ]),
  },
  {
    name: 'motion.glb',
    group: 'meshes',
    async make(s) {
      const { meshA, meshB, triangles } = s.result
      const { image, uv } = await s.texture()
      return encodeMotionGlb({ vertices: meshA, triangles }, meshB, uv, image)
    },
  },
]

const picture = (
  name: string,
  tiles: (result: RegisteredFlowResult) => Tile[],
  backward?: 'needed',
): Product => ({
  name,
  group: 'pictures',
  ...(backward && { backward }),
  async make({ result }) {
    const shown = tiles(result)
    return shown.length === 0 ? null : encodePng(await drawPicture(shown))
  },
})

const PICTURES: readonly Product[] = [
  /* @__PURE__ */ picture('registered.png', registeredTiles),
  /* @__PURE__ */ picture('mesh.png', meshTiles),
  /* @__PURE__ */ picture('flow.png', (r) => [flowTile(r)]),
  /* @__PURE__ */ picture('dz.png', (r) => [depthTile(r)]),
  /* @__PURE__ */ picture('quiver.png', (r) => [quiverTile(r)]),
  /* @__PURE__ */ picture('expression.png', (r) => [expressionTile(r)]),
  /* @__PURE__ */ picture('occlusion.png', reliabilityTiles, 'needed'),
  /* @__PURE__ */ picture('residual.png', (r) => [residualTile(r)]),
  {
    name: 'overview.png',
    group: 'pictures',
    backward: 'shown',
    make: async ({ result }) => encodePng(await drawOverview(result)),
  },
]

const PHOTO_SPACE: readonly Product[] = [
  {
    name: 'photo_flow.npy',
    group: 'photo-space',
    make(s) {
      const { flow, width, height } = s.photoFlow()
      return s.npy(flow, [height, width, 3])
    },
  },
  {
    name: 'photo_flow.flo',
    group: 'photo-space',
    make(s) {
      const { flow, mask, width, height } = s.photoFlow()
      return encodeFlo(flow, mask, width, height)
    },
  },
  {
    name: 'photo_mask.png',
    group: 'photo-space',
    make(s) {
      const { mask, width, height } = s.photoFlow()
      return encodeGreyPng(white(mask), width, height)
    },
  },
]

// Marked as pure: bundlers leave the products, and what they are made with, out of programs that write none.
const PRODUCTS: readonly Product[] = /* @__PURE__ */ DATA.concat(MESHES, PICTURES, COMPACT, PHOTO_SPACE)
const DEFAULT_GROUPS: readonly string[] = ['data', 'meshes', 'pictures']

/** Names and groups that `only` accepts. */
export const PRODUCT_NAMES: readonly string[] = /* @__PURE__ */ PRODUCTS.map((product) => product.name)

/** Groups of products that `only` accepts. */
export const PRODUCT_GROUPS: readonly string[] = /* @__PURE__ */ DEFAULT_GROUPS.concat(
  'compact',
  'photo-space',
)

/** Every name that a result can have on disk. */
export const RESULT_FILES: ReadonlySet<string> = /* @__PURE__ */ new Set(
  /* @__PURE__ */ PRODUCT_NAMES.concat(RESULT_FILE),
)

/**
 * The products that a choice names, in the order in which they are written.
 * @throws FaceError INVALID_ARGUMENT naming what is allowed
 */
export function selectProducts({ only, photoSpace = false }: ProductChoice): readonly Product[] {
  for (const name of only ?? []) {
    if (RESULT_FILES.has(name) || PRODUCT_GROUPS.includes(name)) continue
    throw new FaceError(
      'INVALID_ARGUMENT',
      `no product is called "${name}"; choose from ${[...PRODUCT_GROUPS, ...PRODUCT_NAMES].join(', ')}`,
      { name },
    )
  }
  const names = new Set([...(only ?? DEFAULT_GROUPS), ...(photoSpace ? ['photo-space'] : [])])
  return PRODUCTS.filter(
    ({ name, group, partOf }) => names.has(name) || names.has(group) || (partOf && names.has(partOf)),
  )
}

/**
 * Whether any file of a choice shows the flow from B to A: without one it need not be computed.
 * @throws FaceError INVALID_ARGUMENT for an unknown name in `only`
 */
export function usesBackwardFlow(choice: ProductChoice): boolean {
  return selectProducts(choice).some(({ backward }) => backward !== undefined)
}

/**
 * One of the files that `writeProducts` writes, made and not written.
 * @param name one of {@link PRODUCT_NAMES}
 * @returns its bytes or text; null where the result lacks what it shows (no flow from B to A)
 * @throws FaceError INVALID_ARGUMENT for another name, or photo space without photos
 */
export async function makeProduct(
  result: RegisteredFlowResult,
  name: string,
  format: FormatOptions = {},
): Promise<Uint8Array | string | null> {
  const product = selectProducts({ only: [name] }).find((one) => one.name === name)
  if (!product) throw new FaceError('INVALID_ARGUMENT', `"${name}" is not the name of a file`, { name })
  return await product.make(new ProductSource(result, format))
}

/**
 * The files that `writeProducts` makes of a result.
 * @param facts whether the result has the flow from B to A, and photos
 * @throws FaceError INVALID_ARGUMENT for an unknown name in `only`, or photo space without photos
 */
export function productFiles(
  choice: ProductChoice,
  facts: { readonly backward: boolean; readonly photos: boolean },
): string[] {
  const chosen = selectProducts(choice)
  if (!facts.photos && chosen.some(({ group }) => group === 'photo-space')) throw noPhotos()
  const made = chosen.filter(({ backward }) => facts.backward || backward !== 'needed')
  return [...made.map(({ name }) => name), RESULT_FILE]
}

function noPhotos(): FaceError {
  return new FaceError(
    'INVALID_ARGUMENT',
    'photo-space flow needs photos: a registered pair has no other frame than the template',
  )
}

function white(mask: Uint8Array): Uint8Array {
  return mask.map((value) => (value === 0 ? 0 : 255))
}
