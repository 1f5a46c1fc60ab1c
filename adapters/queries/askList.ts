/** A page of a list: from the owners of a service and its former names, or from all owners, merged. */
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import { partitionOf } from '../../schemas/topics.ts'
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
  readonly formerServices: (service: string) => readonly string[]
}

/** Names that one list is read through, each by a request of its own. */
const FORMER_SERVICES_MAX = 32

/** Bytes kept free beside a list's items for its cursor and freshness. */
const LIST_FRAME_BYTES = 4 * 1024

type ListAnswer = OwnerPage<object> & Freshness

export async function askList<Name extends ListName>(
  { directory, courier, limits, formerServices }: ListDependencies,
  name: Name,
  input: QueryInput<Name>,
  signal: AbortSignal,
): Promise<QueryOutput<Name>> {
  // The table is typed by name; what follows is the same for every list.
  const order = LIST_ORDERS[name] as unknown as ListOrder<object>
  const bounds = { itemsMax: input.limit, bytesMax: limits.answerBytesMax - LIST_FRAME_BYTES }
  const service = 'service' in input ? input.service : undefined
  if (service !== undefined) {
    const page = (of: string): Promise<ListAnswer> => courier.toService(of, name, { ...input, service: of }, signal)
    const answer = await throughFormerNames(page, service, formerServices(service))
    return { ...mergeLists(answer.pages, order, bounds), ...answer.freshness } as unknown as QueryOutput<Name>
  }
  const membership = await directory.current()
  const { answers, absences, failures } = await fanOut<(typeof membership.owners)[number], ListAnswer>(
    membership.owners,
    async (owner) => {
      const page: ListAnswer = await courier.toOwner(owner.address, name, input, signal)
      return continuable(page, owner.address)
    },
  )
  if (answers.length === 0) throw failures[0] ?? new Unavailable('no consumer owns any shard at the moment')
  const answer = { ...mergeLists(answers, order, bounds), ...joinFreshness(answers, absences, membership) }
  return answer as unknown as QueryOutput<Name>
}

/** The service must answer; of former names that do not, the list says what it lacks. */
async function throughFormerNames(
  ask: (service: string) => Promise<ListAnswer>,
  service: string,
  former: readonly string[],
): Promise<{ pages: readonly ListAnswer[]; freshness: Freshness }> {
  const targets = former.slice(0, FORMER_SERVICES_MAX).map((name) => ({ name, shards: [partitionOf(name)] }))
  const [own, heard] = await Promise.all([
    ask(service),
    fanOut(targets, async ({ name }) => continuable(await ask(name), name)),
  ])
  const pages = [own, ...heard.answers]
  const freshness = joinFreshness(pages, heard.absences, { unownedShards: [] })
  if (former.length <= FORMER_SERVICES_MAX) return { pages, freshness }
  const lacking = `${former.length - FORMER_SERVICES_MAX} of its ${former.length} former names were not asked for`
  const incompleteReason = [freshness.incompleteReason, lacking].filter((reason) => reason !== null).join('; ')
  return { pages, freshness: { ...freshness, complete: false, incompleteReason } }
}

/** Without an item the place to go on from is not known. */
function continuable(page: ListAnswer, from: string): ListAnswer {
  if (page.items.length > 0 || page.nextCursor === null) return page
  throw new BadAnswer(from, 'an empty page with more behind it')
}
