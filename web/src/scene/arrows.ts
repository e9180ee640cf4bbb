import {
  Color,
  ConeGeometry,
  CylinderGeometry,
  Group,
  InstancedMesh,
  Matrix4,
  MeshBasicMaterial,
  Quaternion,
  SRGBColorSpace,
  Vector3,
} from 'three'
import { TEMPLATE_SIZE, wheelColour } from '../package.js'

/** Pixels between arrows of the dense surface. */
const STEP = 7
/** Motion shorter than this has no direction worth an arrow, template px. */
const SHORTEST = 0.4
const HEAD = 2.4
const UP = new Vector3(0, 1, 0)

/** Which vertices of the dense surface carry an arrow. */
export function arrowPixels(pixels: Uint32Array): number[] {
  const N = TEMPLATE_SIZE
  return [...pixels.keys()].filter((v) => {
    const pixel = pixels[v] as number
    return (pixel % N) % STEP === 3 && Math.floor(pixel / N) % STEP === 3
  })
}

/**
 * An arrow from where each of the vertices is to where it moves, in the colours of the flow pictures.
 * @param full length in the plane of full colour, px
 */
export function arrowGroup(
  position: ArrayLike<number>,
  motion: ArrayLike<number>,
  vertices: readonly number[],
  full: number,
): Group {
  const material = new MeshBasicMaterial({ depthTest: false, transparent: true })
  const shown = vertices.filter((v) => length(motion, v) >= SHORTEST)
  const shafts = new InstancedMesh(new CylinderGeometry(0.28, 0.28, 1, 6), material, shown.length)
  const heads = new InstancedMesh(new ConeGeometry(0.95, HEAD, 8), material, shown.length)
  const place = new Matrix4()
  shown.forEach((v, k) => {
    const from = new Vector3(position[3 * v], position[3 * v + 1], position[3 * v + 2])
    const along = new Vector3(motion[3 * v], motion[3 * v + 1], motion[3 * v + 2])
    const whole = along.length()
    const head = Math.min(HEAD, 0.6 * whole)
    const turn = new Quaternion().setFromUnitVectors(UP, along.clone().divideScalar(whole))
    const at = (share: number) => from.clone().addScaledVector(along, share)
    shafts.setMatrixAt(
      k,
      place.compose(at((whole - head) / whole / 2), turn, new Vector3(1, whole - head, 1)),
    )
    const scale = head / HEAD
    heads.setMatrixAt(k, place.compose(at(1 - head / whole / 2), turn, new Vector3(scale, scale, scale)))
    // The picture's y points down, the scene's up.
    const [r, g, b] = wheelColour(along.x, -along.y, full)
    const colour = new Color().setRGB(r / 255, g / 255, b / 255, SRGBColorSpace)
    shafts.setColorAt(k, colour)
    heads.setColorAt(k, colour)
  })
  const group = new Group()
  for (const part of [shafts, heads]) {
    part.frustumCulled = false
    part.renderOrder = 2
    group.add(part)
  }
  return group
}

export function disposeArrows(group: Group): void {
  for (const part of group.children as InstancedMesh[]) {
    part.geometry.dispose()
    part.dispose()
  }
}

function length(motion: ArrayLike<number>, v: number): number {
  return Math.hypot(motion[3 * v] as number, motion[3 * v + 1] as number, motion[3 * v + 2] as number)
}
