import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withDaemonFolders } from '../local/debianPackages.mjs'
import { startServer } from '../local/serverProcess.mjs'
import { step } from '../local/step.mjs'
import { readFirewall, whatToUndo } from './firewall.mjs'

const readyLimitMs = 60_000
const stopLimitMs = 30_000
const storageDrivers = ['overlay2', 'vfs']
const kernelSettings = ['/proc/sys/net/ipv4/ip_forward', '/proc/sys/net/bridge/bridge-nf-call-iptables']

/**
 * A Docker engine of our own (needs root): its socket, data and state in a temporary folder, published ports on the loopback
 * address only. `env` is what clients need. `stop()` ends it and puts back the network settings that it changed.
 */
export async function startEngine({ say = console.log, signal } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'devops-docker-'))
  const before = networkState()
  const restore = () => {
    restoreNetwork(before)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const server = await step('starting a private Docker engine', () => startWithSomeDriver(folder, signal), say)
    const host = `unix://${join(folder, 'docker.sock')}`
    return {
      host,
      env: {
        DOCKER_HOST: host,
        // Its helper image can't be had without an image registry; the test removes its own containers.
        TESTCONTAINERS_RYUK_DISABLED: 'true',
        TESTCONTAINERS_HOST_OVERRIDE: '127.0.0.1',
      },
      async stop() {
        await server.stop()
        restore()
        say('stopped the private Docker engine and put the network settings back')
      },
    }
  } catch (error) {
    restore()
    throw error
  }
}

async function startWithSomeDriver(folder, signal) {
  let failure
  for (const driver of storageDrivers) {
    let ready = false
    try {
      return await startServer({
        name: 'dockerd',
        command: 'dockerd',
        args: [
          '-H',
          `unix://${join(folder, 'docker.sock')}`,
          '--data-root',
          join(folder, 'data'),
          '--exec-root',
          join(folder, 'exec'),
          '-p',
          join(folder, 'dockerd.pid'),
          `--storage-driver=${driver}`,
          '--bip=172.30.0.1/24',
          '--userland-proxy=false',
          '--ip=127.0.0.1',
        ],
        env: withDaemonFolders(process.env),
        logPath: join(folder, 'dockerd.log'),
        readyLimitMs,
        stopLimitMs,
        signal,
        onLine: (line) => {
          if (line.includes('API listen on')) ready = true
        },
        ready: () => ready,
      })
    } catch (error) {
      // An overlay file system can't lie on another one, as in a container.
      if (!error.tail?.some((line) => /storage-driver|graphdriver|overlay/.test(line))) throw error
      failure = error
    }
  }
  throw failure
}

function networkState() {
  return {
    bridge: existsSync('/sys/class/net/docker0'),
    firewall: readFirewall(output('iptables-save', [])),
    kernel: kernelSettings.filter((path) => existsSync(path)).map((path) => [path, readFileSync(path, 'utf8')]),
  }
}

function restoreNetwork(before) {
  if (!before.bridge && existsSync('/sys/class/net/docker0')) output('ip', ['link', 'del', 'docker0'])
  const undo = whatToUndo(before.firewall, readFirewall(output('iptables-save', [])))
  if (undo.restoreInput !== '') output('iptables-restore', ['--noflush'], undo.restoreInput)
  for (const { table, chain, policy } of undo.policies) output('iptables', ['-t', table, '-P', chain, policy])
  for (const [path, value] of before.kernel) {
    if (readFileSync(path, 'utf8') !== value) writeFileSync(path, value)
  }
}

function output(command, args, input) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    env: withDaemonFolders(process.env),
    encoding: 'utf8',
    input,
    timeout: 30_000,
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`)
  return stdout
}
