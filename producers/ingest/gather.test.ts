import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OutgoingRecord, Publisher } from '../../runtime/kafka/port.ts'
import { Gather } from './gather.ts'

const LINGER_MS = 40
const record: OutgoingRecord = { topic: 'devops.metrics', partition: 0, key: 'a', value: Buffer.from('b') }

/** Publishes take a while and are told apart by the turn in which they came: what comes in one turn goes out together. */
class SlowLog implements Publisher {
  readonly sends: number[] = []
  trouble: Error | null = null
  closed = false
  #turn: OutgoingRecord[] | null = null

  async publish(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#turn === null) {
      this.#turn = []
      queueMicrotask(() => {
        this.sends.push(this.#turn?.length ?? 0)
        this.#turn = null
      })
    }
    this.#turn.push(...records)
    await new Promise((resolve) => setTimeout(resolve, 2))
    if (this.trouble !== null) throw this.trouble
  }

  close(): Promise<void> {
    this.closed = true
    return Promise.resolve()
  }
}

describe('gathering', () => {
  test('what comes within the linger goes out in one send', async () => {
    const log = new SlowLog()
    const gather = new Gather(log, LINGER_MS)
    const begun = performance.now()
    await Promise.all(Array.from({ length: 7 }, () => gather.publish([record])))
    assert.deepEqual(log.sends, [7])
    assert.ok(performance.now() - begun >= LINGER_MS)
  })

  test('senders that wait for their answer are not held up', async () => {
    const log = new SlowLog()
    const gather = new Gather(log, LINGER_MS)
    const rounds = 20
    const begun = performance.now()
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        for (let round = 0; round < rounds; round += 1) await gather.publish([record])
      }),
    )
    assert.equal(
      log.sends.reduce((sum, count) => sum + count, 0),
      3 * rounds,
    )
    // Only the first round lingers; a busy machine may let a few more do so.
    assert.ok(performance.now() - begun < (rounds * LINGER_MS) / 2, `${performance.now() - begun} ms`)
  })

  test('a sender that comes now and then waits for company', async () => {
    const log = new SlowLog()
    const gather = new Gather(log, LINGER_MS)
    await gather.publish([record])
    await new Promise((resolve) => setTimeout(resolve, 30))
    await Promise.all([gather.publish([record]), gather.publish([record])])
    assert.deepEqual(log.sends, [1, 2])
  })

  test('each submission gets its own outcome', async () => {
    const log = new SlowLog()
    const gather = new Gather(log, 1)
    log.trouble = new Error('away')
    await assert.rejects(gather.publish([record]), /away/)
    log.trouble = null
    await gather.publish([record])
  })

  test('closing sends what waits', async () => {
    const log = new SlowLog()
    const gather = new Gather(log, 60_000)
    const waiting = gather.publish([record])
    await gather.close()
    await waiting
    assert.deepEqual([log.sends, log.closed], [[1], true])
  })
})
