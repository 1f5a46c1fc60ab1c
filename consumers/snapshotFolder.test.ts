import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { ClusterIdInvalid, openSnapshots, snapshotFolderOf } from './snapshotFolder.ts'

test('each cluster has a folder under its id', () => {
  assert.equal(snapshotFolderOf('/state', 'MkU3OEVBNTcwNTJENDM2Qk'), '/state/snapshots/MkU3OEVBNTcwNTJENDM2Qk')
  assert.notEqual(snapshotFolderOf('/state', 'a_-1'), snapshotFolderOf('/state', 'a_-2'))
})

test('an id that could lead elsewhere is refused', () => {
  for (const id of ['', '.', '..', '../x', 'a/b', 'a\\b', 'a b', 'a\n', 'ä', 'a'.repeat(201)])
    assert.throws(() => snapshotFolderOf('/state', id), ClusterIdInvalid, id)
})

test('what another cluster left is told while there is nothing of this one', (t) => {
  const state = mkdtempSync(join(tmpdir(), 'snapshots-'))
  t.after(() => {
    rmSync(state, { recursive: true })
  })
  const first = openSnapshots(state, 'first')
  assert.deepEqual(first, { folder: join(state, 'snapshots', 'first'), leftAlone: [] })
  writeFileSync(join(first.folder, 'a snapshot'), '')
  mkdirSync(join(state, 'snapshots', 'second'))
  assert.deepEqual(openSnapshots(state, 'first').leftAlone, [])
  assert.deepEqual(openSnapshots(state, 'second').leftAlone, ['first'])
})
