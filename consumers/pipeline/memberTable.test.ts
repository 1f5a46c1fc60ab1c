import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MEMBER_AGE_MS_MAX, MemberTable } from './memberTable.ts'

const OWN = 'http://own'

const member = (instance: string, shards: number[], at: number) => ({
  instance,
  address: `http://${instance}`,
  shards,
  since: 0,
  at,
})

test('the member that spoke last owns a shard that two claim', () => {
  const table = new MemberTable()
  table.accept('b', member('b', [1, 2], 200))
  table.accept('a', member('a', [1], 100))
  assert.equal(table.addressOf(1, 300, OWN), 'http://b')
  assert.equal(table.addressOf(2, 300, OWN), 'http://b')
  assert.equal(table.addressOf(3, 300, OWN), null)
})

test('who left or fell silent owns nothing', () => {
  const table = new MemberTable()
  table.accept('a', member('a', [1], 100))
  assert.equal(table.addressOf(1, 100 + MEMBER_AGE_MS_MAX, OWN), 'http://a')
  assert.equal(table.addressOf(1, 101 + MEMBER_AGE_MS_MAX, OWN), null)
  table.accept('a', null)
  assert.deepEqual(table.members(100), [])
})

test('a process that was killed is not asked at the address of the one that came after it', () => {
  const table = new MemberTable()
  table.accept('killed', { ...member('killed', [1, 2], 200), address: OWN })
  table.accept('b', member('b', [2], 100))
  assert.equal(table.addressOf(1, 300, OWN), null)
  assert.equal(table.addressOf(2, 300, OWN), 'http://b')
  assert.equal(table.addressOf(1, 300, 'http://b'), OWN)
})
