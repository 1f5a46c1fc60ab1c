import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { INPUT_TOPICS, SHARDS, TOPICS, partitionOf } from './topics.ts'

// First 32 bits of SHA-256, by hand: printf 'production/payments' | sha256sum
test('keys stay on the partition they were always on', () => {
  const fixed: Record<string, number> = {
    'production/payments': 5,
    'ci/payments': 8,
    'staging/unassigned:acme/shop': 0,
    production: 3,
    '{instance="a:9100",job="node"}': 9,
    '': 2,
  }
  for (const [key, partition] of Object.entries(fixed)) assert.equal(partitionOf(key), partition, key)
})

test('a partition is always one of the shards', () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      const partition = partitionOf(key)
      assert.ok(Number.isInteger(partition) && partition >= 0 && partition < SHARDS)
    }),
  )
})

test('many keys fill all shards about evenly', () => {
  const counts = new Array<number>(SHARDS).fill(0)
  for (let i = 0; i < 12_000; i++) {
    const partition = partitionOf(`production/service-${i}`)
    counts[partition] = (counts[partition] ?? 0) + 1
  }
  assert.ok(Math.min(...counts) > 850 && Math.max(...counts) < 1150, counts.join(' '))
})

test('every input topic has a partition for each shard, every topic a schema and the time of the log', () => {
  for (const topic of INPUT_TOPICS) assert.equal(TOPICS[topic].partitions, SHARDS)
  for (const [topic, settings] of Object.entries(TOPICS)) {
    assert.ok(existsSync(new URL(`./events/${settings.schema}.avsc`, import.meta.url)), topic)
    assert.equal(settings.config['message.timestamp.type'], 'LogAppendTime', topic)
  }
})
