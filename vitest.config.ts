import { defineConfig } from 'vitest/config'

// Every test file opens its own device. Software Vulkan uses all cores for one dispatch already, so
// files run one after another: parallel files only fight for the same cores and for memory.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
