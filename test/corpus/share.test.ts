import { describe, expect, it } from 'vitest'
import { parseShare, type Share, shareOf } from '../../src/corpus/share.js'

const slurm = (id: number, first: number, last: number, step: number, count: number) => ({
  SLURM_ARRAY_TASK_ID: String(id),
  SLURM_ARRAY_TASK_MIN: String(first),
  SLURM_ARRAY_TASK_MAX: String(last),
  SLURM_ARRAY_TASK_STEP: String(step),
  SLURM_ARRAY_TASK_COUNT: String(count),
})

describe('which share', () => {
  it.each<[string, Record<string, string>, Share]>([
    ['1/1', {}, { index: 0, count: 1 }],
    ['8/8', {}, { index: 7, count: 8 }],
    ['auto', slurm(0, 0, 3, 1, 4), { index: 0, count: 4 }],
    ['auto', slurm(7, 1, 10, 3, 4), { index: 2, count: 4 }],
    ['auto/4', slurm(3, 0, 3, 1, 4), { index: 3, count: 4 }],
    ['auto/5', { JOB_COMPLETION_INDEX: '4' }, { index: 4, count: 5 }],
    ['auto', { AWS_BATCH_JOB_ARRAY_INDEX: '2', AWS_BATCH_JOB_ARRAY_SIZE: '9' }, { index: 2, count: 9 }],
    ['auto', { BATCH_TASK_INDEX: '0', BATCH_TASK_COUNT: '2' }, { index: 0, count: 2 }],
    // An explicit one is believed inside an array job too.
    ['2/3', slurm(0, 0, 3, 1, 4), { index: 1, count: 3 }],
  ])('%s with %j', (text, environment, share) => {
    expect(parseShare(text, environment)).toEqual(share)
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['', {}, /give one like 2\/8/],
    ['3', {}, /give one like 2\/8/],
    ['0/4', {}, /none of 1\/n to n\/n/],
    ['5/4', {}, /this is 5\/4/],
    ['1/0', {}, /none of 1\/n/],
    ['-1/4', {}, /give one like/],
    ['1/2/3', {}, /give one like/],
    ['auto', {}, /no task of an array job .*SLURM_ARRAY_TASK_ID of Slurm/],
    ['auto', { JOB_COMPLETION_INDEX: '4' }, /Kubernetes does not tell .*auto\/n/],
    ['auto/4', { JOB_COMPLETION_INDEX: '4' }, /this is 5\/4/],
    ['auto', { AWS_BATCH_JOB_ARRAY_INDEX: '2' }, /AWS_BATCH_JOB_ARRAY_SIZE of AWS Batch is not set/],
    ['auto', { SLURM_ARRAY_TASK_ID: '1' }, /SLURM_ARRAY_TASK_MIN of Slurm is not set/],
    ['auto', slurm(3, 0, 3, 1, 3), /without holes/],
    ['auto/5', slurm(3, 0, 3, 1, 4), /the Slurm array has 4 tasks/],
    [
      'auto',
      { ...slurm(3, 0, 3, 1, 4), JOB_COMPLETION_INDEX: '0' },
      /SLURM_ARRAY_TASK_ID and JOB_COMPLETION_INDEX/,
    ],
    ['auto', { BATCH_TASK_INDEX: 'x', BATCH_TASK_COUNT: '2' }, /BATCH_TASK_INDEX of Google Batch is "x"/],
  ])('%j with %j is refused', (text, environment, message) => {
    expect(() => parseShare(text, environment)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    )
  })
})

describe('shares', () => {
  it.each([1, 2, 3, 7, 20])('%i of them are all entries, each once, alike in size', async (count) => {
    async function* entries() {
      for (let entry = 0; entry < 17; entry++) yield entry
    }
    const shares: number[][] = []
    for (let index = 0; index < count; index++) {
      const share: number[] = []
      for await (const entry of shareOf(entries(), { index, count })) share.push(entry)
      shares.push(share)
    }
    expect(shares.flat().sort((a, b) => a - b)).toEqual([...Array(17).keys()])
    const sizes = shares.map(({ length }) => length)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
  })
})
