import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { EMPTY_CATALOG, readCatalog } from '../runtime/configuration/catalog.ts'
import { mappedByNow, zoneOf } from './installation.ts'

test('a service has the time zone of its catalog entry in every environment, however it is spelt there', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'catalog-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
  })
  const file = join(folder, 'catalog.yaml')
  writeFileSync(file, 'version: 1\nservices:\n  Checkout: { time_zone: Europe/Berlin }\n  search: {}\n')
  const zone = zoneOf(readCatalog(file), 'UTC')
  const zones = ['production/Checkout', 'staging/Checkout', 'production/search', 'production/other'].map(zone)
  assert.deepEqual(zones, ['Europe/Berlin', 'Europe/Berlin', 'UTC', 'UTC'])
})

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
