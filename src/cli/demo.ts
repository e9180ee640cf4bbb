import type { Command } from 'commander'
import { demoPhotos } from '../index.js'
import type { CliContext } from './context.js'
import { flowCommand } from './flow.js'
import { addEngineOptions, addOutputOptions, type PairFlags } from './options.js'

export function addDemoCommand(program: Command, context: CliContext): void {
  const command = program
    .command('demo')
    .summary('flow between two photos that come with the package')
    .description('Runs `flow` on two frames of a talking person that come with the package.')
    .option('-o, --out <folder>', 'where the files go', 'deepfaceflow-demo')
  addOutputOptions(addEngineOptions(command)).action(
    async (flags: Omit<PairFlags, 'backward'> & { out: string }) => {
      const [a, b] = demoPhotos()
      await flowCommand(context, a, b, { ...flags, backward: true })
    },
  )
}
