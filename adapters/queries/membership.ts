/** Which consumer owns which shard, from what the consumers tell of themselves and of each other. */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { SHARDS } from '../../schemas/topics.ts'

const address = z.url({ protocol: /^https?$/ }).max(512)
const since = z.union([z.number(), z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))])
const shards = z.array(
  z
    .number()
    .int()
    .min(0)
    .max(SHARDS - 1),
)
const member = z.object({ instance: z.string(), address, shards, since: since.optional(), at: since.optional() })

/** Answer of GET /v1/owners. */
export const ownersAnswer = z.object({
  instance: z.string(),
  address,
  shards,
  members: z.array(member).max(1_000),
})
export type OwnersAnswer = z.output<typeof ownersAnswer>

export interface Owner {
  readonly address: string
  readonly shards: readonly number[]
}

export interface Membership {
  /** Owners with at least one shard, by address. */
  readonly owners: readonly Owner[]
  readonly ownerOfShard: ReadonlyMap<number, string>
  readonly unownedShards: readonly number[]
  /** Changes when any shard moves. */
  readonly fingerprint: string
}

/** A shard that two members claim belongs to the later claim; what the asked one says of itself comes last. */
export function membershipOf(answer: OwnersAnswer): Membership {
  const claims = answer.members
    .filter((claim) => claim.instance !== answer.instance)
    .sort((a, b) => (a.at ?? a.since ?? 0) - (b.at ?? b.since ?? 0))
  const ownerOfShard = new Map<number, string>()
  for (const claim of [...claims, answer]) {
    for (const shard of claim.shards) ownerOfShard.set(shard, baseOf(claim.address))
  }
  return assemble(ownerOfShard)
}

/** Addresses are compared as text, so they are written in one way. */
export function baseOf(url: string): string {
  return url.replace(/\/+$/, '')
}

function assemble(ownerOfShard: ReadonlyMap<number, string>): Membership {
  const shardsOf = new Map<string, number[]>()
  const unownedShards: number[] = []
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const owner = ownerOfShard.get(shard)
    if (owner === undefined) unownedShards.push(shard)
    else shardsOf.set(owner, [...(shardsOf.get(owner) ?? []), shard])
  }
  const owners = [...shardsOf]
    .map(([owner, owned]) => ({ address: owner, shards: owned }))
    .sort((a, b) => (a.address < b.address ? -1 : 1))
  const fingerprint = createHash('sha256').update(JSON.stringify(owners)).digest('base64url').slice(0, 8)
  return { owners, ownerOfShard, unownedShards, fingerprint }
}
