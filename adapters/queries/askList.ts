/** A page of a list: from the owners of a service and its former names, or from all owners, merged. */
import { mergePages, type PartPage } from '../../schemas/queries/mergePages.ts'
import type { QueryInput, QueryOutput } from '../../schemas/queries/queries.ts'
import { partitionOf } from '../../schemas/topics.ts'
import type { Courier } from './courier.ts'
import { BadAnswer, Unavailable } from './errors.ts'
import { fanOut } from './fanOut.ts'
import { joinFreshness, type Freshness } from './freshness.ts'
import type { QueryLimits } from './limits.ts'
import { LIST_ORDERS, type ListName, type ListOrder } from './lists.ts'
import type { Directory } from './directory.ts'

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

interface ListAnswer extends Freshness {
  readonly items: readonly object[]
  readonly nextCursor: string | null
}
interface Answered {
  readonly page: ListAnswer
  readonly part: PartPage<object, object>
}
/** An order without the kind of its places: each cursor and item meets only those of its own list. */
type AnyOrder = ListOrder<object, object>

export async function askList<Name extends ListName>(
  { directory, courier, limits, formerServices }: ListDependencies,
  name: Name,
  input: QueryInput<Name>,
  signal: AbortSignal,
): Promise<QueryOutput<Name>> {
  // The table is typed by name; what follows is the same for every list.
  const list = LIST_ORDERS[name] as unknown as AnyOrder
  const bounds = { ...list, itemsMax: input.limit, bytesMax: limits.answerBytesMax - LIST_FRAME_BYTES }
  const service = 'service' in input ? input.service : undefined
  if (service !== undefined) {
    const page = async (of: string): Promise<Answered> => {
      const answered: ListAnswer = await courier.toService(of, name, { ...input, service: of }, signal)
      return { page: answered, part: partOf(answered, list, input.cursor, `the owner of ${of}`) }
    }
    const { parts, freshness } = await throughFormerNames(page, service, formerServices(service))
    return { ...mergePages(parts, bounds), ...freshness } as unknown as QueryOutput<Name>
  }
  const membership = await directory.current()
  const { answers, absences, failures } = await fanOut(membership.owners, async (owner): Promise<Answered> => {
    const page: ListAnswer = await courier.toOwner(owner.address, name, input, signal)
    return { page, part: partOf(page, list, input.cursor, owner.address) }
  })
  if (answers.length === 0) throw failures[0] ?? new Unavailable('no consumer owns any shard at the moment')
  const merged = mergePages(
    answers.map(({ part }) => part),
    bounds,
  )
  const pages = answers.map(({ page }) => page)
  return { ...merged, ...joinFreshness(pages, absences, membership) } as unknown as QueryOutput<Name>
}

function partOf(
  { items, nextCursor }: ListAnswer,
  { order }: AnyOrder,
  asked: string | undefined,
  owner: string,
): PartPage<object, object> {
  if (nextCursor === null) return { items, knownThrough: null }
  const knownThrough = order.placeOf(nextCursor)
  const from = asked === undefined ? null : order.placeOf(asked)
  // The caller would ask for the same page for ever.
  if (knownThrough === null || (from !== null && order.compare(knownThrough, from) <= 0))
    throw new BadAnswer(owner, 'a cursor that does not lead on')
  return { items, knownThrough }
}

/** The service must answer; of former names that do not, the list says what it lacks. */
async function throughFormerNames(
  ask: (service: string) => Promise<Answered>,
  service: string,
  former: readonly string[],
): Promise<{ parts: readonly PartPage<object, object>[]; freshness: Freshness }> {
  const targets = former.slice(0, FORMER_SERVICES_MAX).map((name) => ({ name, shards: [partitionOf(name)] }))
  const [own, heard] = await Promise.all([ask(service), fanOut(targets, ({ name }) => ask(name))])
  const answers = [own, ...heard.answers]
  const parts = answers.map(({ part }) => part)
  const pages = answers.map(({ page }) => page)
  const freshness = joinFreshness(pages, heard.absences, { unownedShards: [] })
  if (former.length <= FORMER_SERVICES_MAX) return { parts, freshness }
  const lacking = `${former.length - FORMER_SERVICES_MAX} of its ${former.length} former names were not asked for`
  const incompleteReason = [freshness.incompleteReason, lacking].filter((reason) => reason !== null).join('; ')
  return { parts, freshness: { ...freshness, complete: false, incompleteReason } }
}
