import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from './freePort.mjs'
import { isOlder, lackingTools, portProblems } from './machine.mjs'

const repository = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** A PATH of stand-ins which answer with a version, so that what is missing is what the test leaves out. */
function machineWith(t, tools) {
  const folder = mkdtempSync(join(tmpdir(), 'machine-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const versions = { cargo: 'cargo 1.99.0', java: 'openjdk version "17.0.1"', ...tools }
  for (const name of ['npm', 'cargo', 'cc', 'java', 'mvn', 'tar']) {
    if (versions[name] === null) continue
    writeFileSync(join(folder, name), `#!/bin/sh\necho '${versions[name] ?? ''}'\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return { PATH: folder }
}

test('a machine with all tools lacks nothing', async (t) => {
  assert.deepEqual(await lackingTools({ repository, env: machineWith(t, {}) }), [])
})

const cases = [
  [{ cargo: null }, /^Rust \(cargo\) was not found.*rustup\.rs/],
  [{ cargo: 'cargo 1.63.0' }, /^Rust [\d.]+ or newer is needed and this is 1\.63/],
  [{ java: null }, /^Java \(java\) was not found.*openjdk-17/],
  [{ java: 'openjdk version "11.0.2"' }, /^Java 17 or newer is needed and this is 11/],
  [{ java: 'java version "1.8.0_292"' }, /^Java 17 or newer is needed and this is 8/],
  [{ mvn: null }, /^Maven \(mvn\) was not found.*apt-get install maven/],
  [{ npm: null }, /^npm was not found/],
  [{ cc: null }, /^A C compiler \(cc\) was not found/],
  [{ tar: null }, /^tar was not found/],
]

for (const [tools, expected] of cases) {
  test(`one sentence for ${JSON.stringify(tools)}`, async (t) => {
    const problems = await lackingTools({ repository, env: machineWith(t, tools) })
    assert.equal(problems.length, 1)
    assert.match(problems[0], expected)
    assert.ok(!problems[0].includes('\n'))
  })
}

test('the version of Node counts to its minor number', async (t) => {
  const env = machineWith(t, {})
  assert.match(
    (await lackingTools({ repository, env, node: '20.2.0' }))[0],
    /^Node\.js 20\.3 or newer is needed and this is 20\.2/,
  )
  assert.deepEqual(await lackingTools({ repository, env, node: '20.3.0' }), [])
})

test('with an existing broker and registry neither Java nor Maven is asked for', async (t) => {
  const env = machineWith(t, { java: null, mvn: null, tar: null })
  assert.deepEqual(await lackingTools({ repository, env, needsJava: false }), [])
})

test('the Java of JAVA_HOME counts', async (t) => {
  const env = machineWith(t, { java: null })
  env.JAVA_HOME = join(env.PATH, 'jdk')
  assert.match((await lackingTools({ repository, env }))[0], /^JAVA_HOME is .* where there is no bin\/java/)
  mkdirSync(join(env.JAVA_HOME, 'bin'), { recursive: true })
  writeFileSync(join(env.JAVA_HOME, 'bin', 'java'), `#!/bin/sh\necho 'openjdk version "21"' >&2\n`)
  chmodSync(join(env.JAVA_HOME, 'bin', 'java'), 0o755)
  assert.deepEqual(await lackingTools({ repository, env }), [])
})

const listener = (port, more = {}) => ({
  name: 'gateway',
  variable: 'DEVOPS_GATEWAY_PORT',
  wanted: String(port),
  port,
  host: '127.0.0.1',
  ...more,
})

test('a taken port is one sentence with the remedy, a free one none', async (t) => {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address()
  const problems = await portProblems([listener(port), listener(await freePort(), { name: 'consumer' })])
  assert.equal(problems.length, 1)
  assert.match(
    problems[0],
    new RegExp(`^Port ${port} of the gateway is taken .*set DEVOPS_GATEWAY_PORT to a free port\\.$`),
  )
})

test('a port that is none, and one given twice, are named', async () => {
  assert.match((await portProblems([listener(NaN, { wanted: 'http' })]))[0], /"http", which is no port/)
  const port = await freePort()
  assert.match(
    (await portProblems([listener(port), listener(port, { name: 'trainer' })]))[0],
    /gateway and the trainer are both given port/,
  )
})

test('versions compare by number, not by text', () => {
  assert.equal(isOlder('1.9', '1.85'), true)
  assert.equal(isOlder('1.85', '1.85'), false)
  assert.equal(isOlder('2.0', '1.85'), false)
})

test('npm start names a missing tool and a taken port before it does anything', async (t) => {
  const env = machineWith(t, { mvn: null })
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  symlinkSync(process.execPath, join(env.PATH, 'node'))
  const state = join(env.PATH, 'state')
  const ports = Object.fromEntries(
    await Promise.all(
      ['GATEWAY', 'CONSUMER', 'TRAINER', 'SERVER'].map(async (name) => [
        `DEVOPS_${name}_PORT`,
        String(await freePort()),
      ]),
    ),
  )
  ports.DEVOPS_TRAINER_PORT = String(server.address().port)
  const refused = () =>
    execFileSync('node', [join(repository, 'infra', 'local', 'start.mjs'), '--state', state], {
      env: { ...env, ...ports },
      stdio: 'pipe',
    })
  assert.throws(refused, (error) => {
    assert.equal(error.status, 1)
    const lines = error.stderr.toString().trim().split('\n')
    assert.equal(lines.length, 2)
    assert.match(lines[0], /^Maven \(mvn\) was not found/)
    assert.match(lines[1], /^Port \d+ of the trainer is taken/)
    assert.equal(error.stdout.toString(), '')
    return true
  })
})
