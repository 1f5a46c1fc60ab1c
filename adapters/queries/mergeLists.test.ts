import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { comparePlaces, cursorOfPlace, placeOfCursor, type Place } from '../../schemas/queries/place.ts'
import { mergeLists, type ListOrder, type OwnerPage } from './mergeLists.ts'

const order: ListOrder<Place> = { compare: comparePlaces, cursorAfter: cursorOfPlace }

/** An owner's page as the contract describes it. */
function pageOf(items: readonly Place[], limit: number, cursor: string | null): OwnerPage<Place> {
  const after = cursor === null ? null : placeOfCursor(cursor)
  const rest = [...items].sort(comparePlaces).filter((item) => after === null || comparePlaces(item, after) > 0)
  const last = rest[limit - 1]
  return {
    items: rest.slice(0, limit),
    nextCursor: rest.length > limit && last !== undefined ? cursorOfPlace(last) : null,
  }
}

/** Reads to the end; `owners` may change before each page, as when shards move. */
function readAll(ownersAt: (page: number) => readonly (readonly Place[])[], limit: number, bytesMax: number): Place[] {
  const read: Place[] = []
  let cursor: string | null = null
  for (let page = 0; page < 1_000; page += 1) {
    const merged: OwnerPage<Place> = mergeLists(
      ownersAt(page).map((items) => pageOf(items, limit, cursor)),
      order,
      { itemsMax: limit, bytesMax },
    )
    assert.ok(merged.items.length <= limit)
    read.push(...merged.items)
    cursor = merged.nextCursor
    if (cursor === null) return read
    assert.ok(merged.items.length > 0, 'a page that calls for another one has items')
  }
  throw new Error('paging does not end')
}

const place = fc.record({ at: fc.integer({ min: 0, max: 8 }), key: fc.string({ maxLength: 3 }) })
const places = fc.uniqueArray(place, { selector: ({ at, key }) => `${at} ${key}`, maxLength: 60 })
const bytesMax = fc.integer({ min: 1, max: 400 })

test('paging through merged owners yields every item exactly once, in order', () => {
  const owned = places.chain((items) =>
    fc.tuple(fc.constant(items), fc.array(fc.nat({ max: 4 }), { minLength: items.length, maxLength: items.length })),
  )
  fc.assert(
    fc.property(owned, fc.integer({ min: 1, max: 9 }), bytesMax, ([items, ownerOf], limit, bytes) => {
      const owners = [0, 1, 2, 3, 4].map((owner) => items.filter((_, index) => ownerOf[index] === owner))
      assert.deepEqual(
        readAll(() => owners, limit, bytes),
        [...items].sort(comparePlaces),
      )
    }),
  )
})

test('it holds while items move between owners from page to page, and while two owners both have one', () => {
  fc.assert(
    fc.property(places, fc.integer({ min: 1, max: 9 }), fc.nat(), (items, limit, seed) => {
      const ownersAt = (page: number): Place[][] =>
        [0, 1, 2].map((owner) =>
          items.filter((_, index) => (index * 7 + page + seed) % 3 === owner || (index + page) % 5 === owner),
        )
      assert.deepEqual(readAll(ownersAt, limit, 1_000_000), [...items].sort(comparePlaces))
    }),
  )
})

test('an owner with more behind a short page holds the others back', () => {
  const short = { items: [{ at: 9, key: 'a' }], nextCursor: 'more' }
  const long = { items: [{ at: 8, key: 'b' }], nextCursor: null }
  const merged = mergeLists([short, long], order, { itemsMax: 10, bytesMax: 1_000 })
  assert.deepEqual(merged, { items: [{ at: 9, key: 'a' }], nextCursor: cursorOfPlace({ at: 9, key: 'a' }) })
})

test('a page is bounded in bytes, but never without an item', () => {
  const items = [3, 2, 1].map((at) => ({ at, key: 'x'.repeat(100) }))
  const page = { items, nextCursor: null }
  assert.equal(mergeLists([page], order, { itemsMax: 10, bytesMax: 250 }).items.length, 2)
  const first = mergeLists([page], order, { itemsMax: 10, bytesMax: 1 })
  assert.equal(first.items.length, 1)
  assert.notEqual(first.nextCursor, null)
})
