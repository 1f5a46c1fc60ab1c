import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { jsonElements, type JsonElement } from './jsonElements.ts'

async function elementsOf(text: string, chunkBytes = 7): Promise<JsonElement[]> {
  const bytes = Buffer.from(text)
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, i) =>
    bytes.subarray(i * chunkBytes, (i + 1) * chunkBytes),
  )
  return Array.fromAsync(jsonElements(Readable.from(chunks)))
}

test('the elements of a list, the values of a stream: the same, however they are cut and laid out', async () => {
  const value = fc.jsonValue({ maxDepth: 3 }).filter((each) => !Array.isArray(each))
  await fc.assert(
    fc.asyncProperty(
      fc.array(value, { maxLength: 6 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(4),
      async (all, cut, indent) => {
        const expected = all.map((each): unknown => JSON.parse(JSON.stringify(each)))
        const texts = [
          JSON.stringify(all, null, indent),
          all.map((each) => JSON.stringify(each, null, indent)).join('\n'),
        ]
        for (const text of texts)
          assert.deepEqual(
            (await elementsOf(text, cut)).map((each): unknown => JSON.parse(each.text)),
            expected,
          )
      },
    ),
  )
})

test('each value comes with its line, lists may follow each other', async () => {
  assert.deepEqual(await elementsOf('[\n {"a":1},\n {"b":\n  [2]}\n]\n[{"c":"]\\"["}]\n'), [
    { line: 2, text: '{"a":1}' },
    { line: 3, text: '{"b":\n  [2]}' },
    { line: 6, text: '{"c":"]\\"["}' },
  ])
})

test('a text that ends within a value gives what there is of it', async () => {
  assert.deepEqual(await elementsOf('[{"a":1},{"b":'), [
    { line: 1, text: '{"a":1}' },
    { line: 1, text: '{"b":' },
  ])
})
