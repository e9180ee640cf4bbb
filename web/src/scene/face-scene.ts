import {
  type BufferAttribute,
  type BufferGeometry,
  type Group,
  Matrix3,
  Mesh,
  PerspectiveCamera,
  Scene,
  type ShaderMaterial,
  Texture,
  Vector3,
  WebGLRenderer,
} from 'three'
import { flowScale, type Rgba } from '../package.js'
import { arrowGroup, arrowPixels, disposeArrows } from './arrows.js'
import { type Face, FIRST_VIEW, type LayerName, type Motion, type View } from './face.js'
import {
  type DenseGeometry,
  denseGeometry,
  denseMotion,
  frameToTexture,
  meshGeometry,
  meshMotion,
  middleDepth,
} from './geometry.js'
import { paintedMaterial, wireMaterial } from './materials.js'
import { textureOf } from './textures.js'

const FIELD_OF_VIEW = 28
/** The frame of 224 px and a rim around it fill the view. */
const FIRST_DISTANCE = 430
const SAME = new Matrix3()
const PLAIN: Rgba = { width: 1, height: 1, data: Uint8Array.of(196, 186, 176, 255) }

/** A face on its way from A to B, drawn when something has changed. */
export class FaceScene {
  readonly renderer: WebGLRenderer
  readonly #camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 10, 4000)
  readonly #scene = new Scene()
  readonly #mesh: Painted
  readonly #dense: Painted
  #arrows: Group | null = null
  #face: Face | null = null
  #surface: DenseGeometry | null = null
  #motion: Motion | null = null
  #view: View = FIRST_VIEW
  #turn = { azimuth: 0, height: 0, distance: FIRST_DISTANCE }
  #toTexture = SAME
  #textures = new Map<LayerName, Texture>()
  #isDue = false

  constructor(canvas: OffscreenCanvas) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true })
    this.#mesh = new Painted(this.#scene)
    this.#dense = new Painted(this.#scene)
    this.#placeCamera()
  }

  resize(width: number, height: number, pixelRatio: number): void {
    this.renderer.setPixelRatio(pixelRatio)
    this.renderer.setSize(width, height, false)
    this.#camera.aspect = width / height
    // The whole face also where the view is narrow.
    const across = Math.min(1, width / height)
    this.#camera.fov = (2 * Math.atan(Math.tan((FIELD_OF_VIEW * Math.PI) / 360) / across) * 180) / Math.PI
    this.#camera.updateProjectionMatrix()
    this.draw()
  }

  /** @param turn radians, radians and a factor of the distance */
  orbit(turn: { readonly azimuth?: number; readonly height?: number; readonly zoom?: number }): void {
    const { azimuth, height, distance } = this.#turn
    this.#turn = {
      azimuth: azimuth + (turn.azimuth ?? 0),
      height: clamp(height + (turn.height ?? 0), -1.45, 1.45),
      distance: clamp(distance * (turn.zoom ?? 1), 120, 1500),
    }
    this.#placeCamera()
  }

  resetCamera(): void {
    this.#turn = { azimuth: 0, height: 0, distance: FIRST_DISTANCE }
    this.#placeCamera()
  }

  #placeCamera(): void {
    const { azimuth, height, distance } = this.#turn
    const across = Math.cos(height) * distance
    this.#camera.position.set(
      Math.sin(azimuth) * across,
      Math.sin(height) * distance,
      Math.cos(azimuth) * across,
    )
    this.#camera.lookAt(new Vector3())
    this.draw()
  }

  /** Shows another face, at rest until {@link move}. */
  show(face: Face): void {
    this.#face = face
    this.#motion = null
    this.#mesh.take(meshGeometry(face), textureOf(face.texture))
    this.#toTexture = frameToTexture(face)
    this.#surface = face.surface && denseGeometry(face.surface, middleDepth(face.mesh))
    this.#forgetLayers()
    this.#dense.take(this.#surface?.geometry ?? null)
    this.#apply(true)
  }

  /** Moves the face that is shown. */
  move(motion: Motion): void {
    this.#motion = motion
    this.#forgetLayers()
    this.#apply(true)
  }

  set(view: View): void {
    const before = this.#view
    this.#view = view
    this.#apply(
      before.rigid !== view.rigid || before.surface !== view.surface || before.arrows !== view.arrows,
    )
  }

  /** Draws before the next picture of the screen. */
  draw(): void {
    if (this.#isDue) return
    this.#isDue = true
    requestAnimationFrame(() => {
      this.#isDue = false
      this.renderer.setClearColor(0x000000, 0)
      this.renderer.render(this.#scene, this.#camera)
    })
  }

  #apply(motionChanged: boolean): void {
    const view = this.#view
    const isDense = view.surface === 'dense' && this.#surface !== null
    if (motionChanged) this.#applyMotion(isDense)
    this.#mesh.show(!isDense, view)
    this.#dense.show(isDense, view)
    if (isDense) {
      if (view.layer === 'photo') this.#dense.paint(this.#mesh.map, this.#toTexture, 0)
      else this.#dense.paint(this.#layer(view.layer), SAME, 0.7)
    }
    this.draw()
  }

  #applyMotion(isDense: boolean): void {
    if (this.#arrows) {
      this.#scene.remove(this.#arrows)
      disposeArrows(this.#arrows)
      this.#arrows = null
    }
    const [face, motion] = [this.#face, this.#motion]
    if (!face || !motion) return
    const { rigid, arrows } = this.#view
    this.#mesh.move(meshMotion(face, motion, rigid))
    let shown = this.#mesh
    let vertices: number[] = [...Array(face.mesh.length / 3).keys()]
    if (this.#surface && face.surface && motion.flow && (isDense || arrows)) {
      const { pixels } = this.#surface
      this.#dense.move(denseMotion(face.surface, pixels, motion.flow, motion, rigid))
      shown = this.#dense
      vertices = arrowPixels(pixels)
    }
    if (!arrows || !shown.geometry) return
    const full = motion.flow && face.surface ? flowScale(motion.flow, face.surface.mask) : 10
    const { position, motion: steps } = shown.geometry.attributes as Record<string, BufferAttribute>
    this.#arrows = arrowGroup(
      (position as BufferAttribute).array,
      (steps as BufferAttribute).array,
      vertices,
      full,
    )
    this.#scene.add(this.#arrows)
  }

  #layer(name: LayerName): Texture {
    const known = this.#textures.get(name)
    if (known) return known
    const made = textureOf(this.#motion?.layers[name] ?? PLAIN)
    this.#textures.set(name, made)
    return made
  }

  #forgetLayers(): void {
    for (const texture of this.#textures.values()) texture.dispose()
    this.#textures.clear()
  }
}

