/** Identities in the ledger: the same question asked of the same log has the same id, so a resent entry is recognised. */
import { createHash } from 'node:crypto'
import type { LedgerKind } from '../../schemas/generated/events.ts'

const digest = (parts: readonly (string | number)[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)

/** Of the one headline prediction of an attempt. The same key in another service is another subject. */
export const headlineId = (service: string, subjectKey: string, attempt: number): string =>
  digest(['headline', service, subjectKey, attempt])

/** Of a question asked in between: what was asked, and when. */
export const askedId = (question: string, at: number): string => digest(['asked', question, at])

/** Of one entry about a prediction. */
export const entryId = (predictionId: string, kind: LedgerKind): string => `${predictionId}/${kind}`
