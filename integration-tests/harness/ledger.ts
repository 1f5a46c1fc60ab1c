/** What stands in the ledger now, by an independent reader. */
import type { LedgerEntry } from '../../schemas/generated/events.ts'
import type { System } from './system.ts'
import { readAll } from './topic.ts'

export async function ledgerOf(system: System, service?: string): Promise<LedgerEntry[]> {
  const entries = await readAll(system, 'devops.ledger')
  return entries.filter((e) => service === undefined || e.service === service)
}
