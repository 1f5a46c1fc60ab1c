/** The lists that every owner answers for its own shards, and what orders them. */
import { BY_NAME, BY_TIME, placeOfDeployment, placeOfIncident, placeOfName } from '../../schemas/queries/place.ts'
import type { Order, Place } from '../../schemas/queries/place.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'

export type ListName = 'list_deployments' | 'list_outcomes' | 'list_services' | 'list_incidents' | 'list_unmapped'
export type ListItem<Name extends ListName> = QueryOutput<Name>['items'][number]

export interface ListOrder<Item, P> {
  readonly order: Order<P>
  readonly placeOf: (item: Item) => P
}

const byName = { order: BY_NAME, placeOf: (item: { readonly service: string }) => placeOfName(item.service) }

export const LIST_ORDERS = {
  list_deployments: { order: BY_TIME, placeOf: placeOfDeployment },
  list_outcomes: { order: BY_TIME, placeOf: placeOfDeployment },
  list_incidents: { order: BY_TIME, placeOf: placeOfIncident },
  list_services: byName,
  list_unmapped: byName,
} as const satisfies {
  readonly [Name in ListName]: ListOrder<ListItem<Name>, Place> | ListOrder<ListItem<Name>, Buffer>
}

export function isList(name: string): name is ListName {
  return Object.hasOwn(LIST_ORDERS, name)
}
