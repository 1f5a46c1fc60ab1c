import type { Order } from '../../schemas/queries/place.ts'
import { invalidInput } from './errors.ts'

/** Where a list goes on; null at its beginning. Throws for a text that is no cursor of this order. */
export function placeOfCursor<P>(order: Order<P>, cursor: string | undefined): P | null {
  if (cursor === undefined) return null
  const place = order.placeOf(cursor)
  if (place === null) throw invalidInput('cursor', 'is not a cursor of this list')
  return place
}
