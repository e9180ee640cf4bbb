/**
 * Slots: lifetimes of storages -> buffers. Largest first, each into the first slot whose tenants' lifetimes do not
 * touch its own. A slot is a whole GPUBuffer: WebGPU does not allow one buffer to be read and written in a
 * dispatch, so a tenant may only move in after the step that last used its predecessor.
 */
export interface Tenant {
  readonly bytes: number
  /** First and last step, inclusive, that touch it. */
  readonly first: number
  readonly last: number
}

export interface SlotAssignment {
  /** Slot of each tenant, in the order given. */
  readonly slotOf: readonly number[]
  readonly slotBytes: readonly number[]
}

export function assignSlots(tenants: readonly Tenant[], share = true): SlotAssignment {
  // Tenants of a slot follow one another: in the order of time, the neighbours of a newcomer tell whether it fits.
  const slots: { bytes: number; tenants: Tenant[] }[] = []
  const slotOf = new Array<number>(tenants.length).fill(-1)
  const order = tenants.map((tenant, index) => ({ tenant, index }))
  order.sort((a, b) => b.tenant.bytes - a.tenant.bytes || a.index - b.index)
  for (const { tenant, index } of order) {
    let found = share ? slots.findIndex((slot) => placeIn(slot.tenants, tenant) !== undefined) : -1
    if (found < 0) found = slots.push({ bytes: 0, tenants: [] }) - 1
    const slot = slots[found] as (typeof slots)[number]
    slot.tenants.splice(placeIn(slot.tenants, tenant) ?? 0, 0, tenant)
    slot.bytes = Math.max(slot.bytes, tenant.bytes)
    slotOf[index] = found
  }
  return { slotOf, slotBytes: slots.map((slot) => slot.bytes) }
}

/** Where a newcomer stands among tenants in the order of time; undefined if its lifetime touches one of theirs. */
function placeIn(tenants: readonly Tenant[], newcomer: Tenant): number | undefined {
  let [low, high] = [0, tenants.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((tenants[middle] as Tenant).first < newcomer.first) low = middle + 1
    else high = middle
  }
  const [before, after] = [tenants[low - 1], tenants[low]]
  const fits =
    (before === undefined || before.last < newcomer.first) &&
    (after === undefined || newcomer.last < after.first)
  return fits ? low : undefined
}
