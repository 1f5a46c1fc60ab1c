import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import type { Delivery, Item } from './delivery.ts'
import { inEventOrder } from './inEventOrder.ts'

const delivery = (at: number, rank: number): Delivery => ({ at, rank, kind: 'x', payload: {}, backfilled: true })

const arbitraryItem = fc
  .record({
    startedAt: fc.nat(50),
    lasts: fc.nat(30),
    told: fc.array(fc.tuple(fc.nat(40), fc.nat(4)), { maxLength: 5 }),
    turns: fc.nat(3),
  })
  .map(({ startedAt, lasts, told, turns }): Item => {
    const deliveries = async () => {
      for (let i = 0; i < turns; i += 1) await turn()
      return told.map(([after, rank]) => delivery(startedAt + after, rank))
    }
    return { key: String(startedAt), startedAt, changedAt: startedAt + lasts, deliveries }
  })

test('whatever is read, however slowly: all of it, in order, and never before something earlier', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryItem, { maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (items, atOnce) => {
        const sent: Delivery[] = []
        let reading = 0
        let most = 0
        const watched = items.map((item) => ({
          ...item,
          deliveries: async () => {
            most = Math.max(most, (reading += 1))
            return item.deliveries().finally(() => (reading -= 1))
          },
        }))
        for await (const { deliveries } of inEventOrder(watched, atOnce, assert.ifError)) sent.push(...deliveries)
        assert.deepEqual(
          sent.map(({ at }) => at),
          sent.map(({ at }) => at).toSorted((a, b) => a - b),
        )
        const told = await Promise.all(items.map((item) => item.deliveries()))
        assert.equal(sent.length, told.flat().length)
        assert.ok(most <= atOnce, `${most} at once`)
      },
    ),
    { numRuns: 200 },
  )
})

test('at the same time the change comes first and the end last', async () => {
  const item = {
    key: 'a',
    startedAt: 5,
    changedAt: 5,
    deliveries: () => Promise.resolve([delivery(5, 4), delivery(5, 0)]),
  }
  for await (const { deliveries } of inEventOrder([item], 1, assert.ifError))
    assert.deepEqual(
      deliveries.map(({ rank }) => rank),
      [0, 4],
    )
})

test('what cannot be read is told in its turn', async () => {
  const broken = { key: 'b', startedAt: 1, changedAt: 1, deliveries: () => Promise.reject(new Error('gone')) }
  const whole = { key: 'w', startedAt: 2, changedAt: 2, deliveries: () => Promise.resolve([delivery(2, 0)]) }
  const failures: string[] = []
  let sent = 0
  for await (const { deliveries } of inEventOrder([whole, broken], 2, ({ key }, error) =>
    failures.push(`${key} ${String(error)}`),
  ))
    sent += deliveries.length
  assert.deepEqual([failures, sent], [['b Error: gone'], 1])
})
