/** `npm pack` gives a package that runs from node_modules, where Node strips no types. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { eventually, freePort } from '../harness/system.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

test('a packed package runs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'devops-pack-'))
  t.after(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const packed = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString(),
  ) as unknown
  const first = (Array.isArray(packed) ? packed[0] : Object.values(packed as object)[0]) as {
    filename: string
    files: { path: string }[]
  }
  assert.ok(first.files.every((f) => !/\.test\.|(^|\/)integration-tests\//.test(f.path)))

  // The dependencies as they are installed here, and the package itself really below node_modules.
  const modules = join(folder, 'node_modules')
  mkdirSync(modules)
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.') && name !== 'devops-mcp-server')
      symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  execFileSync('tar', ['-xzf', join(folder, first.filename), '-C', modules])
  execFileSync('mv', [join(modules, 'package'), join(modules, 'devops-mcp-server')])
  const bin = join(modules, 'devops-mcp-server/adapters/cli/devops-mcp-server.mjs')

  const version = execFileSync(process.execPath, [bin, 'version']).toString()
  assert.match(version, /\d+\.\d+\.\d+/)

  const port = await freePort()
  const child = spawn(process.execPath, [join(modules, 'devops-mcp-server/dist/adapters/main.js')], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', DEVOPS_SERVER_PORT: String(port) },
    stdio: 'ignore',
  })
  t.after(() => child.kill())
  await eventually('the packed adapter is alive', async () =>
    (await fetch(`http://127.0.0.1:${String(port)}/healthz`)).ok ? true : null,
  )
})
