/** Keeps what is known of the consumers' membership: learnt from any of them, seeds first, refreshed while it is used. */
import { Unavailable } from './errors.ts'
import type { QueryLimits } from './limits.ts'
import { membershipOf, type Membership } from './membership.ts'
import type { OwnerRequests } from './ownerRequest.ts'

export interface Directory {
  /** Membership no older than `ownersFreshMs`, or the last known one when nobody answers. Throws Unavailable. */
  current(): Promise<Membership>
  /** Asks again now, because what is known proved wrong. Throws Unavailable. */
  refresh(): Promise<Membership>
  /** For the readiness report; asks nobody. */
  state(): { readonly membership: Membership | null; readonly learntAt: number | null; readonly reason: string | null }
}

export interface DirectoryDependencies {
  readonly seeds: readonly string[]
  readonly requests: OwnerRequests
  readonly now: () => number
  readonly limits: QueryLimits
  readonly learnt: (membership: Membership) => void
}

export function createDirectory({ seeds, requests, now, limits, learnt }: DirectoryDependencies): Directory {
  let membership: Membership | null = null
  let learntAt: number | null = null
  let reason: string | null = null
  let asking: Promise<Membership> | null = null

  async function learn(): Promise<Membership> {
    // Owners known from before are asked as well: the seeds may be the ones that went away.
    const known = membership?.owners.map((owner) => owner.address) ?? []
    const reasons: string[] = []
    for (const address of new Set([...seeds, ...known])) {
      const reply = await requests.owners(address, new AbortController().signal)
      if (reply.kind === 'ok') {
        membership = membershipOf(reply.value)
        learntAt = now()
        reason = null
        learnt(membership)
        return membership
      }
      reasons.push(`${address}: ${'reason' in reply ? reply.reason : reply.kind}`)
    }
    reason = `no consumer answers (${reasons.join('; ')})`
    throw new Unavailable(reason)
  }

  // Callers at one time share one question.
  const refresh = (): Promise<Membership> => {
    asking ??= learn().finally(() => {
      asking = null
    })
    return asking
  }

  return {
    refresh,
    async current() {
      if (membership !== null && learntAt !== null && now() - learntAt < limits.ownersFreshMs) return membership
      try {
        return await refresh()
      } catch (error) {
        if (membership !== null && error instanceof Unavailable) return membership
        throw error
      }
    },
    state: () => ({ membership, learntAt, reason }),
  }
}
