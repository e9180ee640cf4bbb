/** Which vertices of a mesh are next to each other. */
export interface MeshSurface {
  /** Of each vertex. */
  readonly neighbours: readonly (readonly number[])[]
  /** 1 for vertices of an edge that only one triangle has. */
  readonly isRim: Uint8Array
}

/**
 * @param triangles Tx3
 * @param vertices how many there are
 */
export function meshSurface(triangles: Uint32Array, vertices: number): MeshSurface {
  /** By the lower vertex of an edge, then by the other one: how many triangles have it. */
  const edges = Array.from({ length: vertices }, () => new Map<number, number>())
  for (let t = 0; t < triangles.length; t += 3) {
    for (let corner = 0; corner < 3; corner++) {
      const [a, b] = [triangles[t + corner] as number, triangles[t + ((corner + 1) % 3)] as number]
      const of = edges[Math.min(a, b)] as Map<number, number>
      of.set(Math.max(a, b), (of.get(Math.max(a, b)) ?? 0) + 1)
    }
  }
  const neighbours = Array.from({ length: vertices }, (): number[] => [])
  const isRim = new Uint8Array(vertices)
  for (const [a, others] of edges.entries()) {
    for (const [b, count] of others) {
      neighbours[a]?.push(b)
      neighbours[b]?.push(a)
      if (count === 1) isRim[a] = isRim[b] = 1
    }
  }
  return { neighbours, isRim }
}
