import { describe, expect, it } from 'vitest'
import { CallLine, type Pending } from '../../src/face/call-line.js'

/** Work that ends when it is told to. */
class Device {
  readonly begun: number[] = []
  readonly #ends: (() => void)[] = []

  run(id: number): Promise<number> {
    this.begun.push(id)
    return new Promise((resolve) => {
      this.#ends[id] = () => resolve(id)
    })
  }

  end(id: number): void {
    this.#ends[id]?.()
  }
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

describe('order of calls', () => {
  it('has three on the device at a time, and begins the next as one ends', async () => {
    const [line, device] = [new CallLine(), new Device()]
    const ended: number[] = []
    for (let id = 0; id < 5; id++) {
      void line
        .enqueue((): Promise<Pending<number>> => line.launch(() => device.run(id)))
        .then((n) => ended.push(n))
    }
    await turns()
    expect(device.begun).toEqual([0, 1, 2])
    device.end(0)
    await turns()
    expect([device.begun, ended]).toEqual([[0, 1, 2, 3], [0]])
    let isIdle = false
    void line.idle().then(() => {
      isIdle = true
    })
    for (let id = 1; id < 5; id++) {
      expect(isIdle).toBe(false)
      device.end(id)
      await turns()
    }
    expect([device.begun, ended, isIdle]).toEqual([[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], true])
  })

  it('goes on behind a call that fails', async () => {
    const line = new CallLine()
    const failed = line.enqueue(() => Promise.reject(new Error('no face')))
    const launched = line.enqueue(() => line.launch(() => Promise.reject(new Error('device lost'))))
    expect(await line.enqueue(async () => 3)).toBe(3)
    await expect(failed).rejects.toThrow('no face')
    await expect(launched).rejects.toThrow('device lost')
  })

  it('lets two streams take turns', async () => {
    const [line, order] = [new CallLine(), [] as string[]]
    const stream = async (name: string) => {
      for (let i = 0; i < 4; i++) {
        await line.enqueue(async () => {
          await turns()
          order.push(name)
        })
      }
    }
    await Promise.all([stream('a'), stream('b')])
    expect(order).toEqual(['a', 'b', 'a', 'b', 'a', 'b', 'a', 'b'])
  })
})

describe('signals', () => {
  const reason = new Error('the page was closed')

  it('leave out what has not begun, at once', async () => {
    const [line, device] = [new CallLine(), new Device()]
    const first = line.enqueue(() => device.run(0))
    const abort = new AbortController()
    const second = line.enqueue(() => device.run(1), abort.signal)
    const third = line.enqueue(() => device.run(2))
    await turns()
    abort.abort(reason)
    await expect(second).rejects.toBe(reason)
    await expect(line.enqueue(() => device.run(3), abort.signal)).rejects.toBe(reason)
    device.end(0)
    await first
    await turns()
    expect(device.begun).toEqual([0, 2])
    device.end(2)
    expect(await third).toBe(2)
  })

  it('give up what is on the device, whose place is taken when it has ended', async () => {
    const [line, device] = [new CallLine(), new Device()]
    const abort = new AbortController()
    const calls = [0, 1, 2].map((id) => line.enqueue(() => line.launch(() => device.run(id)), abort.signal))
    const behind = line.enqueue(() => line.launch(() => device.run(3)))
    await turns()
    abort.abort(reason)
    for (const call of calls) await expect(call).rejects.toBe(reason)
    expect(device.begun).toEqual([0, 1, 2])
    device.end(1)
    await turns()
    device.end(3)
    expect(await behind).toBe(3)
  })
})
