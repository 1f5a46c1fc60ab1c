import assert from 'node:assert/strict'
import test from 'node:test'
import * as z from 'zod'
import { firstProblem, problemsOf } from './problem.ts'

const schema = z.object({
  name: z.string(),
  kind: z.enum(['a', 'b']),
  parts: z.array(z.object({ at: z.number().min(1) })).default([]),
})
function errorOf(input: unknown): z.ZodError {
  const { error } = schema.safeParse(input)
  assert.ok(error !== undefined)
  return error
}

test('a field that is not there is called missing, whatever its type', () => {
  assert.deepEqual(problemsOf(errorOf({ parts: [{}] }), { parts: [{}] }), [
    { field: 'name', reason: 'is missing' },
    { field: 'kind', reason: 'is missing' },
    { field: 'parts.0.at', reason: 'is missing' },
  ])
})

test('a field of the wrong kind says what is expected', () => {
  const input = { name: null, kind: 'c', parts: [{ at: 0 }] }
  assert.deepEqual(
    problemsOf(errorOf(input), input).map(({ reason }) => reason),
    ['expected string, received null', 'expected one of "a"|"b"', 'Too small: expected number to be >=1'],
  )
  assert.deepEqual(problemsOf(errorOf(undefined), undefined), [
    { field: '', reason: 'expected object, received undefined' },
  ])
})

test('the first problem names all that is missing', () => {
  assert.deepEqual(firstProblem(errorOf({}), {}), { field: 'name', reason: 'is missing, and so is kind' })
  const input = { kind: 'a' }
  assert.deepEqual(firstProblem(errorOf(input), input), { field: 'name', reason: 'is missing' })
})
