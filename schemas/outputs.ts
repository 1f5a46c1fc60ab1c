/** What an event handler gives back to the pipeline, to be written in the transaction that commits its offsets. */
import type { DeadLetter, LedgerEntry, Signal } from './generated/events.ts'

export type Output =
  | { readonly topic: 'devops.ledger'; readonly partition: number; readonly key: string; readonly value: LedgerEntry }
  | { readonly topic: 'devops.signals'; readonly partition: number; readonly key: string; readonly value: Signal }
  | {
      readonly topic: 'devops.dead-letters'
      readonly partition: number
      readonly key: string
      readonly value: DeadLetter
    }

/** Where a record stands in its log; `at` is LogAppendTime in ms. */
export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly at: number
}

/** `replay`: rebuilding state that was committed before; outputs are dropped and nothing is predicted. */
export type Phase = 'live' | 'replay'
