/** Vertices Vx3 and triangles Tx3. */
export interface MeshData {
  readonly vertices: Float32Array
  readonly triangles: Uint16Array
}

/** Meshes that a face moves to, and the weight of each at each of the times. */
export interface MorphMotion {
  readonly name: string
  readonly targets: readonly { readonly name: string; readonly vertices: Float32Array }[]
  /** Seconds. */
  readonly times: readonly number[]
  /** A row of targets for each time. */
  readonly weights: Float32Array
  /** How the whole mesh is turned about its middle and shifted at each time; where absent it stays. */
  readonly poses?: readonly MeshPose[]
}

/** A turn and a shift of a mesh. */
export interface MeshPose {
  /** 3x3 row-major, axes of the mesh: x right, y down, z away. */
  readonly rotation: readonly number[]
  /** In the mesh's px. */
  readonly shift: readonly [number, number, number]
}
