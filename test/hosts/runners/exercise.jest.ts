import { resolve } from 'node:path'
import { jest, test } from '@jest/globals'
import { assertOtherRealm, exerciseArrays, exerciseEngine, exerciseFaces } from './exercise.js'

jest.setTimeout(120_000)

const FRAMES = [1, 2].map((i) => resolve(`test/fixtures/dffnet/pair0-${i}.png`)) as [string, string]

test('is another realm', assertOtherRealm)
test('engine', exerciseEngine)
test('engine under fake timers', async () => {
  jest.useFakeTimers()
  await exerciseEngine()
  jest.useRealTimers()
})
test('arrays', exerciseArrays)
test('faces', () => exerciseFaces(FRAMES))
