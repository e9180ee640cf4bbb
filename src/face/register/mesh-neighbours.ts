/**
 * Which vertices of a mesh share an edge with each.
 * @param triangles Tx3
 * @param vertices how many there are
 */
export function meshNeighbours(triangles: Uint32Array, vertices: number): readonly (readonly number[])[] {
  const neighbours = Array.from({ length: vertices }, () => new Set<number>())
  for (let t = 0; t < triangles.length; t += 3) {
    for (let corner = 0; corner < 3; corner++) {
      const [a, b] = [triangles[t + corner] as number, triangles[t + ((corner + 1) % 3)] as number]
      neighbours[a]?.add(b)
      neighbours[b]?.add(a)
    }
  }
  return neighbours.map((of) => [...of])
}
