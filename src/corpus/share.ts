import { FaceError, printed } from '../errors.js'
import type { CorpusPlan } from './plan.js'

/** One of `count` shares of a corpus; together they are all of it. */
export interface Share {
  /** From 0. */
  readonly index: number
  readonly count: number
}

/** What array jobs of a scheduler tell their tasks. */
interface ArrayVariables {
  readonly system: string
  readonly index: string
  /** Null: it does not tell its tasks how many they are. */
  readonly count: string | null
  /** Of schedulers whose tasks need not begin at 0 and follow each other. */
  readonly range?: { readonly first: string; readonly last: string; readonly step: string }
}

const SCHEDULERS: readonly ArrayVariables[] = [
  {
    system: 'Slurm',
    index: 'SLURM_ARRAY_TASK_ID',
    count: 'SLURM_ARRAY_TASK_COUNT',
    range: { first: 'SLURM_ARRAY_TASK_MIN', last: 'SLURM_ARRAY_TASK_MAX', step: 'SLURM_ARRAY_TASK_STEP' },
  },
  { system: 'Kubernetes', index: 'JOB_COMPLETION_INDEX', count: null },
  { system: 'AWS Batch', index: 'AWS_BATCH_JOB_ARRAY_INDEX', count: 'AWS_BATCH_JOB_ARRAY_SIZE' },
  { system: 'Google Batch', index: 'BATCH_TASK_INDEX', count: 'BATCH_TASK_COUNT' },
]

/** Of an array, so of shares. */
const MOST_SHARES = 1_000_000

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads which share of a corpus a process is to compute.
 * @param text `2/8` (from 1), `auto` (the scheduler's variables say both) or `auto/8` (they say which)
 * @param environment of the process
 * @throws FaceError INVALID_ARGUMENT naming what is wrong or missing
 */
export function parseShare(text: string, environment: Environment): Share {
  const [, which, of] = /^(auto|\d+)(?:\/(\d+))?$/.exec(text) ?? []
  if (which === undefined || (which !== 'auto' && of === undefined)) {
    throw invalid(`is ${printed(text)}; give one like 2/8, auto, or auto/8`)
  }
  const count = of === undefined ? null : Number(of)
  if (which === 'auto') return fromScheduler(count, environment)
  return checked(Number(which) - 1, count ?? 0, text)
}

/** The part of a plan that is a share: every `count`-th entry, beginning with the `index`-th. */
export function sharePlan(plan: CorpusPlan, share: Share): CorpusPlan {
  const { index, count } = share
  return {
    digest: plan.digest,
    count: Math.max(0, Math.ceil((plan.count - index) / count)),
    entries: () => shareOf(plan.entries(), share),
  }
}

/** Every `count`-th entry, beginning with the `index`-th: shares differ by one entry at most. */
export async function* shareOf<T>(entries: AsyncIterable<T>, { index, count }: Share): AsyncGenerator<T> {
  let place = 0
  for await (const entry of entries) if (place++ % count === index) yield entry
}

function fromScheduler(given: number | null, environment: Environment): Share {
  const found = SCHEDULERS.filter(({ index }) => isSet(environment[index]))
  const [scheduler] = found
  if (scheduler === undefined) {
    const names = SCHEDULERS.map(({ system, index }) => `${index} of ${system}`).join(', ')
    throw invalid(`is auto, but this is no task of an array job (none of ${names} is set); give one like 2/8`)
  }
  if (found.length > 1) {
    const names = found.map(({ index }) => index).join(' and ')
    throw invalid(`is auto, but ${names} are set; say which one by i/n`)
  }
  const { system, index, count, range } = scheduler
  const number = (name: string): number => {
    const text = environment[name]
    if (isSet(text) && /^\d+$/.test(text)) return Number(text)
    throw invalid(
      `is auto, but ${name} of ${system} is ${isSet(text) ? printed(text) : 'not set'}; give one like 2/8`,
    )
  }
  if (given === null && count === null) {
    throw invalid(
      `is auto, and ${system} does not tell its tasks how many they are; give auto/n with the number of tasks`,
    )
  }
  const task = number(index)
  if (range === undefined) return checked(task, given ?? number(count as string), `${index}=${task}`)
  const [first, last, step] = [number(range.first), number(range.last), number(range.step)]
  const tasks = number(count as string)
  // Task numbers with holes would leave shares that nobody computes.
  if (step === 0 || (last - first) / step + 1 !== tasks) {
    throw invalid(
      `is auto, but the ${tasks} tasks of this ${system} array are not all of ${first} to ${last} by ${step}; number them ` +
        'without holes, or give i/n',
    )
  }
  if (given !== null && given !== tasks) {
    throw invalid(`is auto/${given}, but the ${system} array has ${tasks} tasks; give auto, or i/n`)
  }
  return checked((task - first) / step, tasks, `${index}=${task}`)
}

function checked(index: number, count: number, said: string): Share {
  const isCount = Number.isInteger(count) && count >= 1 && count <= MOST_SHARES
  if (isCount && Number.isInteger(index) && index >= 0 && index < count) return { index, count }
  throw invalid(
    `(${said}) is none of 1/n to n/n with n from 1 to ${MOST_SHARES}; this is ${index + 1}/${count}`,
  )
}

const isSet = (text: string | undefined): text is string => text !== undefined && text !== ''

function invalid(what: string): FaceError {
  return new FaceError('INVALID_ARGUMENT', `the share ${what}`)
}
