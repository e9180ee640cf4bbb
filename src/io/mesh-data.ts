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
}
