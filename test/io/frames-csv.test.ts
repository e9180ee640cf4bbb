import { expect, it } from 'vitest'
import { framesCsv } from '../../src/io/video-csv.js'
import { type FrameRecord, motionRecord } from '../../src/io/video-record.js'
import { syntheticResult, turn } from '../support/synthetic.js'

const motion = motionRecord(await syntheticResult(turn))
const reference: FrameRecord = {
  frame: 0,
  name: 'live',
  time: 0,
  status: 'reference',
  confidence: 1,
  landmarks68: Array<number>(136).fill(100),
}
const base: FrameRecord = {
  frame: 1,
  name: 'live',
  time: 0.5,
  status: 'ok',
  confidence: 0.9,
  similarity: 0.8,
}

function cells(record: FrameRecord): Record<string, string> {
  const [head = '', , row = ''] = framesCsv([reference, record], ({ time }) => time).split('\n')
  const values = row.split(',')
  expect(values).toHaveLength(head.split(',').length)
  return Object.fromEntries(head.split(',').map((name, i) => [name, values[i] as string]))
}

it('of a frame with one of the two flows only that one has numbers', () => {
  const both = cells({ ...base, frameToFrame: motion, frameToReference: motion })
  const toReference = cells({ ...base, frameToReference: motion })
  const toFrame = cells({ ...base, frameToFrame: motion })
  expect(Number(both.pose_Ry)).not.toBe(0)
  expect(Number(both.motion_energy)).toBeGreaterThan(0)
  expect(toReference).toEqual({ ...both, motion_energy: '', expression_energy: '' })
  const pose = Object.fromEntries(['Tx', 'Ty', 'Tz', 'Rx', 'Ry', 'Rz'].map((axis) => [`pose_${axis}`, '']))
  expect(toFrame).toEqual({ ...both, ...pose, mean_flow: '', photometric: '', photometric_matched: '' })
})
