import assert from 'node:assert/strict'
import { test } from 'node:test'
import kafkajs from 'kafkajs'
import fc from 'fast-check'
import { assignShards, readClaims, shardAssignor } from './shardAssignor.ts'
import type { Claimant } from './shardAssignor.ts'

const { MemberAssignment } = kafkajs.AssignerProtocol

const SHARDS = 12
const claims = fc.uniqueArray(
  fc.record({ shard: fc.integer({ min: -1, max: SHARDS }), since: fc.integer({ min: 0, max: 5 }) }),
  { selector: (claim) => claim.shard, maxLength: SHARDS + 2 },
)
const claimants: fc.Arbitrary<Claimant[]> = fc.uniqueArray(fc.record({ member: fc.string({ minLength: 1 }), claims }), {
  selector: (claimant) => claimant.member,
  minLength: 1,
  maxLength: 15,
})

test('every shard goes to exactly one member and counts differ by at most one', () => {
  fc.assert(
    fc.property(claimants, (members) => {
      const assigned = assignShards(members, SHARDS)
      assert.deepEqual([...assigned.keys()].sort(), members.map(({ member }) => member).sort())
      const all = [...assigned.values()].flat().sort((a, b) => a - b)
      assert.deepEqual(
        all,
        Array.from({ length: SHARDS }, (_, shard) => shard),
      )
      const counts = [...assigned.values()].map((mine) => mine.length)
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
    }),
  )
})

test('the order of the members does not matter', () => {
  fc.assert(
    fc.property(claimants, (members) => {
      const one = assignShards(members, SHARDS)
      const other = assignShards([...members].reverse(), SHARDS)
      for (const [member, mine] of one) assert.deepEqual(other.get(member), mine)
    }),
  )
})

test('a balanced assignment is kept as it is', () => {
  fc.assert(
    fc.property(claimants, (members) => {
      const before = assignShards(members, SHARDS)
      const claiming = [...before].map(([member, mine]) => ({
        member,
        claims: mine.map((shard) => ({ shard, since: 7 })),
      }))
      assert.deepEqual(assignShards(claiming, SHARDS), before)
    }),
  )
})

test('when one joins, only shards that go to the newcomer move', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 11 }), (count) => {
      const before = assignShards(
        Array.from({ length: count }, (_, i) => ({ member: `m${i}`, claims: [] })),
        SHARDS,
      )
      const after = assignShards(
        [
          ...[...before].map(([member, mine]) => ({ member, claims: mine.map((shard) => ({ shard, since: 1 })) })),
          { member: 'new', claims: [] },
        ],
        SHARDS,
      )
      for (const [member, mine] of before) {
        for (const shard of after.get(member) ?? []) assert.ok(mine.includes(shard), `${member} gained ${shard}`)
      }
    }),
  )
})

test('the newest claim wins over that of a process that slept', () => {
  const assigned = assignShards(
    [
      { member: 'zombie', claims: [0, 1, 2, 3, 4, 5].map((shard) => ({ shard, since: 1 })) },
      { member: 'owner', claims: [0, 1, 2, 3, 4, 5].map((shard) => ({ shard, since: 2 })) },
    ],
    SHARDS,
  )
  assert.deepEqual(assigned.get('owner'), [0, 1, 2, 3, 4, 5])
})

test('claims that cannot be read count as none', () => {
  for (const text of ['', 'x', '{}', '[1]', '[["a",1]]']) assert.deepEqual(readClaims(Buffer.from(text)), [])
  assert.deepEqual(readClaims(Buffer.from('[[3,9]]')), [{ shard: 3, since: 9 }])
})

test('through the wire format all topics of a shard go to the same member', async () => {
  const topics = ['a', 'b', 'c']
  const group = {} as Parameters<ReturnType<typeof shardAssignor>>[0]
  const holder = shardAssignor(SHARDS, () => [{ shard: 5, since: 3 }])(group)
  const other = shardAssignor(SHARDS, () => [])(group)
  const assigned = await other.assign({
    members: [
      { memberId: 'x', memberMetadata: other.protocol({ topics }).metadata },
      { memberId: 'y', memberMetadata: holder.protocol({ topics }).metadata },
    ],
    topics,
  })
  for (const { memberId, memberAssignment } of assigned) {
    const decoded = MemberAssignment.decode(memberAssignment)?.assignment ?? {}
    assert.deepEqual(Object.keys(decoded), topics)
    assert.equal(new Set(Object.values(decoded).map((shards) => shards.join())).size, 1)
    assert.equal(Object.values(decoded)[0]?.includes(5), memberId === 'y')
  }
})
