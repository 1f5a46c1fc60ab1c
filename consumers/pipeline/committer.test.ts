import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { OutcomeUnknown, TransactionAborted, TransactorFenced } from '../../runtime/kafka/transactorErrors.ts'
import { createLog } from '../../runtime/telemetry/log.ts'
import { createCommitter } from './committer.ts'
import { keysOf, ScriptedTransactor } from './kafkaUnderTest.ts'
import { OwnedShard } from './ownedShard.ts'
import { createPipelineTelemetry } from './telemetry.ts'

const TOPIC = 'devops.deployments'

function shardWith(script: (Error | Promise<unknown>)[]) {
  const lost: [string, string][] = []
  const telemetry = createPipelineTelemetry(new Registry(), createLog('consumer', 'silent'))
  const committer = createCommitter(telemetry, (dropped, reason, cause) => {
    lost.push([reason, cause.name])
    dropped.drop()
  })
  const owned = new OwnedShard(3, 0)
  const transactor = new ScriptedTransactor(script)
  owned.transactor = transactor
  owned.state = 'live'
  owned.positions.set(TOPIC, 0n)
  owned.committed.set(TOPIC, 0n)
  const apply = (key: string): void => {
    owned.pending.push({ topic: 'devops.ledger', partition: 3, key, value: null })
    owned.advance(TOPIC, owned.position(TOPIC) + 1n)
  }
  const asked = () => transactor.asked.map((each) => [keysOf(each), each.offsets.get(TOPIC)])
  return { owned, committer, apply, asked, lost }
}

test('what is applied during a transaction goes into the next one, in order, once', async () => {
  const gate = Promise.withResolvers<undefined>()
  const { owned, committer, apply, asked } = shardWith([gate.promise])
  apply('a')
  committer.kick(owned)
  apply('b')
  committer.kick(owned)
  apply('c')
  const drained = committer.drain(owned)
  assert.deepEqual(asked(), [[['a'], 1n]])
  gate.resolve(undefined)
  await drained
  assert.deepEqual(asked(), [
    [['a'], 1n],
    [['b', 'c'], 3n],
  ])
  assert.deepEqual([owned.pending, owned.uncommitted().size, owned.committed.get(TOPIC)], [[], 0, 3n])
})

test('transactions keep a distance, so that many small batches share one, unless the shard is drained', async () => {
  const { owned, committer, apply, asked } = shardWith([])
  apply('a')
  committer.kick(owned)
  await setImmediate()
  for (const key of ['b', 'c', 'd']) {
    apply(key)
    committer.kick(owned)
    await setImmediate()
  }
  assert.deepEqual(asked(), [[['a'], 1n]])
  await committer.drain(owned)
  assert.deepEqual(asked(), [
    [['a'], 1n],
    [['b', 'c', 'd'], 4n],
  ])
})

test('aborted: the same outputs and offsets are sent again, whatever was applied meanwhile', async () => {
  const aborted = new TransactionAborted('t', new Error('coordinator moved'))
  const { owned, committer, apply, asked, lost } = shardWith([aborted, aborted])
  apply('a')
  committer.kick(owned)
  apply('b')
  await committer.drain(owned)
  assert.deepEqual(asked(), [
    [['a'], 1n],
    [['a'], 1n],
    [['a'], 1n],
    [['b'], 2n],
  ])
  assert.deepEqual(lost, [])
})

for (const [trouble, reason] of [
  [new TransactorFenced('t', new Error('epoch')), 'fenced'],
  [new OutcomeUnknown('t', 'commit', new Error('timeout')), 'outcome_unknown'],
] as const) {
  test(`${trouble.name}: the shard is lost with all that is pending, and nothing is sent any more`, async () => {
    const { owned, committer, apply, asked, lost } = shardWith([trouble])
    apply('a')
    committer.kick(owned)
    apply('b')
    await committer.drain(owned)
    committer.kick(owned)
    await committer.drain(owned)
    assert.deepEqual(asked(), [[['a'], 1n]])
    assert.deepEqual(lost, [[reason, trouble.name]])
    assert.deepEqual([owned.isLost, owned.pending, owned.committed.get(TOPIC)], [true, [], 0n])
  })
}

test('lost while a transaction is under way: its outcome concerns nobody', async () => {
  const gate = Promise.withResolvers<undefined>()
  const { owned, committer, apply, lost } = shardWith([gate.promise])
  apply('a')
  committer.kick(owned)
  const drained = committer.drain(owned)
  owned.drop()
  gate.reject(new OutcomeUnknown('t', 'commit', new Error('connection cut')))
  await drained
  assert.deepEqual(lost, [])
})

test('mere offsets are committed too; a shard that is not live commits nothing', async () => {
  const { owned, committer, asked } = shardWith([])
  owned.advance(TOPIC, 5n)
  owned.state = 'replaying'
  await committer.drain(owned)
  assert.deepEqual(asked(), [])
  owned.state = 'live'
  await committer.drain(owned)
  assert.deepEqual(asked(), [[[], 5n]])
})
