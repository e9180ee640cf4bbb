import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes figures beside the table that was printed. */
export async function writeJson(file: string | undefined, figures: object): Promise<void> {
  if (file === undefined) return
  await mkdir(dirname(file), { recursive: true })
  const text = JSON.stringify(figures, rounded, 1)
  await writeFile(file, `${text.length < READABLE ? text : JSON.stringify(figures, rounded)}\n`)
}

/** Longer files are for programs alone. */
const READABLE = 100_000

/** Six digits are more than any timing has. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** Runs a script: a typed error of ours is printed without a stack, and the exit status tells. */
export async function main(script: () => Promise<number | undefined>): Promise<void> {
  try {
    process.exitCode = (await script()) ?? 0
  } catch (error) {
    const known = error instanceof Error && 'code' in error
    process.stderr.write(`${known ? `${error.code}: ${error.message}` : (error as Error).stack}\n`)
    process.exitCode = 1
  }
}
