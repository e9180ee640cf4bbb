import { describe, expect, it, vi } from 'vitest'
import { parseQueueAddress } from '../../src/corpus/queue/address.js'
import { loadQueuePackages } from '../../src/corpus/queue/packages.js'
import { termsChanges, termsDigest } from '../../src/corpus/queue/terms.js'

describe('the address of a queue', () => {
  it.each([
    ['redis://localhost', 'redis://localhost', 'redis://localhost'],
    ['valkey://h:7000/3', 'redis://h:7000/3', 'redis://h:7000/3'],
    ['valkeys://me:s%2Fe%40c@h', 'rediss://me:s%2Fe%40c@h', 'rediss://me:***@h'],
    ['redis://:secret@[::1]:6379/0', 'redis://:secret@[::1]:6379/0', 'redis://:***@[::1]:6379/0'],
    ['rediss://me@h/', 'rediss://me@h/', 'rediss://me@h'],
  ])('%s', (text, url, shown) => {
    expect(parseQueueAddress(text)).toEqual({ url, shown })
  })

  it.each([
    '',
    'localhost:6379',
    'http://:secret@h',
    'redis://',
    'redis://:secret@h/0/1',
    'redis://:se/cret@h',
    'redis://:secret#1@h',
    'redis://:secret@h/db',
    'redis://:secret@h?family=6',
  ])('%s is refused, and not repeated', (text) => {
    let message = ''
    try {
      parseQueueAddress(text)
    } catch (error) {
      message = (error as Error).message
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    expect(message).toMatch(/^the address of the queue .*give redis:\/\//)
    expect(message).not.toMatch(/secret|se\/cret/)
  })
})

it('terms are the same in whatever order, and say what differs', () => {
  expect(termsDigest({ a: '1', b: '2' })).toBe(termsDigest({ b: '2', a: '1' }))
  expect(termsDigest({ a: '1', b: '2' })).not.toBe(termsDigest({ a: '2', b: '1' }))
  expect(termsChanges({ a: '1', b: '2' }, { a: '1', c: '3' })).toEqual([
    'b: none here, 2 in the queue',
    'c: 3 here, none in the queue',
  ])
})

it('without BullMQ the queue says what to install', async () => {
  vi.doMock('bullmq', () => {
    throw new Error("Cannot find package 'bullmq'")
  })
  try {
    await expect(loadQueuePackages()).rejects.toMatchObject({
      code: 'MISSING_DEPENDENCY',
      message: expect.stringContaining('npm install bullmq@6.7.0 ioredis@5.11.1'),
    })
  } finally {
    vi.doUnmock('bullmq')
  }
})
