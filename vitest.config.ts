import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take longest, longest first: one that starts last keeps its worker busy while the others have nothing left to do. */
const LONGEST = [
  'e2e/animate',
  'kernels/cases',
  'kernels/orders',
  'nets/registered-batch',
  'e2e/photos',
  'face/deep-face-flow',
  'e2e/flow',
  'docs/examples',
  'face/video/tracker',
  'runtime/schedules',
  'expression/read',
  'eval/storage',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
      return place < 0 ? LONGEST.length : place
    }
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

// Every test file opens its own device. Software Vulkan spreads a dispatch over all cores, but most of the time goes to work
// that takes one of them: compiling pipelines, references in float64, processes that start. A worker with all networks holds 0.7 GB.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    maxWorkers: Math.min(4, availableParallelism()),
    sequence: { sequencer: LongestFirst },
    setupFiles: ['test/support/same-bytes.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
