/** How long the device was busy: from a submission until the queue has done it, overlaps counted once. */
export class DeviceClock {
  #open = 0
  #since = 0
  #busy = 0

  /** @param queue whose submissions are timed from now on */
  constructor(queue: GPUQueue) {
    const submit = queue.submit.bind(queue)
    queue.submit = (buffers) => {
      submit(buffers)
      if (this.#open++ === 0) this.#since = performance.now()
      const end = () => {
        if (--this.#open === 0) this.#busy += performance.now() - this.#since
      }
      queue.onSubmittedWorkDone().then(end, end)
    }
  }

  /** Ms since the start. */
  get busy(): number {
    return this.#busy + (this.#open > 0 ? performance.now() - this.#since : 0)
  }
}
