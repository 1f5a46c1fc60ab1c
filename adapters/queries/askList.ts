/** A page of a list: from the owner of a service, or from all owners, merged. */
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import type { Courier } from './courier.ts'
import { BadAnswer, Unavailable } from './errors.ts'
import { fanOut } from './fanOut.ts'
import { joinFreshness, type Freshness } from './freshness.ts'
import type { QueryLimits } from './limits.ts'
import { LIST_ORDERS, type ListName } from './lists.ts'
import type { Directory } from './directory.ts'
import { mergeLists, type ListOrder, type OwnerPage } from './mergeLists.ts'

export interface ListDependencies {
  readonly directory: Directory
  readonly courier: Courier
  readonly limits: QueryLimits
}

/** Bytes kept free beside a list's items for its cursor and freshness. */
const LIST_FRAME_BYTES = 4 * 1024

type ListAnswer = OwnerPage<object> & Freshness

export async function askList<Name extends ListName>(
  { directory, courier, limits }: ListDependencies,
  name: Name,
  input: QueryInput<Name>,
  signal: AbortSignal,
): Promise<QueryOutput<Name>> {
  // The table is typed by name; what follows is the same for every list.
  const order = LIST_ORDERS[name] as unknown as ListOrder<object>
  const bounds = { itemsMax: input.limit, bytesMax: limits.answerBytesMax - LIST_FRAME_BYTES }
  const service = 'service' in input ? input.service : undefined
  if (service !== undefined) {
    const page: ListAnswer = await courier.toService(service, name, input, signal)
    return { ...page, ...mergeLists([page], order, bounds) } as unknown as QueryOutput<Name>
  }
  const membership = await directory.current()
  const { answers, absences, failures } = await fanOut<(typeof membership.owners)[number], ListAnswer>(
    membership.owners,
    async (owner) => {
      const page: ListAnswer = await courier.toOwner(owner.address, name, input, signal)
      // Without an item the place to go on from is not known.
      if (page.items.length > 0 || page.nextCursor === null) return page
      throw new BadAnswer(owner.address, 'an empty page with more behind it')
    },
  )
  if (answers.length === 0) throw failures[0] ?? new Unavailable('no consumer owns any shard at the moment')
  const answer = { ...mergeLists(answers, order, bounds), ...joinFreshness(answers, absences, membership) }
  return answer as unknown as QueryOutput<Name>
}
