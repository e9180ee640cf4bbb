import { Color, DoubleSide, Matrix3, ShaderMaterial, type Texture } from 'three'

/** Vertices on their way from A to B. Colours of pictures pass as they are. */

const VERTEX = `
attribute vec3 motion;
uniform float t;
uniform mat3 uvToMap;
varying vec2 place;
varying vec3 seen;
void main() {
  place = (uvToMap * vec3(uv, 1.0)).xy;
  vec4 view = modelViewMatrix * vec4(position + t * motion, 1.0);
  seen = view.xyz;
  gl_Position = projectionMatrix * view;
}`

const PAINTED = `
uniform sampler2D map;
uniform float light;
varying vec2 place;
varying vec3 seen;
void main() {
  vec3 normal = normalize(cross(dFdx(seen), dFdy(seen)));
  float shade = mix(1.0, 0.35 + 0.65 * abs(normal.z), light);
  gl_FragColor = vec4(texture2D(map, place).rgb * shade, 1.0);
}`

const LINES = `
uniform vec3 colour;
void main() { gl_FragColor = vec4(colour, 0.55); }`

export function paintedMaterial(map: Texture): ShaderMaterial {
  return new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: PAINTED,
    uniforms: {
      t: { value: 0 },
      map: { value: map },
      uvToMap: { value: new Matrix3() },
      light: { value: 0 },
    },
    side: DoubleSide,
    // The wireframe lies on the surface, not in it.
    polygonOffset: true,
    polygonOffsetFactor: 1,
    polygonOffsetUnits: 1,
  })
}

export function wireMaterial(): ShaderMaterial {
  return new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: LINES,
    uniforms: { t: { value: 0 }, uvToMap: { value: new Matrix3() }, colour: { value: new Color(0x7fe3ff) } },
    wireframe: true,
    transparent: true,
  })
}
