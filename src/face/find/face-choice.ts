import { FaceError } from '../../errors.js'
import type { Box, Rgba } from '../../geometry/types.js'
import type { FaceChoice } from '../types.js'

/** A point counts as on a face up to this share of the face's side beyond its box, which ends at brows and chin. */
const MARGIN = 0.35

/**
 * @param choice as callers in JavaScript may pass it
 * @param option its name, for messages
 * @throws FaceError INVALID_ARGUMENT
 */
export function checkedChoice(choice: unknown, option: string): FaceChoice | undefined {
  if (choice === undefined) return undefined
  const { index, at } = (choice ?? {}) as { index?: unknown; at?: unknown }
  const isNumber = Number.isInteger(index) && (index as number) >= 0
  const isPoint = Array.isArray(at) && at.length === 2 && at.every((value) => Number.isFinite(value))
  if (typeof choice === 'object' && (at === undefined ? isNumber : index === undefined && isPoint)) {
    return choice as FaceChoice
  }
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${option} must be { index }, a whole number from 0 on, or { at: [x, y] }, a point of the photo in px`,
    { option },
  )
}

/**
 * Checks a point that a face is chosen by.
 * @param at x and y in photo px
 * @throws FaceError INVALID_ARGUMENT if the point is none of the photo
 */
export function assertInPhoto(
  at: readonly [number, number],
  { width, height }: Pick<Rgba, 'width' | 'height'>,
  name: string,
): void {
  const [x, y] = at
  if (x >= 0 && y >= 0 && x <= width && y <= height) return
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${name}: the point (${x}, ${y}) lies outside the photo of ${width}x${height} px; give a point on the face`,
    { photo: name, at, width, height },
  )
}

/**
 * Index of the chosen face.
 * @param boxes largest first; at least one
 * @throws FaceError INVALID_ARGUMENT if there is no face of that number or at that point; names what there is
 */
export function chooseFace(
  boxes: readonly Box[],
  choice: FaceChoice | undefined,
  photo: Rgba,
  name: string,
): number {
  if (choice === undefined) return 0
  if ('index' in choice) {
    if (choice.index < boxes.length) return choice.index
    throw new FaceError(
      'INVALID_ARGUMENT',
      `${name}: it shows ${boxes.length} face(s), fewer than the number asked for; choose a lower one (the first is ` +
        'the largest)',
      { photo: name, faces: boxes.length },
    )
  }
  assertInPhoto(choice.at, photo, name)
  const [x, y] = choice.at
  const index = boxAt(boxes, x, y)
  if (index !== undefined) return index
  const far = nearest(boxes, x, y) ?? 0
  const { centre, distance } = relation(boxes[far] as Box, x, y)
  throw new FaceError(
    'INVALID_ARGUMENT',
    `${name}: there is no face at (${x}, ${y}); the nearest of ${boxes.length} is ${distance.toFixed(0)} px away, its ` +
      `middle at (${centre.map((value) => value.toFixed(0)).join(', ')}); give a point on a face`,
    { photo: name, at: choice.at, faces: boxes.length, distance },
  )
}

/**
 * Says which of several faces was taken; nothing where there is one.
 * @param boxes largest first
 * @param complete whether the smallest faces were looked for too
 */
export function severalFaces(
  boxes: readonly Box[],
  taken: number,
  name: string,
  complete: boolean,
): string[] {
  if (boxes.length < 2) return []
  const { x, y, width, height } = boxes[taken] as Box
  const middle = `${Math.round(x + width / 2)}, ${Math.round(y + height / 2)}`
  const where = `${Math.round(width)}x${Math.round(height)} px, its middle at (${middle})`
  const rank = ['largest', 'second largest', 'third largest'][taken] ?? `one of number ${taken + 1}`
  const rest = complete ? '' : ', the search ended there: a photo may show more, smaller ones'
  return [`${name}: ${boxes.length} faces found, the ${rank} taken (${where})${rest}.`]
}

/** Whether the boxes hold the chosen face, so that no smaller ones need be looked for. */
export function holdsChoice(boxes: readonly Box[], choice: FaceChoice | undefined): boolean {
  if (choice === undefined) return boxes.length > 0
  return 'index' in choice ? choice.index < boxes.length : boxAt(boxes, ...choice.at) !== undefined
}

/** The smallest box that holds the point, else the nearest of those that reach it by their margin. */
function boxAt(boxes: readonly Box[], x: number, y: number): number | undefined {
  const reached = boxes
    .map((box, index) => ({ index, side: Math.max(box.width, box.height), ...relation(box, x, y) }))
    .filter(({ distance, side }) => distance <= MARGIN * side)
    .sort((a, b) => a.distance - b.distance || a.side - b.side)
  return reached[0]?.index
}

/** Index of the box whose centre is nearest to a point. */
export function nearest(boxes: readonly Box[], x: number, y: number): number | undefined {
  let best: number | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  boxes.forEach((box, index) => {
    const [cx, cy] = relation(box, x, y).centre
    const distance = Math.hypot(cx - x, cy - y)
    if (distance < bestDistance) {
      best = index
      bestDistance = distance
    }
  })
  return best
}

/** A box's centre, and how far a point lies outside of the box, px. */
function relation(box: Box, x: number, y: number): { centre: [number, number]; distance: number } {
  const centre: [number, number] = [box.x + box.width / 2, box.y + box.height / 2]
  const outside = (value: number, middle: number, side: number) =>
    Math.max(0, Math.abs(value - middle) - side / 2)
  return {
    centre,
    distance: Math.hypot(outside(x, centre[0], box.width), outside(y, centre[1], box.height)),
  }
}
