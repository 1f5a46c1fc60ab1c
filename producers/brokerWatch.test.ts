import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrokerWatch } from './brokerWatch.ts'

test('fresh while probes are answered; changes are told once', async () => {
  let away = false
  let now = 1_000
  let probes = 0
  const told: string[] = []
  const watch = new BrokerWatch({
    probe: () => {
      probes += 1
      return away ? Promise.reject(new Error('away')) : Promise.resolve()
    },
    everyMs: 2,
    freshMs: 10_000,
    now: () => now,
    reached: () => told.push('reached'),
    lost: () => told.push('lost'),
  })
  const someProbes = async (): Promise<void> => {
    const until = probes + 3
    while (probes < until) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  assert.equal(watch.fresh, false)
  await watch.start()
  await someProbes()
  assert.equal(watch.fresh, true)
  away = true
  await someProbes()
  assert.equal(watch.fresh, true, 'one unanswered probe is no verdict')
  now += 10_001
  assert.equal(watch.fresh, false)
  away = false
  await someProbes()
  assert.equal(watch.fresh, true)
  assert.deepEqual(told, ['reached', 'lost', 'reached'])
  await watch.close()
  const last = probes
  await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(probes, last, 'nothing is asked after the end')
})
