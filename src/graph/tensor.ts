/**
 * Tensor types. At the public border tensors are dense HxWxC (N outermost) float32. Inside the engine
 * they are NC4HW4: channels in planes of four, `[n][plane][y][x]` of vec4, so that neighbouring
 * invocations read neighbouring vec4s, a channel slice is a contiguous range, and no kernel has a
 * scalar tail.
 */
export interface TensorType {
  readonly kind: 'tensor'
  readonly n: number
  readonly h: number
  readonly w: number
  /**
   * Channel counts of the concatenated parts (one entry for anything but a concatenation). Every part
   * starts on a plane boundary, so a concatenation of 16 + 3 channels has 4 + 1 planes: producers can
   * write straight into their slice, and consumers skip the padding lanes (they hold finite values
   * but mean nothing; convolutions meet them with zero weights).
   */
  readonly segments: readonly number[]
  /** Element type in memory, set when a plan is made; absent: f32. */
  readonly storage?: Storage
}

/** Element type of tensors and weights in memory. */
export type Storage = 'f32' | 'f16'

/** A plain byte buffer: image pixels, HWC floats at the border, vertex attributes, parameters. */
export interface RawType {
  readonly kind: 'raw'
  readonly bytes: number
  /** What the bytes are, for error messages and plan tables, e.g. `f32[224,224,3]`. */
  readonly contents: string
}

/** What a value of a graph is: a tensor or plain bytes. */
export type ValueType = TensorType | RawType

/** A tensor type of n x h x w x c; `c` may be the channel counts of concatenated parts. */
export function tensorType(n: number, h: number, w: number, c: number | readonly number[]): TensorType {
  return { kind: 'tensor', n, h, w, segments: typeof c === 'number' ? [c] : c }
}

/** Bytes of a vec4 of a tensor in memory. */
export function vec4Bytes({ storage }: TensorType): number {
  return storage === 'f16' ? 8 : 16
}

/** Logical channels: what the network's author counts. */
export function channelsOf(type: TensorType): number {
  return type.segments.reduce((sum, c) => sum + c, 0)
}

/** Planes of four channels in memory, padding included. */
export function planesOf(type: TensorType): number {
  return type.segments.reduce((sum, c) => sum + Math.ceil(c / 4), 0)
}

/** Position in memory (plane * 4 + lane) of every logical channel. */
export function physicalChannels(type: TensorType): number[] {
  const positions: number[] = []
  let plane = 0
  for (const c of type.segments) {
    for (let i = 0; i < c; i++) positions.push(plane * 4 + i)
    plane += Math.ceil(c / 4)
  }
  return positions
}

/** True where lanes of padding lie only behind the last channel, so logical = physical channel numbers. */
export function isContiguous(type: TensorType): boolean {
  return type.segments.slice(0, -1).every((c) => c % 4 === 0)
}

/** vec4 elements of one batch entry. */
export function vec4sPerBatch(type: TensorType): number {
  return planesOf(type) * type.h * type.w
}

export function sameShape(a: TensorType, b: TensorType): boolean {
  return a.n === b.n && a.h === b.h && a.w === b.w && channelsOf(a) === channelsOf(b)
}

/** True where both tensors also agree in the placement of padding lanes. */
export function sameLayout(a: TensorType, b: TensorType): boolean {
  return sameShape(a, b) && physicalChannels(a).join() === physicalChannels(b).join()
}

/** `NxHxWxC`, concatenations as `NxHxWx(16+3)`. */
export function describeType(type: ValueType): string {
  if (type.kind === 'raw') return type.contents
  const c = type.segments.length === 1 ? `${type.segments[0]}` : `(${type.segments.join('+')})`
  return `${type.n}x${type.h}x${type.w}x${c}`
}
