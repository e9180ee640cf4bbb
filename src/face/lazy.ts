/** A function for each property, called when the property is first read. */
type Producers<T> = { readonly [K in keyof T]: () => T[K] }

/**
 * Adds properties that are computed when they are first read and are plain ones from then on. Copies (`{ ...object }`,
 * `JSON.stringify`, `structuredClone`) read them all.
 */
export function withLazy<T extends object, L extends object>(object: T, producers: Producers<L>): T & L {
  for (const [name, produce] of Object.entries<() => unknown>(producers)) {
    Object.defineProperty(object, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value = produce()
        Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
        return value
      },
    })
  }
  return object as T & L
}
