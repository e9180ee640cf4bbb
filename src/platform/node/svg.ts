import type { Outline, Shape, ShapeGroup } from '../shapes.js'

/** Shapes as an SVG picture; one SVG unit is one pixel. */
export function svgOf(shapes: readonly Shape[], width: number, height: number): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${elements(shapes)}</svg>`
}

function elements(shapes: readonly Shape[]): string {
  return shapes.map((shape) => ('shapes' in shape ? group(shape) : outline(shape))).join('')
}

function group({ shapes, x, y, scale, clip }: ShapeGroup): string {
  if (clip === undefined) return `<g transform="translate(${x} ${y}) scale(${scale})">${elements(shapes)}</g>`
  // A nested <svg> clips to its box.
  const { width, height } = clip
  return `<svg x="${x}" y="${y}" width="${width * scale}" height="${height * scale}" viewBox="0 0 ${width} ${height}">${elements(shapes)}</svg>`
}

function outline({ path, fill, stroke, strokeOpacity, strokeWidth, round, x }: Outline): string {
  const attributes = {
    transform: x === undefined ? undefined : `translate(${x})`,
    fill: fill ?? 'none',
    stroke,
    'stroke-opacity': strokeOpacity,
    'stroke-width': strokeWidth,
    'stroke-linecap': round ? 'round' : undefined,
    'stroke-linejoin': round ? 'round' : undefined,
  }
  const text = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${value}"`)
  return `<path${text.join('')} d="${path}"/>`
}
