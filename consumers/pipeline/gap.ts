/** Where a restored shard starts to read a topic, and whether what it should have read is still there. */
import type { Ends } from '../../runtime/kafka/port.ts'
import type { DroppedKind } from '../../rust-engine/ts/records.ts'
import type { InputTopic } from './handlers.ts'

/** Ticks only say that time passes. */
export const isClock = (topic: string): boolean => topic === 'devops.ticks'

export interface Gap {
  readonly topic: string
  /** First offset that is missing and first one that is there. */
  readonly from: bigint
  readonly to: bigint
  /** True when the missing records were never applied; false when only their effect on a lost state is gone. */
  readonly neverApplied: boolean
}

/** What outcomes and the ledger bring. */
export const SCORED = ['ci_run_scores', 'deployment_scores'] as const satisfies readonly DroppedKind[]

/** What a topic brings: not whole after a gap in it. */
export const BROUGHT: Readonly<Record<InputTopic, readonly DroppedKind[]>> = {
  'devops.deployments': [
    'ci_runs_successful',
    'ci_runs_failed',
    'changes',
    'rolling_scopes',
    'deployments',
    'services',
    ...SCORED,
  ],
  'devops.metrics': ['samples', 'samples_5m', 'samples_1h', 'series', 'services'],
  'devops.incidents': ['incidents', 'services'],
  'devops.infrastructure': ['resources', 'services'],
  'devops.signals': [],
  'devops.ticks': [],
}

export interface Start {
  readonly from: bigint
  /** Records before it were applied by a former owner: outputs off. Never past the end of the log. */
  readonly replayUntil: bigint
  readonly gaps: readonly Gap[]
}

/**
 * `snapshot`: its next offset of the topic, null without one. `committed`: −1n = none. Commits past the end mean that the
 * topic was made anew or lost its tail. A tick that is gone is no gap: the restored clock starts at the snapshot's.
 */
export function startOf(topic: string, snapshot: bigint | null, committed: bigint, { low, high }: Ends): Start {
  const wanted = snapshot ?? 0n
  const from = least(most(wanted, low), high)
  const replayUntil = most(least(committed, high), from)
  const gaps: Gap[] = []
  if (!isClock(topic) && wanted < low) {
    gaps.push({ topic, from: wanted, to: low, neverApplied: committed >= 0n && committed < low })
  }
  if (!isClock(topic) && committed > high) gaps.push({ topic, from: high, to: committed, neverApplied: false })
  return { from, replayUntil, gaps }
}

const most = (a: bigint, b: bigint): bigint => (a > b ? a : b)
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)
