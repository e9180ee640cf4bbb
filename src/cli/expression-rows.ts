import { basename } from 'node:path'
import {
  type CoefficientName,
  type Expression,
  type ExpressionInput,
  type ExpressionRow,
  type ExpressiveFaceFlow,
  FaceError,
  mostAtRest,
  type ReadExpression,
} from '../index.js'
import { faceChoice } from './options.js'
import type { Progress } from './progress.js'
import { oneLine } from './terminal-text.js'

/** What decides how expressions are read. */
export interface ReadingFlags {
  /** A photo, or `auto`: the input that is most at rest. */
  readonly neutral?: string
  readonly face?: number
  readonly at?: [number, number]
  readonly fieldOfView?: number
  readonly fps?: number
  readonly smoothing: boolean
}

/** What was read of photos or of a video. */
export interface ReadRows {
  /** Without the pictures, which of a long video fill the memory. */
  readonly rows: readonly ExpressionRow[]
  /** Of those the one that is most at rest; null where an earlier run read it, whose picture is gone. */
  readonly base: Expression | null
}

/** What a face at rest does at most of anything. */
const RESTING = 0.3

/** @throws FaceError of the first photo if none could be read */
export async function readPhotos(
  faceFlow: ExpressiveFaceFlow,
  photos: readonly string[],
  flags: ReadingFlags,
  progress: Progress,
): Promise<ReadRows> {
  const neutral =
    flags.neutral === 'auto' ? await neutralPhoto(faceFlow, photos, flags, progress) : flags.neutral
  const rows = new Rows()
  /** What is said of the photo at rest is the same for each. */
  const noted = new Set<string>()
  let failure: FaceError | undefined
  for (const photo of photos) {
    progress.step(`reading ${basename(photo)}`)
    const place = { file: photo, frame: 0, time: null }
    try {
      const expression = await faceFlow.expression(photo, optionsOf(flags, neutral))
      for (const warning of expression.warnings) {
        if (!noted.has(warning)) progress.note(`note: ${oneLine(warning)}`)
        noted.add(warning)
      }
      rows.add({ ...place, status: 'ok', expression })
    } catch (error) {
      if (!isOfPhoto(error) || isOf(neutral, error)) throw error
      failure ??= error
      if (photos.length > 1) progress.note(oneLine(error.message))
      rows.add({ ...place, status: 'lost', expression: null, message: error.message })
    }
    progress.advance()
  }
  return rows.read(failure)
}

/** Rows that let go of the pictures. */
export class Rows {
  readonly #rows: ExpressionRow[] = []
  #base: Expression | ReadExpression | null = null

  get count(): number {
    return this.#rows.length
  }

  /** Whether no row has a face. */
  get isEmpty(): boolean {
    return this.#base === null
  }

  get isLost(): boolean {
    return this.#rows.at(-1)?.status === 'lost'
  }

  /** Why the first row has no face. */
  get message(): string | undefined {
    return this.#rows[0]?.message
  }

  add({
    expression,
    ...place
  }: Omit<ExpressionRow, 'expression'> & { readonly expression: Expression | ReadExpression | null }): void {
    if (mostAtRest([this.#base, expression]) === 1) this.#base = expression
    this.#rows.push({ ...place, expression: expression && withoutFace(expression) })
  }

  /** @param failure what is thrown where there is no face at all */
  read(failure: FaceError | undefined): ReadRows {
    if (this.#base === null) throw failure ?? new FaceError('NO_FACE', 'no picture shows a face')
    return { rows: this.#rows, base: 'face' in this.#base ? this.#base : null }
  }
}

function withoutFace(expression: Expression | ReadExpression): ReadExpression {
  const { face: _, ...read } = { face: null, ...expression }
  return read
}

async function neutralPhoto(
  faceFlow: ExpressiveFaceFlow,
  photos: readonly string[],
  flags: ReadingFlags,
  progress: Progress,
): Promise<string | undefined> {
  let best: { readonly photo: string; readonly expression: Expression } | undefined
  for (const photo of photos) {
    progress.step(`looking for the face at rest, ${basename(photo)}`)
    const expression = await readOrNull(faceFlow, photo, flags)
    if (mostAtRest([best?.expression ?? null, expression]) === 1) {
      best = { photo, expression: expression as Expression }
    }
  }
  if (best) progress.note(restNote(best.photo, best.expression))
  return best?.photo
}

export async function readOrNull(
  faceFlow: ExpressiveFaceFlow,
  photo: ExpressionInput,
  flags: ReadingFlags,
): Promise<Expression | null> {
  return await faceFlow.expression(photo, optionsOf(flags, undefined)).catch((error: unknown) => {
    if (isOfPhoto(error)) return null
    throw error
  })
}

/** Which picture stands for rest, and what it does all the same. */
export function restNote(name: string, { coefficients }: ReadExpression): string {
  const done = (Object.entries(coefficients) as [CoefficientName, { readonly value: number | null }][])
    .filter(([coefficient, { value }]) => !coefficient.startsWith('eyeLook') && (value ?? 0) > RESTING)
    .map(([coefficient, { value }]) => `${coefficient} ${(value as number).toFixed(2)}`)
  const doubt =
    done.length === 0
      ? ''
      : `; it is not quite at rest (${done.join(', ')}), and what it does counts as 0: give a photo with --neutral for more`
  return oneLine(`note: coefficients are told against ${name}${doubt}`)
}

/** Whether it is of the person at rest, without whom no photo can be read. */
function isOf(neutral: string | undefined, { details: { photo, file } }: FaceError): boolean {
  return neutral !== undefined && (photo === neutral || file === neutral)
}

function isOfPhoto(error: unknown): error is FaceError {
  return error instanceof FaceError && (error.code === 'NO_FACE' || error.code === 'INVALID_INPUT')
}

export function optionsOf(flags: ReadingFlags, neutral: ExpressionInput | undefined) {
  const face = faceChoice(flags.face, flags.at)
  return {
    ...(face && { face }),
    ...(neutral !== undefined && { neutral }),
    ...(flags.fieldOfView !== undefined && { fieldOfView: flags.fieldOfView }),
  }
}
