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
  const slots: { bytes: number; tenants: Tenant[] }[] = []
  const slotOf = new Array<number>(tenants.length).fill(-1)
  const order = tenants.map((tenant, index) => ({ tenant, index }))
  order.sort((a, b) => b.tenant.bytes - a.tenant.bytes || a.index - b.index)
  for (const { tenant, index } of order) {
    const fits = (slot: { tenants: Tenant[] }) =>
      slot.tenants.every((t) => tenant.last < t.first || t.last < tenant.first)
    let found = share ? slots.findIndex(fits) : -1
    if (found < 0) found = slots.push({ bytes: 0, tenants: [] }) - 1
    const slot = slots[found] as (typeof slots)[number]
    slot.tenants.push(tenant)
    slot.bytes = Math.max(slot.bytes, tenant.bytes)
    slotOf[index] = found
  }
  return { slotOf, slotBytes: slots.map((slot) => slot.bytes) }
}
