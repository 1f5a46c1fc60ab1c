/** The lists that every owner answers for its own shards: what orders them, and the cursor after an item. */
import {
  compareNames,
  comparePlaces,
  cursorOfName,
  cursorOfPlace,
  placeOfDeployment,
  placeOfIncident,
  type Place,
} from '../../schemas/queries/place.ts'
import type { QueryOutput } from '../../schemas/queries/queries.ts'
import type { ListOrder } from './mergeLists.ts'

export type ListName = 'list_deployments' | 'list_services' | 'list_incidents' | 'list_unmapped'
export type ListItem<Name extends ListName> = QueryOutput<Name>['items'][number]

export const LIST_ORDERS: { readonly [Name in ListName]: ListOrder<ListItem<Name>> } = {
  list_deployments: newestFirst(placeOfDeployment),
  list_incidents: newestFirst(placeOfIncident),
  list_services: byName((item) => item.service),
  list_unmapped: byName((item) => item.service),
}

export function isList(name: string): name is ListName {
  return Object.hasOwn(LIST_ORDERS, name)
}

function newestFirst<Item>(placeOf: (item: Item) => Place): ListOrder<Item> {
  return {
    compare: (a, b) => comparePlaces(placeOf(a), placeOf(b)),
    cursorAfter: (item) => cursorOfPlace(placeOf(item)),
  }
}

function byName<Item>(nameOf: (item: Item) => string): ListOrder<Item> {
  return {
    compare: (a, b) => compareNames(nameOf(a), nameOf(b)),
    cursorAfter: (item) => cursorOfName(nameOf(item)),
  }
}
