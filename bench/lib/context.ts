import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import type { Schedule } from '../../src/graph/op.js'
import { packageFacts } from '../../src/platform/node/package-root.js'
import type { Engine } from '../../src/runtime/engine.js'

/** Where figures come from: without it they mean nothing. */
export interface MachineContext {
  readonly cpu: string
  readonly cores: number
  readonly node: string
  readonly version: string
  readonly commit: string
  readonly date: string
}

export interface DeviceContext extends MachineContext {
  readonly adapter: string
  /** Vendor, architecture and description as the driver gives them. */
  readonly driver: string
  readonly backend: string
  readonly software: boolean
  readonly schedule: Schedule
  readonly storage: 'f32' | 'f16'
}

export function machineContext(): MachineContext {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    version: packageFacts().version,
    commit: commit(),
    date: new Date().toISOString(),
  }
}

export function deviceContext(
  engine: Engine,
  options: { readonly schedule?: Schedule; readonly storage: 'f32' | 'f16' },
): DeviceContext {
  const { caps } = engine
  return {
    ...machineContext(),
    adapter: engine.selection,
    driver: [caps.vendor, caps.architecture, caps.description].filter(Boolean).join(', '),
    backend: caps.backend,
    software: caps.software,
    schedule: options.schedule ?? (caps.software ? 'software' : 'hardware'),
    storage: options.storage,
  }
}

export function describeContext(context: DeviceContext): string {
  const { adapter, driver, schedule, storage, cpu, cores, node, commit } = context
  return `${adapter}\ndriver: ${driver}; ${schedule} schedule, ${storage}; ${cpu} x ${cores}, Node ${node}, commit ${commit}`
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: packageFacts().root, stdio: ['ignore', 'pipe', 'ignore'] })
        .toString()
        .trim()
    return (
      git('rev-parse', '--short', 'HEAD') +
      (git('status', '--porcelain', '--', 'src', 'kernels') ? '+changes' : '')
    )
  } catch {
    return 'unknown'
  }
}

/** Cores that other processes kept busy between `start` and `stop`, from /proc/stat; undefined off Linux. */
export class LoadMeter {
  readonly #start = snapshot()

  stop(): { readonly loadAverage: number; readonly otherCores: number | undefined } {
    const loadAverage = loadavg()[0] ?? 0
    const end = snapshot()
    if (this.#start.busy === undefined || end.busy === undefined)
      return { loadAverage, otherCores: undefined }
    const wall = (end.wall - this.#start.wall) / 1000
    const others = end.busy - this.#start.busy - (end.own - this.#start.own)
    return { loadAverage, otherCores: wall > 0 ? Math.max(0, others / wall) : 0 }
  }
}

export interface Load {
  readonly loadAverage: number
  readonly otherCores: number | undefined
}

export function describeLoad({ loadAverage, otherCores }: Load): string {
  const others = otherCores === undefined ? '' : `, other processes used ${otherCores.toFixed(1)} cores`
  return `load during the run: average ${loadAverage.toFixed(1)}${others}`
}

/** Ticks of /proc/stat a second; fixed by the kernel's interface. */
const TICKS = 100

function snapshot(): { wall: number; own: number; busy: number | undefined } {
  const { user, system } = process.cpuUsage()
  const own = (user + system) / 1e6
  try {
    const [first = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
    const [userTicks = 0, nice = 0, systemTicks = 0] = first.split(/\s+/).slice(1).map(Number)
    return { wall: performance.now(), own, busy: (userTicks + nice + systemTicks) / TICKS }
  } catch {
    return { wall: performance.now(), own, busy: undefined }
  }
}