/** A geometry drawn twice: painted, and its edges. */
class Painted {
  geometry: BufferGeometry | null = null
  /** Of its own; of no colour until there is one. */
  map = new Texture()
  readonly #surface = new Mesh<BufferGeometry, ShaderMaterial>(undefined, paintedMaterial(new Texture()))
  readonly #wires = new Mesh<BufferGeometry, ShaderMaterial>(undefined, wireMaterial())

  constructor(scene: Scene) {
    for (const part of [this.#surface, this.#wires]) {
      part.frustumCulled = false
      part.visible = false
      scene.add(part)
    }
    this.#wires.renderOrder = 1
  }

  /** @param map of its own, let go with the geometry */
  take(geometry: BufferGeometry | null, map?: Texture): void {
    this.geometry?.dispose()
    this.geometry = geometry
    if (geometry) for (const part of [this.#surface, this.#wires]) part.geometry = geometry
    if (!map) return
    this.map.dispose()
    this.map = map
    this.paint(map, SAME, 0)
  }

  move(motion: Float32Array): void {
    const attribute = this.geometry?.attributes.motion as BufferAttribute | undefined
    attribute?.copyArray(motion)
    if (attribute) attribute.needsUpdate = true
  }

  /** @param uvToMap from the geometry's coordinates to the map's */
  paint(map: Texture, uvToMap: Matrix3, light: number): void {
    const { uniforms } = this.#surface.material
    if (uniforms.map) uniforms.map.value = map
    if (uniforms.uvToMap) uniforms.uvToMap.value = uvToMap
    if (uniforms.light) uniforms.light.value = light
  }

  show(isShown: boolean, { t, wireframe }: View): void {
    this.#surface.visible = isShown && this.geometry !== null
    this.#wires.visible = this.#surface.visible && wireframe
    for (const { material } of [this.#surface, this.#wires]) {
      if (material.uniforms.t) material.uniforms.t.value = t
    }
  }
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value))
}
