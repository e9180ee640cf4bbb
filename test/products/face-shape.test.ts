import { describe, expect, it } from 'vitest'
import { loadNetworkFiles } from '../../src/face/network-files.js'
import { rotationFromAngles } from '../../src/geometry/rotation.js'
import { canonicalMesh, headPose, sharedView } from '../../src/products/face-shape.js'

const files = await loadNetworkFiles()
const canonical = canonicalMesh(files.ncc, files.template)

function turned(yaw: number, pitch: number, roll: number): Float32Array {
  const r = rotationFromAngles(yaw, pitch, roll)
  const out = new Float32Array(canonical.length)
  for (let v = 0; v < canonical.length; v += 3) {
    for (let row = 0; row < 3; row++) {
      let sum = 0
      for (let k = 0; k < 3; k++) sum += (r[3 * row + k] as number) * (canonical[v + k] as number)
      out[v + row] = 112 + 9 * sum
    }
  }
  return out
}

describe('shape of a face in a picture', () => {
  it('tells how the head is turned against the camera', () => {
    const { yaw, pitch, roll } = headPose(turned(-33, 12, 7), canonical)
    expect(yaw).toBeCloseTo(-33, 3)
    expect(pitch).toBeCloseTo(12, 3)
    expect(roll).toBeCloseTo(7, 3)
  })

  it('is upright in the canonical face: the chin below the brow, the nose before the ears', () => {
    const [brow, chin, nose, ear] = [10, 152, 1, 234] as const
    expect(canonical[3 * chin + 1]).toBeGreaterThan(canonical[3 * brow + 1] as number)
    expect(canonical[3 * nose + 2]).toBeLessThan(canonical[3 * ear + 2] as number)
  })

  it('is shared by the same view, and less the further the two are turned apart', () => {
    const shares = [0, 20, 45].map((yaw) =>
      sharedView(turned(-yaw, 0, 0), turned(yaw, 0, 0), files.triangles),
    )
    expect(shares[0]).toBeCloseTo(1, 6)
    expect(shares[1]).toBeLessThan(0.85)
    expect(shares[2]).toBeLessThan(0.5)
  })
})
