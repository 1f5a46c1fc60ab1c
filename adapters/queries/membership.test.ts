import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALL_SHARDS } from './consumerPeer.ts'
import { membershipOf, ownersAnswer } from './membership.ts'

const here = { instance: 'a', address: 'http://10.0.0.1:8081', shards: [0, 1, 2, 3, 4, 5] }
const there = { instance: 'b', address: 'http://10.0.0.2:8081/', shards: [6, 7, 8, 9, 10, 11], at: 10 }

test('owners are those who hold shards, by address', () => {
  const membership = membershipOf({ ...here, members: [{ ...here, at: 9 }, there] })
  assert.deepEqual(
    membership.owners.map((owner) => owner.address),
    ['http://10.0.0.1:8081', 'http://10.0.0.2:8081'],
  )
  assert.equal(membership.ownerOfShard.get(7), 'http://10.0.0.2:8081')
  assert.deepEqual(membership.unownedShards, [])
})

test('of two claims the later one counts, and what the asked one says of itself above all', () => {
  const gone = { instance: 'c', address: 'http://10.0.0.3:8081', shards: ALL_SHARDS.slice(), at: 5 }
  const membership = membershipOf({ ...here, members: [there, gone] })
  assert.equal(membership.ownerOfShard.get(7), 'http://10.0.0.2:8081')
  assert.equal(membership.ownerOfShard.get(0), 'http://10.0.0.1:8081')
  assert.equal(membership.owners.length, 2)
})

test('shards that nobody claims are named', () => {
  const membership = membershipOf({ ...here, members: [] })
  assert.deepEqual(membership.unownedShards, [6, 7, 8, 9, 10, 11])
})

test('an address that is no http URL is refused', () => {
  const answer = { ...here, members: [{ ...there, address: 'file:///etc/passwd' }] }
  assert.equal(ownersAnswer.safeParse(answer).success, false)
})
