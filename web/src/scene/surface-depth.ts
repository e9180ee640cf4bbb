import {
  BufferAttribute,
  BufferGeometry,
  DoubleSide,
  FloatType,
  Mesh,
  NearestFilter,
  NoBlending,
  OrthographicCamera,
  RGBAFormat,
  Scene,
  ShaderMaterial,
  type WebGLRenderer,
  WebGLRenderTarget,
} from 'three'
import { TEMPLATE_SIZE } from '../package.js'
import type { Surface } from './face.js'
import { toScene } from './geometry.js'

const N = TEMPLATE_SIZE

/**
 * The visible surface of a mesh at every pixel of the template frame, for results that keep the mesh and not this: the graphics
 * hardware draws it, z as the colour, at the pixels' centres.
 * @param mesh Vx3, template px
 */
export function surfaceDepth(renderer: WebGLRenderer, mesh: Float32Array, triangles: Uint16Array): Surface {
  const geometry = new BufferGeometry()
  geometry.setAttribute('position', new BufferAttribute(toScene(mesh, 0), 3))
  geometry.setIndex(new BufferAttribute(triangles, 1))
  const material = new ShaderMaterial({
    vertexShader:
      'varying float z; void main() { z = -position.z; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }',
    fragmentShader: 'varying float z; void main() { gl_FragColor = vec4(z, 1.0, 0.0, 1.0); }',
    side: DoubleSide,
    blending: NoBlending,
  })
  const target = new WebGLRenderTarget(N, N, {
    type: FloatType,
    format: RGBAFormat,
    magFilter: NearestFilter,
    minFilter: NearestFilter,
  })
  const camera = new OrthographicCamera(-N / 2, N / 2, N / 2, -N / 2, 0, 4 * N)
  camera.position.z = 2 * N
  const scene = new Scene()
  const drawn = new Mesh(geometry, material)
  drawn.frustumCulled = false
  scene.add(drawn)
  const before = renderer.getRenderTarget()
  renderer.setRenderTarget(target)
  renderer.setClearColor(0x000000, 0)
  renderer.clear()
  renderer.render(scene, camera)
  const read = new Float32Array(N * N * 4)
  renderer.readRenderTargetPixels(target, 0, 0, N, N, read)
  renderer.setRenderTarget(before)
  geometry.dispose()
  material.dispose()
  target.dispose()
  const mask = new Uint8Array(N * N)
  const depth = new Float32Array(N * N)
  for (let y = 0; y < N; y++) {
    for (let x = 0; x < N; x++) {
      // Rows come from the bottom.
      const from = 4 * ((N - 1 - y) * N + x)
      if (read[from + 1] === 0) continue
      mask[y * N + x] = 1
      depth[y * N + x] = read[from] as number
    }
  }
  return { mask, depth }
}
