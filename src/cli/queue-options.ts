import { type Command, InvalidArgumentError } from 'commander'
import { type CorpusEntry, CorpusQueue, FaceError } from '../index.js'

/** What all commands on a queue take. */
export interface QueueFlags {
  readonly queue?: string
  readonly name: string
  readonly json?: boolean
  readonly quiet?: boolean
}

export function addQueueOptions(command: Command): Command {
  return command
    .option(
      '--queue <address>',
      'the server, redis://user:password@host:6379/0 (default: DEEPFACEFLOW_QUEUE, which no list of processes shows)',
    )
    .option('--name <text>', 'of the queue, where a server has several', 'corpus')
}

/** @throws FaceError INVALID_ARGUMENT where none is named; what `CorpusQueue.open` throws */
export async function openQueue({ queue, name }: QueueFlags): Promise<CorpusQueue<CorpusEntry>> {
  const address = queue ?? process.env.DEEPFACEFLOW_QUEUE ?? ''
  if (address === '') {
    throw new FaceError(
      'INVALID_ARGUMENT',
      'no server is named; give --queue redis://host:6379, or set DEEPFACEFLOW_QUEUE',
    )
  }
  return await CorpusQueue.open<CorpusEntry>(address, name)
}

export function seconds(text: string): number {
  const value = Number(text.trim() || Number.NaN)
  if (!(value > 0 && value <= 86_400))
    throw new InvalidArgumentError('give seconds, more than 0 and up to 86400.')
  return value
}
