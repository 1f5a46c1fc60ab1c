import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { lockState } from './startLock.mjs'

const lockModule = new URL('./startLock.mjs', import.meta.url).href

function state(t) {
  const folder = mkdtempSync(join(tmpdir(), 'lock-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Another start that holds the lock, with one server of its own. */
async function otherStart(t, folder) {
  const source = `import { lockState } from '${lockModule}'
    import { spawn } from 'node:child_process'
    const lock = await lockState('${folder}', () => {})
    const server = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    lock.add('broker', server.pid)
    console.log(server.pid)
    setInterval(() => {}, 1000)`
  const other = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => other.kill('SIGKILL'))
  const [line] = await once(other.stdout, 'data')
  const serverPid = Number(String(line))
  t.after(() => {
    if (isAlive(serverPid)) process.kill(serverPid, 'SIGKILL')
  })
  return { other, serverPid }
}

// A dead process whose new parent has not collected it yet is dead as well.
const isAlive = (pid) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

test('a second start on the same state folder is refused with a sentence that says what to do', async (t) => {
  const folder = state(t)
  const { other, serverPid } = await otherStart(t, folder)
  await assert.rejects(
    lockState(folder, () => {}),
    { name: 'AlreadyRunning', message: new RegExp(`process ${other.pid}.*--state`) },
  )
  assert.ok(isAlive(serverPid))
})

test('after a killed start what it left running is stopped, and the folder is free', async (t) => {
  const folder = state(t)
  const { other, serverPid } = await otherStart(t, folder)
  other.kill('SIGKILL')
  await once(other, 'exit')
  const reports = []
  const lock = await lockState(folder, (line) => reports.push(line))
  assert.match(reports[0], new RegExp(`left broker \\(process ${serverPid}\\) running`))
  assert.ok(!isAlive(serverPid))
  lock.release()
  assert.ok(!existsSync(join(folder, 'start.lock')))
})

test('a process that only got the number of a dead one is left alone', async (t) => {
  const folder = state(t)
  writeFileSync(
    join(folder, 'start.lock'),
    JSON.stringify({ pid: process.pid, began: '1', servers: [{ name: 'broker', pid: process.pid, began: '1' }] }),
  )
  const reports = []
  const lock = await lockState(folder, (line) => reports.push(line))
  assert.deepEqual(reports, [])
  lock.release()
})

test('a torn lock file of a lost machine does not block', async (t) => {
  const folder = state(t)
  writeFileSync(join(folder, 'start.lock'), '{"pid":')
  const lock = await lockState(folder, () => {})
  lock.release()
})

/** Writes files until its disk is full. */
function smallDisk() {
  const disk = { full: false }
  disk.write = (path, text) => {
    // As a full disk does it: the file is there, its content is not.
    writeFileSync(path, disk.full ? '' : text)
    if (disk.full) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  }
  return disk
}

test('a start on a full disk names the file, the folder and the remedy, and leaves nothing', async (t) => {
  const folder = state(t)
  const disk = smallDisk()
  disk.full = true
  await assert.rejects(
    lockState(folder, () => {}, disk.write),
    ({ name, message }) =>
      name === 'LockUnwritable' &&
      message.includes(join(folder, 'start.lock')) &&
      message.includes(`the state folder ${folder}`) &&
      /no room left.*free some.*--state/.test(message),
  )
  assert.deepEqual(readdirSync(folder), [])
})

test('a disk that fills up later costs one line a change, and what changed is written once there is room', async (t) => {
  const folder = state(t)
  const disk = smallDisk()
  const reports = []
  const lock = await lockState(folder, (line) => reports.push(line), disk.write)
  const servers = () => JSON.parse(readFileSync(join(folder, 'start.lock'), 'utf8')).servers.map(({ name }) => name)
  lock.add('broker', process.pid)
  lock.add('registry', process.pid)
  disk.full = true
  lock.remove('broker')
  lock.add('gateway', process.pid)
  assert.equal(reports.length, 2)
  assert.match(reports[0], /start\.lock cannot be written \(ENOSPC\)/)
  assert.deepEqual(servers(), ['broker', 'registry'])
  assert.deepEqual(readdirSync(folder), ['start.lock'])
  disk.full = false
  lock.remove('registry')
  assert.deepEqual(servers(), ['gateway'])
  lock.release()
})
