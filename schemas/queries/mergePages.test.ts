import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergePages, type MergedPage, type PartPage } from './mergePages.ts'
import { BY_TIME, type Place } from './place.ts'

const options = { order: BY_TIME, placeOf: (place: Place) => place }
const sorted = (items: readonly Place[]): Place[] => [...items].sort(BY_TIME.compare)

/** An owner's page that looks at no more than `lookedAtMax` of its items, of which it wants those whose key is not `hidden`. */
function pageOf(
  items: readonly Place[],
  limit: number,
  cursor: string | null,
  lookedAtMax = Infinity,
): PartPage<Place, Place> {
  const after = cursor === null ? null : BY_TIME.placeOf(cursor)
  const rest = sorted(items).filter((item) => after === null || BY_TIME.compare(item, after) > 0)
  const looked = rest.slice(0, lookedAtMax)
  const wanted = looked.filter(isWanted)
  const end = wanted.length > limit ? wanted[limit - 1] : looked.length < rest.length ? looked.at(-1) : null
  return { items: wanted.slice(0, limit), knownThrough: end ?? null }
}

const isWanted = ({ key }: Place): boolean => !key.startsWith('h')

/** Reads to the end; `owners` may change before each page, as when shards move. */
function readAll(
  ownersAt: (page: number) => readonly (readonly Place[])[],
  limit: number,
  { bytesMax = Infinity, lookedAtMax = Infinity } = {},
): Place[] {
  const read: Place[] = []
  let cursor: string | null = null
  for (let page = 0; page < 1_000; page += 1) {
    const merged: MergedPage<Place> = mergePages(
      ownersAt(page).map((items) => pageOf(items, limit, cursor, lookedAtMax)),
      { ...options, itemsMax: limit, bytesMax },
    )
    assert.ok(merged.items.length <= limit)
    read.push(...merged.items)
    if (merged.nextCursor === null) return read
    assert.notEqual(merged.nextCursor, cursor, 'each page goes on')
    cursor = merged.nextCursor
  }
  throw new Error('paging does not end')
}

const place = fc.record({ at: fc.integer({ min: 0, max: 8 }), key: fc.string({ maxLength: 3 }) })
const hidden = fc.record({ at: fc.integer({ min: 0, max: 8 }), key: fc.constantFrom('ha', 'hb', 'hc') })
const places = fc.uniqueArray(fc.oneof(place, hidden), { selector: ({ at, key }) => `${at} ${key}`, maxLength: 60 })
const bytes = fc.integer({ min: 1, max: 400 })
const looked = fc.integer({ min: 1, max: 9 })

test('paging through merged owners yields every item exactly once, in order, however little each looks at', () => {
  const owned = places.chain((items) =>
    fc.tuple(fc.constant(items), fc.array(fc.nat({ max: 4 }), { minLength: items.length, maxLength: items.length })),
  )
  fc.assert(
    fc.property(owned, fc.integer({ min: 1, max: 9 }), bytes, looked, ([items, of], limit, bytesMax, lookedAtMax) => {
      const owners = [0, 1, 2, 3, 4].map((owner) => items.filter((_, index) => of[index] === owner))
      assert.deepEqual(
        readAll(() => owners, limit, { bytesMax, lookedAtMax }),
        sorted(items).filter(isWanted),
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
      assert.deepEqual(readAll(ownersAt, limit), sorted(items).filter(isWanted))
    }),
  )
})

test('an owner with more behind a short page holds the others back', () => {
  const short = { items: [{ at: 9, key: 'a' }], knownThrough: { at: 9, key: 'a' } }
  const long = { items: [{ at: 8, key: 'b' }], knownThrough: null }
  const merged = mergePages([short, long], { ...options, itemsMax: 10 })
  assert.deepEqual(merged, { items: [{ at: 9, key: 'a' }], nextCursor: BY_TIME.cursorOf({ at: 9, key: 'a' }) })
})

test('an owner that found nothing yet in what it looked at makes the page empty, not the list', () => {
  const searching = { items: [], knownThrough: { at: 9, key: '' } }
  const other = { items: [{ at: 8, key: 'b' }], knownThrough: null }
  assert.deepEqual(mergePages<Place, Place>([searching, other], { ...options, itemsMax: 10 }), {
    items: [],
    nextCursor: BY_TIME.cursorOf({ at: 9, key: '' }),
  })
})

test('a page is bounded in bytes, but never without an item', () => {
  const items = [3, 2, 1].map((at) => ({ at, key: 'x'.repeat(100) }))
  const page = { items, knownThrough: null }
  assert.equal(mergePages([page], { ...options, itemsMax: 10, bytesMax: 250 }).items.length, 2)
  const first = mergePages([page], { ...options, itemsMax: 10, bytesMax: 1 })
  assert.equal(first.items.length, 1)
  assert.notEqual(first.nextCursor, null)
})
