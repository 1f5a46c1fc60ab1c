/** The patterns mined last. Every consumer has all of them, one sooner than another; so the newest that is heard counts. */
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import type { Courier } from './courier.ts'
import type { Directory } from './directory.ts'
import { Unavailable } from './errors.ts'
import { fanOut } from './fanOut.ts'

type Patterns = QueryOutput<'find_patterns'>

export async function findPatterns(
  { directory, courier }: { readonly directory: Directory; readonly courier: Courier },
  input: QueryInput<'find_patterns'>,
  signal: AbortSignal,
): Promise<Patterns> {
  const { owners } = await directory.current()
  const { answers, failures } = await fanOut(owners, ({ address }) =>
    courier.toOwner(address, 'find_patterns', input, signal),
  )
  const [first, ...others] = answers
  if (first === undefined) throw failures[0] ?? new Unavailable('no consumer owns any shard at the moment')
  return others.reduce((newest, answer) => (minedAt(answer) > minedAt(newest) ? answer : newest), first)
}

const minedAt = ({ freshThrough }: Patterns): number => (freshThrough === null ? 0 : Date.parse(freshThrough))
