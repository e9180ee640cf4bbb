import type { Command } from 'commander'
import { demoPhotos, type LayerTiming } from '../index.js'
import type { CliContext } from './context.js'
import { addEngineOptions, addOutputOptions, createOptions, type PairFlags } from './options.js'

interface AutotuneFlags extends Omit<PairFlags, 'backward'> {
  readonly software?: boolean
}

export function addAutotuneCommand(program: Command, context: CliContext): void {
  const command = program
    .command('autotune')
    .summary('times kernels on this adapter, for later runs to use the quickest')
    .description(
      'Times the kernels that each layer can choose from and stores the quickest by adapter and driver. Layers timed ' +
        'before are not timed again.',
    )
    .option('--software', 'software adapters too: it takes minutes there, and gains little')
  addOutputOptions(addEngineOptions(command)).action((flags: AutotuneFlags) =>
    autotuneCommand(context, flags),
  )
}

async function autotuneCommand(context: CliContext, flags: AutotuneFlags): Promise<void> {
  const timings: LayerTiming[] = []
  // Four plans are compiled one after another, and each would say the same.
  const warnings = new Set<string>()
  const faceFlow = await context.open({
    ...createOptions(flags),
    autotune: {
      mode: 'measure',
      software: flags.software ?? false,
      onLayer: (timing) => {
        timings.push(timing)
        if (context.interactive && !flags.quiet) context.stderr(`\rlayers timed: ${timings.length}`)
      },
      onWarning: (warning) => warnings.add(warning),
    },
  })
  try {
    // The networks that look at photos are compiled for the first photo.
    const [a, b] = demoPhotos()
    await faceFlow.flow(a, b, { backward: false })
  } finally {
    faceFlow.dispose()
  }
  if (context.interactive && !flags.quiet && timings.length > 0) context.stderr('\n')
  for (const warning of warnings) context.stderr(`deepfaceflow: ${warning}\n`)
  if (flags.json) {
    const { adapter } = faceFlow
    context.stdout(`${JSON.stringify({ adapter, layers: timings, warnings: [...warnings] })}\n`)
  } else if (!flags.quiet) {
    context.stdout(`${faceFlow.adapter}: ${report(timings)}\n`)
  }
}

function report(timings: readonly LayerTiming[]): string {
  if (timings.length === 0) return 'no layer was left to time'
  const before = sum(timings, ({ byDefault }) => byDefault)
  const after = sum(timings, ({ chosen }) => chosen)
  const changed = timings.filter(({ chosen, byDefault }) => chosen !== byDefault)
  const rejected = timings.flatMap(({ nodes, rejected }) =>
    Object.entries(rejected).map(([name, why]) => `\n  ${nodes[0]}: ${name} is left out: ${why}`),
  )
  return (
    `${timings.length} layers timed (${timings[0]?.clock}), ${changed.length} get another kernel; ` +
    `${before.toFixed(2)} ms -> ${after.toFixed(2)} ms` +
    changed.map(describeChange).join('') +
    rejected.join('')
  )
}

function describeChange({ nodes, key, byDefault, chosen, ms }: LayerTiming): string {
  const time = (name: string) => `${name} ${(ms[name] ?? 0).toFixed(3)} ms`
  return `\n  ${nodes.join(', ')} (${key}): ${time(byDefault)} -> ${time(chosen)}`
}

/** Milliseconds of all layers, alike ones counted as often as they occur. */
function sum(timings: readonly LayerTiming[], variant: (timing: LayerTiming) => string): number {
  return timings.reduce((total, timing) => total + timing.nodes.length * (timing.ms[variant(timing)] ?? 0), 0)
}
