/** Who owns which shard, by what the consumers themselves say. */
import { eventually, type RunningProcess } from './system.ts'
import { SHARDS } from '../../schemas/topics.ts'

const SETTLED_MS = 60_000

export interface Owners {
  readonly shards: number[]
  readonly members: { address: string; shards: number[] }[]
}

export async function owners({ url }: RunningProcess): Promise<Owners> {
  return (await (await fetch(`${url}/v1/owners`)).json()) as Owners
}

/** Every shard is owned by exactly one of them, in counts that differ by at most one, and all are live. */
export async function settled(consumers: readonly RunningProcess[]): Promise<Owners[]> {
  return eventually(
    `${consumers.length} consumers share the shards`,
    async () => {
      const told = await Promise.all(consumers.map(owners))
      const all = told.flatMap(({ shards }) => shards).sort((a, b) => a - b)
      const counts = told.map(({ shards }) => shards.length)
      const ready = await Promise.all(consumers.map(async ({ url }) => (await fetch(`${url}/readyz`)).ok))
      const whole = all.join() === Array.from({ length: SHARDS }, (_, shard) => shard).join()
      if (whole && Math.max(...counts) - Math.min(...counts) <= 1 && ready.every(Boolean)) return told
      throw new Error(
        told.map(({ shards }, i) => `${shards.join()} ${ready[i] === true ? '' : 'not '}ready`).join('; '),
      )
    },
    SETTLED_MS,
  )
}
