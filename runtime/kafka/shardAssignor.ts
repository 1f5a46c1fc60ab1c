/**
 * Who gets which shard. Shard p is partition p of every input topic, so an assignment is made of shards, not of
 * partitions. Members claim what they hold in the userData of their join; the newest claim wins, because a frozen
 * process that wakes up still claims what it has lost.
 */
import kafkajs from 'kafkajs'
import type { Assigner, PartitionAssigner } from 'kafkajs'
import type { Claim } from './port.ts'

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol

const PROTOCOL = 'devops-shards'
const VERSION = 1

export interface Claimant {
  readonly member: string
  readonly claims: readonly Claim[]
}

/**
 * Every shard in 0..shards−1 to exactly one member; counts differ by at most one; among the balanced assignments a
 * member keeps as much as it can of what it rightfully claims. Deterministic for equal input in any order.
 */
export function assignShards(claimants: readonly Claimant[], shards: number): Map<string, number[]> {
  const assigned = new Map<string, number[]>(claimants.map(({ member }) => [member, []]))
  if (claimants.length === 0) return assigned
  const held = rightfulClaims(claimants, shards)

  // The larger shares go to those who hold most, so that the fewest shards move.
  const order = [...assigned.keys()].sort(
    (a, b) => (held.get(b)?.length ?? 0) - (held.get(a)?.length ?? 0) || (a < b ? -1 : 1),
  )
  const share = Math.floor(shards / order.length)
  const larger = shards % order.length
  const taken = new Set<number>()
  for (const [rank, member] of order.entries()) {
    const kept = (held.get(member) ?? []).slice(0, share + (rank < larger ? 1 : 0))
    assigned.set(member, kept)
    for (const shard of kept) taken.add(shard)
  }

  const free = Array.from({ length: shards }, (_, shard) => shard).filter((shard) => !taken.has(shard))
  for (const [rank, member] of order.entries()) {
    const mine = assigned.get(member) ?? []
    mine.push(...free.splice(0, share + (rank < larger ? 1 : 0) - mine.length))
    mine.sort((a, b) => a - b)
  }
  return assigned
}

/** Member → the shards of which it has the newest claim, in order. */
function rightfulClaims(claimants: readonly Claimant[], shards: number): Map<string, number[]> {
  const newest = new Map<number, { member: string; since: number }>()
  for (const { member, claims } of claimants) {
    for (const { shard, since } of claims) {
      if (shard < 0 || shard >= shards) continue
      const other = newest.get(shard)
      const wins = other === undefined || since > other.since || (since === other.since && member < other.member)
      if (wins) newest.set(shard, { member, since })
    }
  }
  const held = new Map<string, number[]>()
  for (let shard = 0; shard < shards; shard++) {
    const owner = newest.get(shard)
    if (owner === undefined) continue
    const list = held.get(owner.member) ?? []
    list.push(shard)
    held.set(owner.member, list)
  }
  return held
}

/** The assignor for kafkajs. `claims` is asked at each join. */
export function shardAssignor(shards: number, claims: () => readonly Claim[]): PartitionAssigner {
  return (): Assigner => ({
    name: PROTOCOL,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: PROTOCOL,
      metadata: MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(JSON.stringify(claims().map(({ shard, since }) => [shard, since]))),
      }),
    }),
    assign: ({ members, topics }) => {
      const claimants = members.map(({ memberId, memberMetadata }) => ({
        member: memberId,
        claims: readClaims(MemberMetadata.decode(memberMetadata)?.userData),
      }))
      const assigned = [...assignShards(claimants, shards)].map(([memberId, mine]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment: mine.length === 0 ? {} : Object.fromEntries(topics.map((topic) => [topic, mine])),
          userData: Buffer.alloc(0),
        }),
      }))
      return Promise.resolve(assigned)
    },
  })
}

/** Claims that can't be read count as none: a member of a newer version must not stop the group. */
export function readClaims(userData: Buffer | undefined): Claim[] {
  if (userData === undefined || userData.length === 0) return []
  let parsed: unknown
  try {
    parsed = JSON.parse(userData.toString('utf8'))
  } catch {
    return []
  }
  if (!Array.isArray(parsed)) return []
  return parsed.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) return []
    const [shard, since] = entry as unknown[]
    return typeof shard === 'number' && typeof since === 'number' ? [{ shard, since }] : []
  })
}
