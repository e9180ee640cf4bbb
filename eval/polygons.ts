/** A place in a picture, px. */
export type Point = readonly [number, number]

/** Convex hull (Andrew's monotone chain). */
export function hull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1])
  const half = (list: readonly Point[]): Point[] => {
    const chain: Point[] = []
    for (const p of list) {
      while (
        chain.length > 1 &&
        turn(chain[chain.length - 2] as Point, chain[chain.length - 1] as Point, p) <= 0
      )
        chain.pop()
      chain.push(p)
    }
    return chain.slice(0, -1)
  }
  return [...half(sorted), ...half(sorted.reverse())]
}

function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/** Pixels whose centres lie in one of the convex polygons. */
export function filled(polygons: readonly (readonly Point[])[], width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height)
  for (const polygon of polygons) {
    for (let i = 0; i < mask.length; i++) {
      const centre: Point = [(i % width) + 0.5, Math.floor(i / width) + 0.5]
      const isInside = polygon.every(
        (p, k) => turn(p, polygon[(k + 1) % polygon.length] as Point, centre) >= 0,
      )
      if (isInside) mask[i] = 1
    }
  }
  return mask
}
