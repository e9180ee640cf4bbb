import type { Rgba, RigidMotion } from '../package.js'

/** What the scene shows, in the template frame: px, x right, y down, z away from the camera. */

/** The face that motion starts from. */
export interface Face {
  /** Vx3. */
  readonly mesh: Float32Array
  /** Tx3. */
  readonly triangles: Uint16Array
  /** Vx2, origin in the top left corner of `texture`. */
  readonly uv: Float32Array
  readonly texture: ImageBitmap
  /** The surface at every pixel, 224x224; null where there is no flow to move it. */
  readonly surface: Surface | null
}

export interface Surface {
  /** 1 on the face, 0 elsewhere. */
  readonly mask: Uint8Array
  /** z, template px. */
  readonly depth: Float32Array
}

/** Where it moves to. */
export interface Motion {
  /** Vx3. */
  readonly mesh: Float32Array
  /** Of the head, between the registered frames. */
  readonly rigid: RigidMotion
  /** 224x224x3; null where only the mesh moves. */
  readonly flow: Float32Array | null
  /** What the dense surface can be painted with. */
  readonly layers: Readonly<Partial<Record<LayerName, Rgba | ImageBitmap>>>
}

export const LAYERS = {
  photo: 'Photo',
  flow: 'Flow (dx, dy)',
  depth: 'Depth change dz',
  expression: 'Expression',
  pncc: 'PNCC',
  confidence: 'Confidence',
  plain: 'Plain',
} as const

/** `photo` is the face's texture, `plain` one colour; the others come with a motion. */
export type LayerName = keyof typeof LAYERS

/** How it is shown. */
export interface View {
  readonly surface: 'mesh' | 'dense'
  readonly layer: LayerName
  readonly wireframe: boolean
  readonly arrows: boolean
  /** Whether the head's own motion is shown, or expression alone. */
  readonly rigid: boolean
  /** 0 at A, 1 at B. */
  readonly t: number
}

export const FIRST_VIEW: View = {
  surface: 'mesh',
  layer: 'photo',
  wireframe: false,
  arrows: false,
  rigid: true,
  t: 0,
}
