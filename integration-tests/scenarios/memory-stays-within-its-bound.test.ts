/** A consumer takes its pool and a fixed margin, also while snapshots are written and shards are restored into a full pool. */
import { test } from 'node:test'
import { soakConsumer } from '../soak/consumerMemory.ts'

test('a pool that was filled over and over', async (context) => {
  await soakConsumer({
    poolMib: 256,
    fills: 1.5,
    say: (line) => {
      context.diagnostic(line)
    },
  })
})
