import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { similarity } from './similarity.ts'
import type { Traits } from './similarity.ts'

const name = fc.option(fc.constantFrom('a', 'b', 'c'))
const count = fc.option(fc.nat(5000))
const traits: fc.Arbitrary<Traits> = fc.record({
  workflow: name,
  branch: name,
  actor: name,
  trigger: name,
  pullRequest: fc.option(fc.boolean()),
  sha: name,
  change: fc.option(
    fc.record({
      filesAdded: count,
      filesDeleted: count,
      filesModified: count,
      linesAdded: count,
      linesDeleted: count,
      srcFiles: count,
      docFiles: count,
      otherFiles: count,
      dockerfileChanged: fc.constant(null),
      composeChanged: fc.constant(null),
      fileTypes: fc.option(fc.constantFrom('', 'ts', 'ts md', 'md  yaml')),
    }),
  ),
  hour: fc.double({ min: 0, max: 23.99, noNaN: true }),
  weekday: fc.integer({ min: 0, max: 6 }),
})

test('it is symmetric, between 0 and 1, and 1 for the same', () => {
  fc.assert(
    fc.property(traits, traits, (a, b) => {
      const like = similarity(a, b)
      assert.ok(like >= 0 && like <= 1, String(like))
      assert.equal(like, similarity(b, a))
      assert.equal(similarity(a, a), 1)
    }),
  )
})

test('hours go round the clock, what one of them does not tell is left out, a larger distance in size is less alike', () => {
  const plain: Traits = {
    workflow: 'ci',
    branch: 'main',
    actor: null,
    trigger: 'push',
    pullRequest: null,
    sha: null,
    change: null,
    hour: 23,
    weekday: 1,
  }
  assert.equal(similarity(plain, { ...plain, hour: 1 }), similarity(plain, { ...plain, hour: 21 }))
  assert.equal(similarity(plain, { ...plain, actor: 'x', sha: 'y' }), 1)
  assert.ok(similarity(plain, { ...plain, workflow: 'other' }) < similarity(plain, { ...plain, trigger: 'other' }))
  const none = { filesAdded: null, filesDeleted: null, filesModified: null, srcFiles: null, docFiles: null }
  const change = (linesAdded: number) => ({
    ...plain,
    change: {
      ...none,
      otherFiles: null,
      dockerfileChanged: null,
      composeChanged: null,
      fileTypes: null,
      linesAdded,
      linesDeleted: 0,
    },
  })
  assert.ok(similarity(change(10), change(20)) > similarity(change(10), change(200)))
})
