import { execFile } from 'node:child_process'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { whyTaken } from './freePort.mjs'
import { javaCommand } from './java.mjs'

const execute = promisify(execFile)
const javaMajorMin = 17
// AbortSignal.any came with it. The processes themselves run on the npm package `node`.
const nodeMin = '20.3'

/** What this machine lacks for a start or the tests: one sentence for each thing, with the remedy; none when all is there. */
export async function lackingTools({ repository, env = process.env, needsJava = true, node = process.versions.node }) {
  const problems = []
  if (process.platform !== 'linux')
    problems.push(
      `The memory engine and the local broker run on Linux, and this is ${process.platform}: use a Linux machine, a container or WSL 2.`,
    )
  if (isOlder(node, nodeMin))
    problems.push(`Node.js ${nodeMin} or newer is needed and this is ${node}: install a newer one from nodejs.org.`)
  if (!onPath('npm', env))
    problems.push('npm was not found: install it (Debian: apt-get install npm) or put it on the PATH.')
  problems.push(...(await cargoProblems(repository, env)))
  if (!onPath('cc', env))
    problems.push(
      'A C compiler (cc) was not found, which Rust links with: install it (Debian: apt-get install build-essential).',
    )
  if (needsJava) {
    problems.push(...(await javaProblems(env)))
    if (!onPath('mvn', env))
      problems.push(
        'Maven (mvn) was not found, which fetches Apache Kafka and the registry: install it (Debian: apt-get install maven), or set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to use existing servers.',
      )
    if (!onPath('tar', env))
      problems.push('tar was not found, which unpacks the registry: install it (Debian: apt-get install tar).')
  }
  return problems
}

async function cargoProblems(repository, env) {
  const remedy = 'install Rust from rustup.rs and open a new terminal'
  if (!onPath('cargo', env)) return [`Rust (cargo) was not found, which builds the memory engine: ${remedy}.`]
  const wanted =
    /^rust-version\s*=\s*"([\d.]+)"/m.exec(readFileSync(join(repository, 'rust-engine', 'Cargo.toml'), 'utf8'))?.[1] ??
    '1.85'
  const found = /cargo (\d+\.\d+)/.exec(await firstOutput('cargo', ['--version'], env))?.[1]
  if (found === undefined)
    return [`"cargo --version" does not answer with a version: ${remedy}, or repair it (rustup default stable).`]
  return isOlder(found, wanted)
    ? [`Rust ${wanted} or newer is needed and this is ${found}: run "rustup update stable", or ${remedy}.`]
    : []
}

async function javaProblems(env) {
  const remedy = `install a JDK ${javaMajorMin} or newer (Debian: apt-get install openjdk-17-jdk-headless), or set KAFKA_BROKERS and SCHEMA_REGISTRY_URL to use existing servers`
  const java = javaCommand(env)
  if (!onPath(java, env)) {
    return [
      env.JAVA_HOME
        ? `JAVA_HOME is ${env.JAVA_HOME}, where there is no bin/java: correct it, or ${remedy}.`
        : `Java (java) was not found, which runs the local broker: ${remedy}.`,
    ]
  }
  const version = /version "(?:1\.)?(\d+)/.exec(await firstOutput(java, ['-version'], env))?.[1]
  if (version === undefined) return [`"${java} -version" does not answer with a version: ${remedy}.`]
  return Number(version) < javaMajorMin
    ? [`Java ${javaMajorMin} or newer is needed and this is ${version}: ${remedy}.`]
    : []
}

/** What is wrong with the addresses that users talk to: one sentence for each. */
export async function portProblems(listeners) {
  const problems = []
  const seen = new Map()
  for (const { name, variable, wanted, port, host } of listeners) {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      problems.push(
        `The port of the ${name} is "${wanted}", which is no port: set ${variable} to a number from 1 to 65535.`,
      )
      continue
    }
    if (seen.has(port)) {
      problems.push(
        `The ${seen.get(port)} and the ${name} are both given port ${port}: set ${variable} to another one.`,
      )
      continue
    }
    seen.set(port, name)
    const reason = await whyTaken(host, port)
    if (reason === 'EADDRINUSE')
      problems.push(
        `Port ${port} of the ${name} is taken by another program (ss -ltnp "sport = :${port}" shows which): stop it, or set ${variable} to a free port.`,
      )
    else if (reason === 'EACCES')
      problems.push(`Port ${port} of the ${name} may not be used without root: set ${variable} to a port above 1023.`)
    else if (reason !== null)
      problems.push(
        `The ${name} can't listen on ${host}:${port} (${reason}): correct its host, or set ${variable} to another port.`,
      )
  }
  return problems
}

/** Whether a command can be run: by its path, or by its name in a folder of PATH. */
export function onPath(command, env = process.env) {
  const places = command.includes('/')
    ? [command]
    : (env.PATH ?? '')
        .split(delimiter)
        .filter(Boolean)
        .map((folder) => join(folder, command))
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK)
      return statSync(place).isFile()
    } catch {
      return false
    }
  })
}

async function firstOutput(command, args, env) {
  try {
    const { stdout, stderr } = await execute(command, args, { env, timeout: 20_000 })
    return stdout + stderr
  } catch {
    return ''
  }
}

export function isOlder(found, wanted) {
  const [a, b] = [found, wanted].map((version) => version.split('.').map(Number))
  return a[0] !== b[0] ? a[0] < b[0] : (a[1] ?? 0) < (b[1] ?? 0)
}
