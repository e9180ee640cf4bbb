import {
  Mesh,
  OrthographicCamera,
  PlaneGeometry,
  Scene,
  ShaderMaterial,
  type Texture,
  WebGLRenderer,
} from 'three'
import { type Rgba, TEMPLATE_SIZE } from '../package.js'
import type { Face, Motion } from './face.js'
import { FIRST_FLAT_VIEW, type FlatView, OVERLAYS, type ReadOut } from './flat-view.js'
import { denseGeometry, denseMotion, middleDepth } from './geometry.js'
import { textureOf } from './textures.js'

/** The template frame seen from the front: A warped towards B by the flow, and fields over it. */

const N = TEMPLATE_SIZE
const VERTEX = `
attribute vec3 motion;
uniform float t;
varying vec2 place;
void main() {
  place = uv;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position + t * motion, 1.0);
}`

const FACE = `
uniform sampler2D photo;
${OVERLAYS.map((name) => `uniform sampler2D ${name}; uniform float ${name}Opacity;`).join('\n')}
varying vec2 place;
void main() {
  vec3 colour = texture2D(photo, place).rgb;
  ${OVERLAYS.map((name) => `colour = mix(colour, texture2D(${name}, place).rgb, ${name}Opacity);`).join('\n  ')}
  gl_FragColor = vec4(colour, 1.0);
}`

/** Around the face the picture of A stays, darker. */
const BACKGROUND = `
uniform sampler2D photo;
varying vec2 place;
void main() { gl_FragColor = vec4(texture2D(photo, vec2(place.x, 1.0 - place.y)).rgb * 0.45, 1.0); }`

export class FlatScene {
  readonly #renderer: WebGLRenderer
  readonly #scene = new Scene()
  readonly #camera = new OrthographicCamera(-N / 2, N / 2, N / 2, -N / 2, 0, 4 * N)
  readonly #material = new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FACE,
    uniforms: Object.fromEntries([
      ['t', { value: 0 }],
      ['photo', { value: null }],
      ...OVERLAYS.flatMap((name) => [
        [name, { value: null }],
        [`${name}Opacity`, { value: 0 }],
      ]),
    ]),
  })
  readonly #behind = new ShaderMaterial({
    vertexShader:
      'varying vec2 place; void main() { place = uv; gl_Position = vec4(position.xy * 2.0, 1.0, 1.0); }',
    fragmentShader: BACKGROUND,
    uniforms: { photo: { value: null } },
    depthWrite: false,
  })
  readonly #face = new Mesh(undefined, this.#material)
  #textures: Texture[] = []
  #shown: { readonly face: Face; readonly motion: Motion; readonly confidence: Float32Array | null } | null =
    null
  #pixels = new Uint32Array()
  #view = FIRST_FLAT_VIEW
  #isDue = false

  constructor(canvas: OffscreenCanvas) {
    this.#renderer = new WebGLRenderer({ canvas, antialias: true })
    this.#camera.position.z = 2 * N
    const background = new Mesh(new PlaneGeometry(), this.#behind)
    background.renderOrder = -1
    for (const part of [background, this.#face]) {
      part.frustumCulled = false
      part.visible = false
      this.#scene.add(part)
    }
  }

  resize(width: number, height: number, pixelRatio: number): void {
    this.#renderer.setPixelRatio(pixelRatio)
    this.#renderer.setSize(width, height, false)
    this.#draw()
  }

  /** @param photo registered A @param confidence 224x224 */
  show(face: Face, motion: Motion, photo: Rgba, confidence: Float32Array | null): void {
    const { surface } = face
    if (surface === null || motion.flow === null) return
    this.#shown = { face, motion, confidence }
    const { geometry, pixels } = denseGeometry(surface, middleDepth(face.mesh))
    geometry.getAttribute('motion').array.set(denseMotion(surface, pixels, motion.flow, motion, true))
    this.#pixels = new Uint32Array(pixels)
    this.#face.geometry.dispose()
    this.#face.geometry = geometry
    for (const texture of this.#textures) texture.dispose()
    const picture = textureOf(photo)
    this.#textures = [picture]
    for (const material of [this.#material, this.#behind]) uniform(material, 'photo', picture)
    for (const name of OVERLAYS) {
      const layer = motion.layers[name]
      const texture = layer ? textureOf(layer) : picture
      this.#textures.push(texture)
      uniform(this.#material, name, texture)
    }
    for (const part of this.#scene.children) part.visible = true
    this.set(this.#view)
  }

  set(view: FlatView): void {
    this.#view = view
    uniform(this.#material, 't', view.t)
    for (const name of OVERLAYS) uniform(this.#material, `${name}Opacity`, view.opacity[name])
    this.#draw()
  }

  /** @param x place in the frame, px; as it is shown, so that of A moved by t */
  pick(x: number, y: number): ReadOut | null {
    const flow = this.#shown?.motion.flow
    if (!this.#shown || !flow) return null
    const { t } = this.#view
    let best = -1
    let nearest = 1
    for (const pixel of this.#pixels) {
      const far =
        ((pixel % N) + 0.5 + t * (flow[3 * pixel] as number) - x) ** 2 +
        (Math.floor(pixel / N) + 0.5 + t * (flow[3 * pixel + 1] as number) - y) ** 2
      if (far >= nearest) continue
      nearest = far
      best = pixel
    }
    if (best < 0) return null
    const [dx, dy, dz] = flow.subarray(3 * best) as unknown as [number, number, number]
    const confidence = this.#shown.confidence?.[best] ?? null
    return { x: best % N, y: Math.floor(best / N), dx, dy, dz, confidence }
  }

  #draw(): void {
    if (this.#isDue) return
    this.#isDue = true
    requestAnimationFrame(() => {
      this.#isDue = false
      this.#renderer.render(this.#scene, this.#camera)
    })
  }
}

function uniform(material: ShaderMaterial, name: string, value: unknown): void {
  const found = material.uniforms[name]
  if (found) found.value = value
}
