/** Who owns which shard, as the members say in devops.members. Pure: records in, answers out. */
import type { Member } from '../../schemas/generated/events.ts'

/** Three reports missed: it is not there any more. */
export const MEMBER_AGE_MS_MAX = 90_000

export class MemberTable {
  readonly #members = new Map<string, Member>()

  /** `value` null: it left. */
  accept(instance: string, value: Member | null): void {
    if (value === null) this.#members.delete(instance)
    else this.#members.set(instance, value)
  }

  members(now: number): readonly Member[] {
    return [...this.#members.values()]
      .filter(({ at }) => now - at <= MEMBER_AGE_MS_MAX)
      .sort((a, b) => (a.instance < b.instance ? -1 : 1))
  }

  /**
   * Where a shard is asked that the process at `own` has not; of two that say so, the one that said it last (a frozen process
   * still believes it). What was said at `own` is the word of a killed process before this one, or is over.
   */
  addressOf(shard: number, now: number, own: string): string | null {
    const owners = this.members(now).filter(({ address, shards }) => address !== own && shards.includes(shard))
    const newest = owners.sort((a, b) => b.at - a.at)[0]
    return newest?.address ?? null
  }
}
