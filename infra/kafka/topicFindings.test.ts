import assert from 'node:assert/strict'
import test from 'node:test'
import { assertUsable, settingLines, TopicsUnusable } from './topicFindings.ts'

const retention = { topic: 'devops.ticks', setting: 'retention.ms', wanted: '3600000', found: '604800000' }
const partitions = { topic: 'devops.metrics', setting: 'partitions', wanted: '12', found: '3' }

test('another setting is a line, another number of partitions an end with the remedy', () => {
  assert.deepEqual(settingLines([retention, partitions]), [
    'topics: retention.ms of devops.ticks is 604800000 instead of 3600000; left as it is',
  ])
  assertUsable([retention])
  assert.throws(
    () => {
      assertUsable([retention, partitions])
    },
    (error) =>
      error instanceof TopicsUnusable &&
      /^devops\.metrics has 3 partitions instead of 12\. .*KAFKA_BROKERS\.$/.test(error.message),
  )
})
