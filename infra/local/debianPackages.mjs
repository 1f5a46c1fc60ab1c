import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { runCommand } from './command.mjs'
import { onPath } from './machine.mjs'
import { step } from './step.mjs'

const installLimitMs = 15 * 60_000

const prometheus = {
  what: 'Prometheus',
  packages: ['prometheus'],
  has: (env) => onPath('prometheus', env) && onPath('promtool', env),
}

/** What the whole test suite needs of the machine, and the Debian packages that bring it. */
const forTests = [
  prometheus,
  {
    what: 'Alertmanager',
    packages: ['prometheus-alertmanager'],
    has: (env) => onPath('prometheus-alertmanager', env) || onPath('alertmanager', env),
  },
  {
    what: 'a Docker engine',
    packages: ['docker.io', 'iptables'],
    has: (env) => ['dockerd', 'docker', 'iptables', 'ip'].every((tool) => onPath(tool, env)),
  },
  { what: 'a static busybox', packages: ['busybox-static'], has: () => existsSync('/usr/share/doc/busybox-static') },
  { what: 'jlink', packages: ['openjdk-17-jdk-headless'], has: (env) => onPath('jlink', env) },
  { what: 'valgrind', packages: ['valgrind'], has: (env) => onPath('valgrind', env) },
  { what: 'a C++ compiler', packages: ['g++'], has: (env) => onPath('g++', env) },
]

/** What the memory is measured beside, and what is scraped for it. */
export const forMemoryBench = [
  prometheus,
  {
    what: 'VictoriaMetrics',
    packages: ['victoria-metrics'],
    has: (env) => onPath('victoria-metrics', env) || onPath('victoria-metrics-prod', env),
  },
  {
    what: 'the node exporter',
    packages: ['prometheus-node-exporter'],
    has: (env) => onPath('prometheus-node-exporter', env) || onPath('node_exporter', env),
  },
]

/** Null, or one sentence that says why the full set-up can't be had here. */
export function whyNoFullSetup() {
  const remedy = 'run it as root on Debian, or run "npm test" alone, which skips what the machine lacks and says so'
  const reason = whyNoPackages()
  if (reason === null) return null
  return `TEST_SETUP=full installs Debian packages and starts a Docker engine, and ${reason}: ${remedy}.`
}

/** Null, or why no Debian packages can be installed here. */
export function whyNoPackages() {
  if (!existsSync('/etc/debian_version') || !onPath('apt-get')) return 'this is not Debian'
  return process.getuid?.() === 0 ? null : 'that needs root'
}

/** The environment in which daemons' folders are on the PATH, as they are not for everyone. */
export function withDaemonFolders(env) {
  return { ...env, PATH: `${env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` }
}

/** Installs what is lacking; nothing of it is started. */
export async function installLackingPackages({ say, signal, wanted = forTests }) {
  const env = withDaemonFolders({ ...process.env, DEBIAN_FRONTEND: 'noninteractive' })
  const lacking = wanted.filter(({ has }) => !has(env))
  if (lacking.length === 0) return
  const packages = lacking.flatMap((one) => one.packages)
  const title = `installing ${lacking.map(({ what }) => what).join(', ')} (Debian: ${packages.join(' ')})`
  const options = { env, limitMs: installLimitMs, signal }
  await step(
    title,
    (note) =>
      withoutServiceStarts(async () => {
        await runCommand('reading the package lists', 'apt-get', ['update', '-q'], { ...options, onLine: note })
        await runCommand(title, 'apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
          ...options,
          onLine: note,
        })
      }),
    say,
  )
  const still = wanted.filter(({ has }) => !has(env)).map(({ what }) => what)
  if (still.length > 0) throw new Error(`still lacking after the installation: ${still.join(', ')}`)
}

/** Debian starts a package's daemon when it installs it, unless this file, which others may have put there, says no. */
async function withoutServiceStarts(work) {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return work()
  const remove = () => rmSync(policy, { force: true })
  writeFileSync(policy, '#!/bin/sh\nexit 101\n')
  chmodSync(policy, 0o755)
  process.once('exit', remove)
  try {
    return await work()
  } finally {
    remove()
    process.removeListener('exit', remove)
  }
}
