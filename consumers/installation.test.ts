import assert from 'node:assert/strict'
import test from 'node:test'
import { EMPTY_CATALOG } from '../runtime/configuration/catalog.ts'
import { mappedByNow } from './installation.ts'

test('a name mapped for some sources is of the past once nothing arrives under it any more', () => {
  const prometheus = new Map([['job-a', 'a']])
  const rule = { service: 'b', workflows: [], paths: [] }
  const catalog = {
    ...EMPTY_CATALOG,
    names: { ...EMPTY_CATALOG.names, prometheus },
    repositories: new Map([['acme/b', [rule]]]),
  }
  const isMapped = mappedByNow(catalog, 1_000)
  assert.equal(isMapped('job-a', 999), true)
  assert.equal(isMapped('job-a', 1_000), false, 'another source goes on calling it that')
  assert.equal(isMapped('acme/b', 2_000), true)
  assert.equal(isMapped('stranger', 1), false)
})
