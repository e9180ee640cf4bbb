import { parse } from 'csv-parse/sync'
import { expect, it } from 'vitest'
import { COEFFICIENT_NAMES } from '../../src/expression/names.js'
import { type ExpressionRow, expressionCsv, expressionJsonLines } from '../../src/io/expression-table.js'
import { FakeFaceFlow } from '../support/fake-face-flow.js'
import { mouthOpening, PHOTO_A, syntheticResult } from '../support/synthetic.js'

async function rows(): Promise<ExpressionRow[]> {
  const expression = await new FakeFaceFlow(await syntheticResult(mouthOpening)).expression(PHOTO_A)
  return [
    { file: 'a, "b".jpg', frame: 0, time: null, status: 'ok', expression },
    { file: 'clip.mp4', frame: 1, time: 0.04, status: 'lost', expression: null, message: 'no face' },
  ]
}

it('has a column named as ARKit names it for each of the 52 coefficients, empty where nothing is seen', async () => {
  const [seen, lost] = parse(expressionCsv(await rows()), { columns: true }) as Record<string, string>[]
  expect(Object.keys(seen ?? {}).slice(-52)).toEqual([...COEFFICIENT_NAMES])
  expect(new Set(COEFFICIENT_NAMES).size).toBe(52)
  expect(seen).toMatchObject({
    file: 'a, "b".jpg',
    frame: '0',
    time: '',
    yaw: '10',
    pitch: '-5',
    roll: '2.5',
  })
  expect(seen).toMatchObject({ place_x: '0.1', place_y: '-0.2', place_z: '', jawOpen: '0.1', tongueOut: '' })
  expect(lost).toMatchObject({
    file: 'clip.mp4',
    frame: '1',
    time: '0.04',
    status: 'lost',
    yaw: '',
    jawOpen: '',
  })
})

it('says the same in JSON, one value a line, without pictures', async () => {
  const [seen, lost] = expressionJsonLines(await rows())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(seen.coefficients.jawOpen).toEqual({ value: 0.1, confidence: 0.9 })
  expect(seen.coefficients.tongueOut.value).toBeNull()
  expect(seen).not.toHaveProperty('face')
  expect(lost).toMatchObject({ status: 'lost', message: 'no face' })
})
