import { resolve } from 'node:path'
import { test, vi } from 'vitest'
import { assertOtherRealm, exerciseArrays, exerciseEngine, exerciseFaces } from './exercise.js'

vi.setConfig({ testTimeout: 120_000 })

const FRAMES = [1, 2].map((i) => resolve(`test/fixtures/dffnet/pair0-${i}.png`)) as [string, string]

test('is another realm', assertOtherRealm)
test('engine', exerciseEngine)
test('engine under fake timers', async () => {
  vi.useFakeTimers()
  await exerciseEngine()
  vi.useRealTimers()
})
test('arrays', exerciseArrays)
test('faces', () => exerciseFaces(FRAMES))
