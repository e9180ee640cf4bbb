/** Tasks that need something to themselves, one after another; ordinary calls go ahead while there are none. */
export class Turns {
  #last: Promise<unknown> | undefined

  get isFree(): boolean {
    return this.#last === undefined
  }

  /** Runs a task behind those that each of some turns holds, and before later ones. */
  static async after<T>(turns: readonly Turns[], task: () => Promise<T>): Promise<T> {
    const before = Promise.all(turns.map((turn) => turn.#last))
    const result = before.then(task)
    const done = result.then(
      () => undefined,
      () => undefined,
    )
    for (const turn of turns) turn.#last = done
    try {
      return await result
    } finally {
      for (const turn of turns) if (turn.#last === done) turn.#last = undefined
    }
  }
}
