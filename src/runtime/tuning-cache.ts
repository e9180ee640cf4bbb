import type { Schedule } from '../graph/op.js'
import type { Storage } from '../graph/tensor.js'
import type { AdapterCaps } from '../platform/caps.js'
import { packageFacts, readStored, sha256, storePath, writeStored } from '../platform/index.js'
import { messageOf } from '../realms.js'

/** Variants by the key of a choice (`KernelChoice.key`). */
export type Choices = Readonly<Record<string, string>>

/** What times depend on: choices made under another identity say nothing. */
export interface TuningIdentity {
  readonly engine: string
  readonly adapter: string
  /** Vendor, architecture and driver as the adapter gives them. */
  readonly driver: string
  readonly backend: string
  readonly schedule: Schedule
  readonly storage: Storage
}

export function tuningIdentity(caps: AdapterCaps, schedule: Schedule, storage: Storage): TuningIdentity {
  const { name, vendor, architecture, description, backend } = caps
  const driver = [vendor, architecture, description].join(', ')
  return { engine: packageFacts().version, adapter: name, driver, backend, schedule, storage }
}

export interface StoredChoices {
  readonly choices: Choices
  /** Why what was found cannot be used. */
  readonly warning?: string
}

/** Of the file's layout. */
const FORMAT = 1

/** What a file holds: choices of kernels, or verdicts on them. */
export type Stored = 'autotune' | 'self-test'

export async function tuningFile(
  folder: string,
  identity: TuningIdentity,
  what: Stored = 'autotune',
): Promise<string> {
  const hash = await sha256([JSON.stringify(identity)])
  return storePath(folder, `${what}-${hash.slice(0, 16)}.json`)
}

/** Choices of earlier runs; none, with a warning, where the file is damaged or was made for something else. */
export async function loadChoices(
  folder: string,
  identity: TuningIdentity,
  what: Stored = 'autotune',
): Promise<StoredChoices> {
  const file = await tuningFile(folder, identity, what)
  let text: string | undefined
  try {
    text = await readStored(file)
  } catch (error) {
    return unusable(file, messageOf(error))
  }
  if (text === undefined) return { choices: {} }
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return unusable(file, 'it is damaged')
  }
  if (!isRecord(content) || content.format !== FORMAT) return unusable(file, 'its format is not known')
  if (!isRecord(content.identity) || !sameIdentity(content.identity, identity)) {
    return unusable(file, 'it was made on another adapter or driver, or by another version')
  }
  const { choices } = content
  if (!isRecord(choices) || !Object.values(choices).every((name) => typeof name === 'string')) {
    return unusable(file, 'it is damaged')
  }
  return { choices: choices as Choices }
}

/** @throws FaceError OUTPUT_FAILED */
export async function storeChoices(
  folder: string,
  identity: TuningIdentity,
  choices: Choices,
  what: Stored = 'autotune',
): Promise<void> {
  const sorted = Object.fromEntries(Object.entries(choices).sort(([a], [b]) => (a < b ? -1 : 1)))
  const content = { format: FORMAT, identity, choices: sorted }
  await writeStored(await tuningFile(folder, identity, what), `${JSON.stringify(content, null, 1)}\n`)
}

function unusable(file: string, reason: string): StoredChoices {
  return { choices: {}, warning: `${file} holds no choices of kernels that can be used: ${reason}` }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sameIdentity(found: Record<string, unknown>, wanted: TuningIdentity): boolean {
  return Object.entries(wanted).every(([field, value]) => found[field] === value)
}
